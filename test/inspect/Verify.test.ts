import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import { findAttempt } from "../../src/inspect/FindAttempt.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { scanJournal } from "../../src/inspect/ScanJournal.ts"
import { verify } from "../../src/inspect/Verify.ts"
import * as Examples from "./examples.ts"

const directory = mkdtempSync(join(tmpdir(), "adjutant-inspect-"))
afterAll(() => rmSync(directory, { recursive: true }))

const write = (name: string, contents: string | Uint8Array): string => {
  const file = join(directory, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, contents)
  return file
}

const journal = (name: string, contents: string | Uint8Array) => fileSource(write(name, contents))

const good = Examples.journalOf(Examples.good().events)
const lines = good.trimEnd().split("\n")
const whole = (changed: ReadonlyArray<string>) => changed.map((line) => `${line}\n`).join("")

const problemOf = Effect.fnUntraced(function* (name: string, contents: string | Uint8Array) {
  const { problem } = yield* verify(journal(name, contents))
  return problem === null ? null : `${problem.kind} at ${problem.line}`
})
const reasonOf = (file: string) => Effect.map(Effect.flip(scanJournal(fileSource(file), {})), (error) => error.reason)

describe("verify", () => {
  it.effect("finds nothing wrong with any of the examples", () =>
    Effect.gen(function* () {
      for (const story of [Examples.good(), Examples.failed(), Examples.canceled(), Examples.recovered()]) {
        const verdict = yield* verify(journal("tasks/4711/1.jsonl", Examples.journalOf(story.events)))
        assert.isNull(verdict.problem)
        assert.strictEqual(verdict.events, story.events.length)
      }
    })
  )

  it.effect("knows a journal by its first line when its name says nothing", () =>
    Effect.gen(function* () {
      const verdict = yield* verify(journal("adjutant-events.log", good))
      assert.isNull(verdict.problem)
      assert.deepStrictEqual(verdict.stream, {
        kind: "attempt",
        task: TaskId.make(4711),
        attempt: AttemptNumber.make(1)
      })
    })
  )

  it.effect("finds a changed, lost, doubled, moved or foreign line where it stands", () =>
    Effect.gen(function* () {
      const [a = "", b = "", c = "", ...rest] = lines
      assert.strictEqual(
        yield* problemOf("1.log", whole([a, b.replace("openTask", "openTusk"), c, ...rest])),
        "hash at 2"
      )
      assert.strictEqual(yield* problemOf("2.log", whole([a, c, ...rest])), "sequence at 2")
      assert.strictEqual(yield* problemOf("3.log", whole([a, b, b, c, ...rest])), "sequence at 3")
      assert.strictEqual(yield* problemOf("4.log", whole([a, "# a remark", b, c, ...rest])), "form at 2")
      assert.strictEqual(yield* problemOf("5.log", whole([a, b, c]).replace(`${b}\n`, `${b} `)), "not-json at 2")
    })
  )

  it.effect("finds a changed byte anywhere, and believes what comes before it", () =>
    Effect.gen(function* () {
      const bytes = Buffer.from(good)
      const file = write("adjutant-events.log", good)
      const first = Buffer.byteLength(lines[0] ?? "") + 1
      for (let at = first; at < bytes.length; at += 37) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ 1
        writeFileSync(file, changed)
        const verdict = yield* verify(fileSource(file))
        const line = good.slice(0, at).split("\n").length
        assert.strictEqual(verdict.problem?.line, line, `byte ${at}`)
        assert.strictEqual(verdict.events, line - 1)
      }
    })
  )

  it.effect("takes an unfinished last line for what it is, and reports it", () =>
    Effect.gen(function* () {
      const verdict = yield* verify(journal("torn.log", good.slice(0, -20)))
      assert.isNull(verdict.problem)
      assert.strictEqual(verdict.events, lines.length - 1)
      assert.isAbove(verdict.tornBytes, 0)
    })
  )

  it.effect("finds a history that cannot be, however well it is chained", () =>
    Effect.gen(function* () {
      const { events } = Examples.good()
      const at = events.findIndex(({ event }) => event._tag === "ContainerRemoved")
      const without = events.filter((_, index) => index !== at)
      const verdict = yield* verify(journal("invariant.log", Examples.journalOf(without)))
      assert.strictEqual(verdict.problem?.kind, "invariant")
      assert.strictEqual(verdict.problem?.line, at + 1)
      assert.match(verdict.problem?.message ?? "", /containers are gone before its outcome/)
    })
  )

  it.effect("finds an event that this version does not know", () =>
    Effect.gen(function* () {
      const stream = { kind: "attempt", task: Examples.task, attempt: AttemptNumber.make(1) } as const
      const known = lines.map((line) => JSON.parse(line))
      const contents = Examples.linesOf([...known.slice(0, 3), { at: 0, event: { _tag: "Teleported" } }], stream)
      assert.strictEqual(yield* problemOf("schema.log", contents), "schema at 4")
    })
  )

  it.effect("finds a journal under another one's name", () =>
    Effect.gen(function* () {
      const verdict = yield* verify(journal("tasks/4712/1.jsonl", good))
      assert.strictEqual(verdict.problem?.kind, "place")
      assert.match(verdict.problem?.message ?? "", /says task 4712, attempt 1.*of task 4711, attempt 1/)
    })
  )

  it.effect("judges the daemon's own stream too", () =>
    Effect.gen(function* () {
      const contents = Examples.linesOf(
        [
          {
            at: 1,
            event: { _tag: "Started", instance: "i", bootId: "b", version: "0", pid: 1, engine: "e", hub: "h" }
          },
          { at: 2, event: { _tag: "Stopped", exitCode: 0 } }
        ],
        { kind: "daemon" }
      )
      const verdict = yield* verify(journal("daemon.jsonl", contents))
      assert.isNull(verdict.problem)
      assert.strictEqual(verdict.events, 2)
    })
  )
})

