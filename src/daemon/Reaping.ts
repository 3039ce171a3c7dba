/**
 * Sweeping behind a daemon that is gone: what nobody will come back for is taken off the engine.
 *
 * A daemon that stopped a moment ago, or was handed over, is coming back to adopt its containers; so for as long as its
 * lease runs, open attempts own theirs. After that the hub has given its tasks to others (it waits 900 s), and nothing
 * here has an owner. Images that the store knows are a cache, and stay.
 */
import { Effect, Schema } from "effect"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { AttemptEvent } from "../core/AttemptEvent.ts"
import { type AttemptState, containersLeft, evolve, initial } from "../core/AttemptState.ts"
import { told } from "../core/DaemonEvent.ts"
import type { InstanceId } from "../core/Ids.ts"
import { makeReaper } from "../engine/Reaper.ts"
import { endsAttempt } from "../journal/Forgetting.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { upcast } from "../journal/Upcast.ts"
import { silence } from "./Alive.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

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
  const silentSeconds = yield* silence(request.stateDirectory)
  const expired = silentSeconds > request.leaseSeconds
  const open = yield* containersOfOpenAttempts
  const claims = Effect.map(images.known, ({ ids, making }) => ({
    containers: expired ? new Set<string>() : open,
    images: ids,
    making
  }))
  const reaper = makeReaper(request.instance, claims)
  if (request.dryRun) return { reaped: yield* reaper.wouldReap, left: expired ? [] : [...open], silentSeconds }
  // Nobody makes an image now: two looks at once are as good as two.
  const reaped = [...(yield* reaper.sweep), ...(yield* reaper.sweep)]
  for (const { kind, name, reason } of reaped) yield* journal.record(told.Reaped.make({ kind, name, reason }))
  return { reaped, left: expired ? [] : [...open], silentSeconds }
})

const decodeEvent = Schema.decodeUnknownOption(AttemptEvent)

const containersOfOpenAttempts = Effect.gen(function* () {
  const store = yield* JournalStore
  const names = new Set<string>()
  for (const stream of yield* store.list) {
    if (stream.kind !== "attempt" || endsAttempt(yield* store.last(stream))) continue
    // A journal that cannot be read owns nothing, as at a daemon's start.
    const stored = yield* Effect.orElseSucceed(store.read(stream), () => [])
    let state: AttemptState = initial
    for (const line of stored) {
      const event = decodeEvent(upcast(line))
      if (event._tag === "Some") state = evolve(state, event.value)
    }
    for (const name of containersLeft(state)) names.add(name)
  }
  return names
})
