/**
 * Keeps one step from taking the last room there is: on a full disk no journal can be written, and the daemon and
 * every other build end with it.
 *
 * A disk budget holds each step to its share, but shares may be more than the disk. Asking a file system what it has
 * left costs nothing, so it is asked often; only when that is little is the step's own share counted. A step that holds
 * more than the reserve is ended, which gives the room back; one that holds less is not the one to end.
 */

import { statfs } from "node:fs/promises"
import { Clock, Effect } from "effect"
import { usage } from "./DiskBudget.ts"
import type { LimitReached } from "./StepLimits.ts"

/** What a fast disk takes in a few looks. */
export const reserveBytes = 1024 ** 3
const pollInterval = "250 millis"
/** With much more than the reserve left, it is asked less often. */
const calmInterval = "2 seconds"
const calmFactor = 16
/** Counting takes time: so long it rests at least, and a multiple of what it took. */
const restMillis = 2000
const restFactor = 4

/** Succeeds once there is little room left and these paths hold more than that; otherwise never. */
export const outOfSpace = (paths: ReadonlyArray<string>, reserve = reserveBytes): Effect.Effect<LimitReached> =>
  Effect.gen(function* () {
    let restsUntil = Number.NEGATIVE_INFINITY
    while (true) {
      const left = yield* leastLeft(paths)
      yield* Effect.sleep(left > calmFactor * reserve ? calmInterval : pollInterval)
      const now = yield* Clock.currentTimeMillis
      if (left >= reserve || now < restsUntil) continue
      if (((yield* usage(paths)) ?? 0) > reserve) return { limit: "space", value: reserve }
      const took = (yield* Clock.currentTimeMillis) - now
      restsUntil = now + took + Math.max(restMillis, restFactor * took)
    }
  })

/** What the fullest of the file systems of these paths has left, in bytes. */
const leastLeft = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  let least = Number.POSITIVE_INFINITY
  for (const path of paths) {
    const system = yield* Effect.promise(() => statfs(path).catch(() => undefined))
    if (system !== undefined) least = Math.min(least, system.bavail * system.bsize)
  }
  return least
})
