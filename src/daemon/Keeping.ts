/**
 * How long ended tasks are remembered here: their journals, the values these refer to, and the operator's logs. Looked
 * after once in an hour, beside the loop.
 */
import { readdir, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect, HashSet } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { told } from "../core/DaemonEvent.ts"
import { TaskId } from "../core/Ids.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

const looksEvery = "1 hour"
/** A start reads every journal's end by itself and is waited for; there is time for this afterwards. */
const looksFirstAfter = "1 minute"

/** Forgets what is older than `ageSeconds`, for as long as it is let. */
export const keeping = (ageSeconds: number) =>
  forgetOld(ageSeconds).pipe(
    Effect.catch((error) => Effect.logWarning(`old journals are not forgotten: ${error.message}`)),
    Effect.andThen(Effect.sleep(looksEvery)),
    Effect.forever,
    Effect.delay(looksFirstAfter)
  )

const forgetOld = Effect.fn("forgetOld")(function* (ageSeconds: number) {
  const store = yield* JournalStore
  const journal = yield* DaemonJournal
  const before = (yield* Clock.currentTimeMillis) - ageSeconds * 1000
  const { attempts, values } = yield* store.forget(before)
  const logs = yield* forgetLogs(before)
  if (attempts + values + logs > 0) yield* journal.record(told.Forgotten.make({ attempts, values, logs, before }))
})

/** `<log directory>/<task>`, of tasks that do not run. */
const forgetLogs = Effect.fnUntraced(function* (before: number) {
  const { logDirectory } = yield* BuilderSettings
  const attempts = yield* Attempts
  const running = yield* attempts.running
  const names = yield* Effect.promise(() => readdir(logDirectory).catch(() => []))
  let forgotten = 0
  for (const name of names.filter((one) => /^\d+$/.test(one))) {
    if (HashSet.has(running, TaskId.make(Number(name)))) continue
    const path = join(logDirectory, name)
    const modifiedAt = yield* Effect.promise(() => newest(path))
    if (modifiedAt >= before) continue
    yield* Effect.promise(() => rm(path, { recursive: true, force: true }))
    forgotten++
  }
  return forgotten
})

/** When anything in a directory was written to last. */
const newest = async (directory: string): Promise<number> => {
  const names = await readdir(directory).catch(() => [])
  const times = await Promise.all(
    [".", ...names].map((name) =>
      stat(join(directory, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0
      )
    )
  )
  return Math.max(...times)
}