describe("reading a journal", () => {
  it.effect("says what is there instead of one", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* reasonOf(join(directory, "nowhere")), "missing")
      assert.strictEqual(yield* reasonOf(join(write("file", "x"), "below")), "missing")
      assert.strictEqual(yield* reasonOf(directory), "not-a-file")
      assert.strictEqual(yield* reasonOf("/dev/null"), "not-a-file")
      assert.strictEqual(yield* reasonOf(write("empty", "")), "empty")
      assert.strictEqual(yield* reasonOf(write("build.log", "+ make\ncc -c a.c\n")), "not-a-journal")
      assert.strictEqual(yield* reasonOf(write("binary", Buffer.from([0, 0xff, 0x0a, 1]))), "not-a-journal")
      assert.strictEqual(yield* reasonOf(write("later", good.replaceAll('{"v":2,', '{"v":3,'))), "newer")
    })
  )

  it.effect("follows a link that the reader names", () =>
    Effect.gen(function* () {
      const link = join(directory, "link.log")
      symlinkSync(write("target.log", good), link)
      assert.strictEqual((yield* scanJournal(fileSource(link), {})).events, lines.length)
    })
  )

  it.effect("finds the newest attempt of a task, or the one asked for", () =>
    Effect.gen(function* () {
      for (const attempt of [1, 2, 10]) write(`state/tasks/7/${attempt}.jsonl`, "")
      write("state/tasks/7/10.jsonl.torn-3", "")
      const state = join(directory, "state")
      const task = TaskId.make(7)
      assert.strictEqual(yield* findAttempt(state, task), join(state, "tasks/7/10.jsonl"))
      assert.strictEqual(yield* findAttempt(state, task, 2), join(state, "tasks/7/2.jsonl"))
      const missing = yield* Effect.flip(findAttempt(state, task, 3))
      assert.match(missing.message, /no attempt 3 here; recorded: 1, 2, 10/)
      assert.match((yield* Effect.flip(findAttempt(state, TaskId.make(8)))).message, /no attempt of task 8/)
      mkdirSync(join(state, "tasks/9"))
      assert.match((yield* Effect.flip(findAttempt(state, TaskId.make(9)))).message, /no attempt of task 9/)
    })
  )
})
