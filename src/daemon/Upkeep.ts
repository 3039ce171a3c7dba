/** What keeps the builder tidy, beside the loop: buildroots that nobody uses, images and kept roots beyond their bounds. */
import { Effect } from "effect"
import { FailedRoots, nameOf } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { told } from "../core/DaemonEvent.ts"
import { expireBuildroots } from "./BuildrootMaintenance.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

/** kojid does this at each of its cycles; what it is for is not worth a call to the hub more often than this. */
const upkeepSeconds = 60

/** Tidies for as long as it is let. `nearlyFull`: whether a disk was found so at the last look. */
export const upkeeping = Effect.fn("upkeeping")(function* (hostId: number, nearlyFull: Effect.Effect<boolean>) {
  const tidy = Effect.gen(function* () {
    const journal = yield* DaemonJournal
    const images = yield* ImageStore
    const roots = yield* FailedRoots
    yield* expireBuildroots(hostId)
    for (const { root, reason } of yield* roots.evict((yield* nearlyFull) ? "nearly full" : "roomy")) {
      const { task, attempt, image, bytes } = root
      yield* images.unpin(nameOf(root))
      yield* journal.record(told.FailedRootEvicted.make({ task, attempt, image, bytes, reason }))
    }
    for (const one of yield* images.evict) yield* journal.record(told.ImageEvicted.make(one))
  })
  const once = Effect.catchTag(tidy, ["HubFault", "HubUnavailable", "HubNonsense"], (error) =>
    Effect.logWarning(`${error.method}: ${error.message}`)
  )
  yield* once.pipe(Effect.andThen(Effect.sleep(`${upkeepSeconds} seconds`)), Effect.forever)
})
