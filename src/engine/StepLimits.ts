/** The limits of a step that a clock and a count can hold. Whoever reaches one is told; ending the step is not done here. */
import { Clock, Effect } from "effect"
import type { ResourceLimits } from "./ContainerSpec.ts"
import type { StepOutput } from "./StepOutput.ts"

/** A limit that was reached, and what it was (seconds or bytes). */
export interface LimitReached {
  readonly limit: "wall" | "silence" | "output" | "disk" | "space"
  readonly value: number
}

/** Succeeds with the first limit that is reached, and otherwise never. `startedAt` in milliseconds since the epoch. */
export const firstLimit = <E>(
  limits: ResourceLimits,
  startedAt: number,
  output: StepOutput,
  disk: Effect.Effect<LimitReached, E>
): Effect.Effect<LimitReached, E> =>
  Effect.raceAllFirst([
    until(() => startedAt + 1000 * limits.wallSeconds, { limit: "wall", value: limits.wallSeconds }),
    until(() => Math.max(startedAt, output.lastAt()) + 1000 * limits.silenceSeconds, {
      limit: "silence",
      value: limits.silenceSeconds
    }),
    Effect.as(output.full, { limit: "output", value: limits.outputBytes } as const),
    disk
  ])

/** Sleeps until a moment that may move on meanwhile. */
const until = (moment: () => number, reached: LimitReached): Effect.Effect<LimitReached> =>
  Effect.gen(function* () {
    while (true) {
      const left = moment() - (yield* Clock.currentTimeMillis)
      if (left <= 0) return reached
      yield* Effect.sleep(`${left} millis`)
    }
  })
