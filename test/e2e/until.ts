/** Waiting for a condition, however long it takes within reason; what was seen last is in the error. */
import { Effect, Schedule } from "effect"

const lookMillis = 150
const patienceSeconds = 1000

class NotYet {
  readonly _tag = "NotYet"
}

/** For a test that waits: a busy machine is no failure. */
export const patient = 1000 * (patienceSeconds + 200)

/** Looks until there is something to see. `sight` is told when patience ends. */
export const until = <A>(
  what: string,
  sight: () => string,
  look: Effect.Effect<A | undefined> | (() => A | undefined)
): Effect.Effect<A> =>
  Effect.suspend(() => (Effect.isEffect(look) ? look : Effect.sync(look))).pipe(
    Effect.flatMap((seen) => (seen === undefined ? Effect.fail(new NotYet()) : Effect.succeed(seen))),
    Effect.retry({ schedule: Schedule.spaced(`${lookMillis} millis`) }),
    Effect.timeoutOrElse({
      duration: `${patienceSeconds} seconds`,
      orElse: () => Effect.die(new Error(`waited ${patienceSeconds} s in vain for ${what}; last seen:\n${sight()}`))
    }),
    Effect.catchTag("NotYet", () => Effect.die(new Error(`gave up waiting for ${what}`)))
  )
