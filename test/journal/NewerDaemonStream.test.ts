/** A builder that has gone back to an older version finds its own records as the newer one left them. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import { lineVersion } from "../../src/journal/Line.ts"
import { daemonStream, fileOfStream, type StreamName } from "../../src/journal/StreamName.ts"
import { temporaryDirectory } from "./temporary.ts"

const appended = (directory: string, stream: StreamName) =>
  Effect.gen(function* () {
    const { open } = yield* JournalStore
    const { append, existing } = yield* open(stream)
    yield* append([{ _tag: "Said" }], true)
    return existing.length
  }).pipe(Effect.scoped, Effect.provide(FileJournalStore.layer({ directory }), { local: true }))

/** The stream as a newer version would have left it. */
const leftByNewer = Effect.fnUntraced(function* (directory: string, stream: StreamName) {
  yield* appended(directory, stream)
  const file = join(directory, fileOfStream(stream))
  const text = readFileSync(file, "utf8").replaceAll(`{"v":${lineVersion},`, `{"v":${lineVersion + 1},`)
  writeFileSync(file, text)
  return text
})

describe("what a newer version has written", () => {
  it.live("of the daemon is kept beside, as often as it happens, and begun anew", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        for (const turn of [1, 2]) {
          const newer = yield* leftByNewer(directory, daemonStream)
          assert.strictEqual(yield* appended(directory, daemonStream), 0)
          assert.strictEqual(readFileSync(join(directory, `daemon.jsonl.newer-${turn}`), "utf8"), newer)
          assert.strictEqual(yield* appended(directory, daemonStream), 1)
        }
      })
    )
  )

  it.live("of an attempt is refused, and left where it is", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const directory = yield* temporaryDirectory
        const stream: StreamName = { kind: "attempt", task: TaskId.make(1), attempt: AttemptNumber.make(1) }
        yield* leftByNewer(directory, stream)
        const refused = yield* Effect.result(appended(directory, stream))
        assert.isTrue(Result.isFailure(refused))
        if (Result.isFailure(refused)) assert.match(refused.failure.message, /written by a newer version/)
        assert.deepStrictEqual(readdirSync(join(directory, "tasks/1")), ["1.jsonl"])
      })
    )
  )
})
