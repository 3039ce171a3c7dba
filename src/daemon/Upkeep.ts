/** What keeps the builder tidy, beside the loop: buildroots that nobody uses, images and kept roots beyond their bounds. */
import { Effect } from "effect"
import { nameOf } from "../buildroot/FailedRoot.ts"
import { FailedRoots } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { told } from "../core/DaemonEvent.ts"
import { expireBuildroots } from "./BuildrootMaintenance.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

/** kojid does this at each of its cycles; what it is for is not worth a call to the hub more often than this. */
const upkeepSeconds = 60

const again = <A, E, R>(once: Effect.Effect<A, E, R>) =>
  once.pipe(Effect.andThen(Effect.sleep(`${upkeepSeconds} seconds`)), Effect.forever)

/** Keeps kept roots and images within their bounds, for as long as it is let. `nearlyFull`: whether a disk was found so. */
export const evicting = Effect.fn("evicting")(function* (nearlyFull: Effect.Effect<boolean>) {
  const journal = yield* DaemonJournal
  const images = yield* ImageStore
  const roots = yield* FailedRoots
  const once = Effect.gen(function* () {
    for (const { root, reason } of yield* roots.evict((yield* nearlyFull) ? "nearly full" : "roomy")) {
      const { task, attempt, image, bytes } = root
      yield* images.unpin(nameOf(root))
      yield* journal.record(told.FailedRootEvicted.make({ task, attempt, image, bytes, reason }))
    }
    for (const one of yield* images.evict) yield* journal.record(told.ImageEvicted.make(one))
  })
  yield* again(once)
})

/** Has the hub expire buildroots that nobody uses, for as long as it is let. A hub that is away holds up nothing else. */
export const expiring = Effect.fn("expiring")(function* (hostId: number) {
  const once = Effect.catchTag(expireBuildroots(hostId), ["HubFault", "HubUnavailable", "HubNonsense"], (error) =>
    Effect.logWarning(`${error.method}: ${error.message}`)
  )
  yield* again(once)
})
