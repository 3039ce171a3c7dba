/**
 * When the daemon looks (adr/0016).
 *
 * A *look* is kojid's whole cycle, and comes every `sleeptime`. Between two of them come *glances*: the one call that
 * shows new tasks, and while something runs the one that shows what became of it. They come at about three seconds from
 * each other, less or more by chance, so that the builders of a site do not ask all at once.
 */

export interface Rhythm {
  readonly lookMillis: number
  readonly glanceMillis: number
}

const glanceSecondsMax = 3
/** A hub takes a host that has been silent for 180 s for not ready; kojid's own advice is a minute. */
const lookSecondsMax = 55
/** A `sleeptime` of nothing is no wish to ask the hub without end. */
const secondsMin = 1

/** Of kojid's `sleeptime`. */
export const rhythmOf = (sleepSeconds: number): Rhythm => {
  const seconds = Math.max(secondsMin, sleepSeconds)
  return {
    lookMillis: 1000 * Math.min(seconds, lookSecondsMax),
    glanceMillis: 1000 * Math.min(seconds, glanceSecondsMax)
  }
}

/** How far from the usual pause chance may lead. */
const jitter = 0.2

/** How long to wait before the daemon opens its eyes again; `chance` is from 0 to 1. */
export const pauseMillis = ({ glanceMillis }: Rhythm, chance: number): number =>
  Math.round(glanceMillis * (1 - jitter + 2 * jitter * chance))

/** Whether it is to look, so long after its last look; if not, it glances. The one of two moments that is nearer. */
export const isTimeToLook = ({ lookMillis, glanceMillis }: Rhythm, sinceLookMillis: number): boolean =>
  sinceLookMillis + glanceMillis / 2 >= lookMillis
