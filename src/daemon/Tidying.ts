/** All that goes on beside the loop, for as long as the scope lives: what keeps the builder tidy, and its sign of life. */
import { Effect } from "effect"
import { tellingAlive } from "./Alive.ts"
import { keeping } from "./Keeping.ts"
import { sweeping } from "./Sweeping.ts"
import { evicting, expiring } from "./Upkeep.ts"

const restSeconds = 60

/** A defect of one round (a disk that does not answer, say) is told, and is not the end of all rounds. */
export const goingOn = <E, R>(what: string, rounds: Effect.Effect<void, E, R>) =>
  rounds.pipe(
    Effect.catchCause((cause) => Effect.logError(`${what}: going on in ${restSeconds} s`, cause)),
    Effect.andThen(Effect.sleep(`${restSeconds} seconds`)),
    Effect.forever,
    Effect.forkScoped
  )

/** Each by itself. `nearlyFull`: whether a disk was found so at the last look. */
export const tidying = Effect.fnUntraced(function* (
  hostId: number,
  nearlyFull: Effect.Effect<boolean>,
  journalAgeSeconds: number
) {
  yield* goingOn("sign of life", tellingAlive)
  yield* goingOn("eviction", evicting(nearlyFull))
  yield* goingOn("buildroots", expiring(hostId))
  yield* goingOn("sweep", sweeping)
  yield* goingOn("old journals", keeping(journalAgeSeconds))
})
