/**
 * The reaper, run beside the loop: what carries our label and no live attempt claims is removed, whatever left it
 * (an engine that was away when its container should have gone, an image whose making was cut short).
 *
 * An image is recorded a moment after it is made, and the reaper wants two looks before it removes one: the time
 * between two looks is far longer than that moment.
 */
import { Effect } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { failedRootKey } from "../buildroot/FailedRoot.ts"
import { FailedRoots } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { told } from "../core/DaemonEvent.ts"
import { makeReaper } from "../engine/Reaper.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import { sweepShells } from "./Shells.ts"

const sweepSeconds = 120
/** What an earlier process left is gone soon: the second look, which images want, comes quickly after a start. */
const secondLookSeconds = 10

/** Sweeps for as long as it is let. */
export const sweeping = Effect.gen(function* () {
  const attempts = yield* Attempts
  const images = yield* ImageStore
  const journal = yield* DaemonJournal
  const roots = yield* FailedRoots
  const { instance, stateDirectory } = yield* BuilderSettings
  const claims = Effect.gen(function* () {
    const containers = yield* attempts.containers
    const { ids, making } = yield* images.known
    const running = yield* attempts.running
    const kept = yield* roots.list
    const failing = [...running, ...kept.unread.map(({ task }) => task)].map(failedRootKey)
    return {
      containers,
      images: new Set([...ids, ...kept.roots.map(({ image }) => image)]),
      making: new Set([...making, ...failing])
    }
  })
  const { sweep } = makeReaper(instance, claims)
  const once = Effect.gen(function* () {
    for (const { kind, name, reason } of [
      ...(yield* sweep),
      ...(yield* sweepShells({ instance, stateDirectory }, "remove"))
    ]) {
      yield* Effect.logWarning(`removed the ${kind} ${name}: ${reason}`)
      yield* journal.record(told.Reaped.make({ kind, name, reason }))
    }
  })
  const look = Effect.catch(once, (error) => Effect.logWarning(`sweep: ${error.message}`))
  yield* look
  yield* Effect.sleep(`${secondLookSeconds} seconds`)
  yield* look.pipe(Effect.andThen(Effect.sleep(`${sweepSeconds} seconds`)), Effect.forever)
})
