/** Appends that others depend on, against writing and syncing the same bytes without a journal. */
import { mkdtempSync, rmSync } from "node:fs"
import { open } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import { median, note, report, seconds } from "./Figures.ts"

const event = {
  _tag: "StepSucceeded",
  step: "build/1",
  value: { _tag: "Inline", value: { status: 0, detail: "x".repeat(160) } }
}
const appends = 1_000
const rounds = 5

const directory = mkdtempSync(join(process.env["ADJUTANT_BENCH_DIR"] ?? tmpdir(), "adjutant-bench-"))

const raw = async (bytes: Buffer): Promise<number> => {
  const file = await open(join(directory, "raw"), "a")
  const start = seconds()
  for (let n = 0; n < appends; n++) {
    await file.write(bytes)
    await file.datasync()
  }
  const rate = appends / (seconds() - start)
  await file.close()
  return rate
}

const journal = (writers: number, task: number) =>
  Effect.gen(function* () {
    const store = yield* JournalStore
    const stream = yield* store.open({ kind: "attempt", task: TaskId.make(task), attempt: AttemptNumber.make(1) })
    const start = seconds()
    const writer = Effect.forEach(
      Array.from({ length: appends / Math.min(writers, 10) }),
      () => stream.append([event], true),
      {
        discard: true
      }
    )
    yield* Effect.all(
      Array.from({ length: writers }, () => writer),
      { concurrency: "unbounded", discard: true }
    )
    return ((appends / Math.min(writers, 10)) * writers) / (seconds() - start)
  }).pipe(Effect.scoped)

const main = Effect.gen(function* () {
  const line = Buffer.from(`${JSON.stringify({ v: 1, seq: 0, at: 0, event, hash: "0".repeat(32) })}\n`)
  const plain: Array<number> = []
  const one: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    plain.push(yield* Effect.promise(() => raw(line)))
    one.push(yield* journal(1, round + 1))
  }
  const several: Array<string> = []
  for (const writers of [10, 100]) {
    const rate = yield* journal(writers, 1_000 + writers)
    several.push(`${writers}: ${rate.toFixed(0)} (${(rate / median(one)).toFixed(1)} times one writer)`)
  }
  report(
    "journal, 1 writer, durable appends/s",
    median(one).toFixed(0),
    `raw ${median(plain).toFixed(0)}`,
    median(one) / median(plain),
    ">= 0.8"
  )
  note("journal, more writers, durable appends/s", several.join(", "))
}).pipe(Effect.provide(FileJournalStore.layer({ directory: join(directory, "state") })))

await Effect.runPromise(Effect.scoped(main))
rmSync(directory, { recursive: true, force: true })
