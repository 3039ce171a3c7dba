/**
 * What an earlier process of this daemon left: its open attempts go on where they were.
 *
 * Runs before the first look at the hub's list and before any buildroot is expired, so that nothing of an attempt that
 * is adopted is taken for a stale task or an unowned buildroot. What no open attempt owns is left to the sweep.
 */
import { readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Result } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { nameOf } from "../buildroot/FailedRoot.ts"
import { FailedRoots } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { told } from "../core/DaemonEvent.ts"
import { endsAttempt } from "../journal/Forgetting.ts"
import { JournalStore, type StreamName } from "../journal/JournalStore.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

/** Goes on with every attempt that an earlier process left open. Returns how many there are. */
export const recover = Effect.fn("recover")(function* (hostId: number) {
  const store = yield* JournalStore
  const attempts = yield* Attempts
  const images = yield* ImageStore
  const roots = yield* FailedRoots
  const journal = yield* DaemonJournal
  const resume = Effect.fnUntraced(function* (name: AttemptName) {
    const { task, attempt } = name
    const result = yield* Effect.result(attempts.resume(name, hostId))
    if (Result.isSuccess(result) && result.success !== "running") {
      const why = result.success === "ended" ? "it has ended" : "nothing of it was begun"
      yield* Effect.log(`task ${task}, attempt ${attempt}: left as it is: ${why}`)
      return []
    }
    const how = Result.isSuccess(result) ? "resumed" : `not resumed: ${result.failure.message}`
    yield* Result.isSuccess(result)
      ? Effect.log(`task ${task}, attempt ${attempt}: going on where an earlier process left it`)
      : Effect.logError(
          `task ${task}, attempt ${attempt} cannot go on and will be given back: ${result.failure.message}`
        )
    yield* journal.record(told.AttemptRecovered.make({ task, attempt, how }))
    return Result.isSuccess(result) ? [`${task}-${attempt}`] : []
  })
  const supersede = Effect.fnUntraced(function* (name: AttemptName) {
    const { task, attempt } = name
    const result = yield* Effect.result(attempts.supersede(name, hostId))
    const how = Result.isSuccess(result) ? "ended: a later attempt has begun" : `left: ${result.failure.message}`
    yield* Effect.logWarning(`task ${task}, attempt ${attempt}: ${how}`)
    yield* journal.record(told.AttemptRecovered.make({ task, attempt, how }))
  })
  const all = (yield* store.list.pipe(Effect.orDie)).flatMap((name) => (name.kind === "attempt" ? [name] : []))
  const newest = new Map(all.map(({ task, attempt }) => [task, attempt]))
  const isNewest = ({ task, attempt }: AttemptName) => newest.get(task) === attempt
  const left = (yield* Effect.forEach(all, ifOpen)).flat()
  // Two attempts of one task would both tell the hub how it ended. Nothing but a defect of ours leaves an older one open.
  yield* Effect.forEach(
    left.filter((name) => !isNewest(name)),
    supersede,
    { discard: true }
  )
  const resumed = new Set((yield* Effect.forEach(left.filter(isNewest), resume, { concurrency: resumedAtOnce })).flat())
  yield* roots.tidy(resumed)
  const kept = yield* roots.list
  yield* images.keepPins(new Set([...resumed, ...[...kept.roots, ...kept.unread].map(nameOf)]))
  yield* removeWork(resumed)
  return resumed.size
})

type AttemptName = Extract<StreamName, { readonly kind: "attempt" }>

/** What is written for one waits for the disk beside the others'. */
const resumedAtOnce = 16

/** By its last line alone: a builder has thousands of journals, and all but a few have ended. */
const ifOpen = Effect.fnUntraced(function* (
  name: AttemptName
): Effect.fn.Return<ReadonlyArray<AttemptName>, never, JournalStore> {
  const store = yield* JournalStore
  const last = yield* Effect.result(store.last(name))
  return Result.isSuccess(last) && endsAttempt(last.success) ? [] : [name]
})

/** What ended attempts had on disk: their journals and the kept logs stay. */
const removeWork = Effect.fnUntraced(function* (resumed: ReadonlySet<string>) {
  const { stateDirectory } = yield* BuilderSettings
  const directory = join(stateDirectory, "work")
  yield* Effect.promise(async () => {
    for (const name of await readdir(directory).catch(() => [])) {
      if (!resumed.has(name)) await rm(join(directory, name), { recursive: true, force: true })
    }
  })
})
