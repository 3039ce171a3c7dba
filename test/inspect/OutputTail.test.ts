import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { outputTail, tailBytesMax, tailLineMax } from "../../src/inspect/OutputTail.ts"
import { aroundFile } from "../../src/inspect/Surroundings.ts"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import * as Examples from "./examples.ts"

let directory = ""
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adjutant-tail-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

const write = (name: string, contents: string) => {
  mkdirSync(dirname(join(directory, name)), { recursive: true })
  writeFileSync(join(directory, name), contents)
}

const tailOf = Effect.fnUntraced(function* (story: Examples.Story, options?: { readonly lines?: number }) {
  const timeline = timelineOf(story.events)
  assert.isNotNull(timeline)
  if (timeline === null) return null
  const journal = join(directory, "state/tasks/4711/1.jsonl")
  const around = aroundFile(journal, { task: Examples.task, attempt: 1 }, join(directory, "logs"))
  const tail = yield* outputTail(around, timeline, { lines: options?.lines ?? 20 })
  return Option.getOrNull(Option.map(tail, ({ file, lines }) => [file.slice(directory.length + 1), ...lines]))
})

describe("the last output of the step that failed", () => {
  it.effect("is its capture's, as long as there is one", () =>
    Effect.gen(function* () {
      write("state/work/4711-1/captures/build-rpmbuild.out", "one\ntwo\nthree\n")
      write("logs/4711/container.log", "other\n")
      assert.deepStrictEqual(yield* tailOf(Examples.failed(), { lines: 2 }), [
        "state/work/4711-1/captures/build-rpmbuild.out",
        "two",
        "three"
      ])
      assert.deepStrictEqual(yield* tailOf(Examples.failed(), { lines: 0 }), [
        "state/work/4711-1/captures/build-rpmbuild.out"
      ])
    })
  )

  it.effect("is that of the log that the failure names, fetched with the journal", () =>
    Effect.gen(function* () {
      write("state/tasks/4711/build.log", "make: *** no rule\n")
      write("state/tasks/4711/root.log", "other\n")
      assert.deepStrictEqual(yield* tailOf(Examples.failed()), ["state/tasks/4711/build.log", "make: *** no rule"])
    })
  )

  it.effect("is the end of what the host keeps, for the newest attempt only", () =>
    Effect.gen(function* () {
      write("state/tasks/4711/1.jsonl", "")
      write("logs/4711/container.log", "last words\n")
      assert.deepStrictEqual(yield* tailOf(Examples.failed()), ["logs/4711/container.log", "last words"])
      write("state/tasks/4711/2.jsonl", "")
      assert.isNull(yield* tailOf(Examples.failed()))
    })
  )

  it.effect("is none for a success, or when nothing is kept", () =>
    Effect.gen(function* () {
      assert.isNull(yield* tailOf(Examples.failed()))
      write("logs/4711/container.log", "words\n")
      assert.isNull(yield* tailOf(Examples.good()))
    })
  )

  it.effect("is read from the end alone, and harmless", () =>
    Effect.gen(function* () {
      const line = `${"x".repeat(90)}\n`
      write("logs/4711/container.log", `${line.repeat(tailBytesMax / 50)}\x1b[2J${"y".repeat(1000)}`)
      const [, first, ...others] = (yield* tailOf(Examples.failed(), { lines: 10_000 })) ?? []
      assert.strictEqual(`${first}\n`, line)
      assert.isBelow(others.length, tailBytesMax / 90)
      assert.match(others.at(-1) ?? "", /^\\x1b\[2Jy+\.\.\.$/)
      assert.strictEqual(others.at(-1)?.length, tailLineMax)
    })
  )
})
