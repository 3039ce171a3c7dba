/**
 * Sweeping behind a daemon that is gone: what nobody will come back for is taken off the engine.
 *
 * A daemon that stopped a moment ago, or was handed over, is coming back to adopt its containers; so for as long as its
 * lease runs, open attempts own theirs. After that the hub has given its tasks to others (it waits 900 s), and nothing
 * here has an owner. Images that the store knows are a cache, and stay.
 */
import { Effect } from "effect"
import { failedRootKey } from "../buildroot/FailedRoot.ts"
import { FailedRoots } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { type AttemptState, containersLeft, evolve, initial } from "../core/AttemptState.ts"
import { told } from "../core/DaemonEvent.ts"
import type { InstanceId } from "../core/Ids.ts"
import { makeReaper } from "../engine/Reaper.ts"
import { decodeEvent } from "../journal/DecodeEvent.ts"
import { endsAttempt } from "../journal/Forgetting.ts"
import { JournalUnavailable } from "../journal/JournalError.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { silence } from "./Alive.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import { sweepShells } from "./Shells.ts"

export interface ReapRequest {
  readonly instance: InstanceId
  readonly stateDirectory: string
  readonly leaseSeconds: number
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean
}

/** What was taken away, or would be; and what is left to a daemon that may come back, with how long it may take. */
export const reap = Effect.fn("reap")(function* (request: ReapRequest) {
  const journal = yield* DaemonJournal
  const images = yield* ImageStore
  const roots = yield* FailedRoots
  const silentSeconds = yield* silence(request.stateDirectory)
  const expired = silentSeconds > request.leaseSeconds
  const open = expired ? { containers: new Set<string>(), tasks: new Set<number>() } : yield* openAttempts
  const kept = yield* roots.list
  const failing = [...open.tasks, ...kept.unread.map(({ task }) => task)]
  const claims = Effect.map(images.known, ({ ids, making }) => ({
    containers: open.containers,
    images: new Set([...ids, ...kept.roots.map(({ image }) => image)]),
    making: new Set([...making, ...failing.map(failedRootKey)])
  }))
  const reaper = makeReaper(request.instance, claims)
  const shells = yield* sweepShells(request, request.dryRun ? "look" : "remove")
  if (request.dryRun) {
    return { reaped: [...(yield* reaper.wouldReap), ...shells], left: [...open.containers], silentSeconds }
  }
  // Nobody makes an image now: two looks at once are as good as two.
  const reaped = [...shells, ...(yield* reaper.sweep), ...(yield* reaper.sweep)]
  for (const { kind, name, reason } of reaped) yield* journal.record(told.Reaped.make({ kind, name, reason }))
  return { reaped, left: [...open.containers], silentSeconds }
})

/** What attempts that have not ended own: their containers, and whatever was made of one that failed. */
const openAttempts = Effect.gen(function* () {
  const store = yield* JournalStore
  const containers = new Set<string>()
  const tasks = new Set<number>()
  for (const stream of yield* store.list) {
    if (stream.kind !== "attempt" || endsAttempt(yield* store.last(stream))) continue
    // A journal that is damaged owns nothing, as at a daemon's start.
    const stored = yield* Effect.catchTag(store.read(stream), "JournalDamaged", () => Effect.succeed([]))
    let state: AttemptState = initial
    for (const line of stored) {
      const event = decodeEvent(line)
      if (event._tag === "Success") state = evolve(state, event.success)
    }
    tasks.add(stream.task)
    for (const name of containersLeft(state)) containers.add(name)
  }
  return { containers, tasks }
}).pipe(
  // Which containers have an owner is not known: all of them may have one.
  Effect.catchTag(
    "JournalUnavailable",
    ({ path, message }) =>
      new JournalUnavailable({ path, message: `${path} cannot be read now, so nothing is taken away: ${message}` })
  )
)
