/**
 * When the daemon looks (adr/0016).
 *
 * A *look* is kojid's whole cycle, and comes every `sleeptime`. Between two of them come *glances*: the one call that
 * shows new tasks, and while something runs the one that shows what became of it. They come at about three seconds
 * (`poll_interval`) from each other, less or more by chance, so that the builders of a site do not ask all at once.
 */

export interface Rhythm {
  readonly lookMillis: number
  readonly glanceMillis: number
}

/** A hub takes a host that has been silent for 180 s for not ready; kojid's own advice is a minute. */
const silenceSecondsMax = 60
/** However seldom a site wants to be asked, there must be room for a look within the minute. */
const glanceSecondsMax = 35
/** A `sleeptime` of nothing is no wish to ask the hub without end. */
const secondsMin = 1
/** How far from the usual pause chance may lead. */
const jitter = 0.2

/** Of kojid's `sleeptime`, and of how often a site wants to be asked for tasks in between. */
export const rhythmOf = (sleepSeconds: number, pollSeconds: number): Rhythm => {
  const sleep = Math.max(secondsMin, sleepSeconds)
  const glance = Math.min(sleep, Math.max(secondsMin, pollSeconds), glanceSecondsMax)
  // A look may come late by half a glance, and by what chance adds to the next.
  const look = Math.min(sleep, silenceSecondsMax - (0.5 + jitter) * glance)
  return { lookMillis: 1000 * look, glanceMillis: 1000 * glance }
}

/** How long to wait before the daemon opens its eyes again; `chance` is from 0 to 1. */
export const pauseMillis = ({ glanceMillis }: Rhythm, chance: number): number =>
  Math.round(glanceMillis * (1 - jitter + 2 * jitter * chance))

/** Whether it is to look, so long after its last look; if not, it glances. The one of two moments that is nearer. */
export const isTimeToLook = ({ lookMillis, glanceMillis }: Rhythm, sinceLookMillis: number): boolean =>
  sinceLookMillis + glanceMillis / 2 >= lookMillis
