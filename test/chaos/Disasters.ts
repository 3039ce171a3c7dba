/** What befalls a round of chaos, and when: drawn from a seed, or the next of all the failpoints that there are. */
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { rng } from "../model/Chance.ts"

export type Disaster =
  | { readonly what: "daemon killed"; readonly atMillis: number; readonly awayMillis: number }
  | { readonly what: "daemon killed at failpoint"; readonly failpoint: string; readonly awayMillis: number }
  | { readonly what: "daemon hands over"; readonly atMillis: number; readonly awayMillis: number }
  | { readonly what: "engine killed"; readonly atMillis: number; readonly awayMillis: number }
  | { readonly what: "hub stopped"; readonly atMillis: number; readonly awayMillis: number }

export interface Choices {
  /** How long the task takes when nothing befalls it. */
  readonly millis: number
  /** What its journal holds then. */
  readonly events: ReadonlyArray<AttemptEvent>
  /** Whether the engine may be killed: whatever else runs on it dies too. */
  readonly engine: boolean
}

/** Every transition, from both sides: `before:StepIntended:1`, `after:StepIntended:1`, `before:StepSucceeded:1`, … */
export const failpointsOf = (events: ReadonlyArray<AttemptEvent>): ReadonlyArray<string> => {
  const seen = new Map<string, number>()
  return events.flatMap(({ _tag }) => {
    // How far logs have come depends on the moment.
    if (_tag === "LogAdvanced") return []
    const nth = (seen.get(_tag) ?? 0) + 1
    seen.set(_tag, nth)
    return [`before:${_tag}:${nth}`, `after:${_tag}:${nth}`]
  })
}

/** The same for the same seed. Every second one is the next failpoint, in an order of the seed's. */
export const disasters = function* (seed: number, { millis, events, engine }: Choices): Generator<Disaster, never> {
  const next = rng(seed)
  const failpoints = [...failpointsOf(events)].map((name) => ({ name, at: next() })).sort((a, b) => a.at - b.at)
  const kinds = [
    "daemon killed",
    "daemon hands over",
    "hub stopped",
    ...(engine ? (["engine killed"] as const) : [])
  ] as const
  for (let round = 0; ; round++) {
    const awayMillis = Math.round(next() * 3000)
    const atMillis = Math.round(next() * millis)
    const failpoint = failpoints[(round / 2) % failpoints.length]
    if (round % 2 === 0 && failpoint !== undefined) {
      yield { what: "daemon killed at failpoint", failpoint: failpoint.name, awayMillis }
    } else yield { what: kinds[Math.floor(next() * kinds.length)] ?? "daemon killed", atMillis, awayMillis }
  }
}

export const disasterText = (disaster: Disaster): string =>
  disaster.what === "daemon killed at failpoint"
    ? `${disaster.what} ${disaster.failpoint}`
    : `${disaster.what} after ${(disaster.atMillis / 1000).toFixed(1)} s`
