import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import type { JournalSource } from "../../src/inspect/JournalSource.ts"
import { lineSplitter } from "../../src/inspect/LineSplitter.ts"
import { scanJournal } from "../../src/inspect/ScanJournal.ts"
import { lineBytesMax } from "../../src/journal/Line.ts"
import * as Examples from "./examples.ts"

const source = (contents: string | Iterable<string>, pieceBytes = 100_000): JournalSource => ({
  name: "adjutant-events.log",
  bytes: Stream.fromIterable(pieces(contents, pieceBytes))
})

function* pieces(contents: string | Iterable<string>, size: number): Iterable<Uint8Array> {
  for (const text of typeof contents === "string" ? [contents] : contents) {
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
  }
}

const scanned = Effect.fnUntraced(function* (journal: JournalSource) {
  const tags: Array<string> = []
  const scan = yield* scanJournal(journal, { attempt: (event) => tags.push(event._tag) })
  assert.strictEqual(scan.events, tags.length)
  return scan
})
const refused = (journal: JournalSource) => Effect.flip(scanned(journal))

const good = Examples.journalOf(Examples.good().events)
const goodLines = good.trimEnd().split("\n")
const stream = { kind: "attempt", task: Examples.task, attempt: AttemptNumber.make(1) } as const

describe("reading a journal piece by piece", () => {
  it.effect("finds the same whatever the pieces are", () =>
    Effect.gen(function* () {
      for (const size of [1, 2, 7, 100, 1_000_000]) {
        const scan = yield* scanned(source(good, size))
        assert.deepInclude(scan, { events: goodLines.length, problem: null, tornBytes: 0, lostLines: 0 })
        assert.deepStrictEqual(scan.stream, stream)
      }
    })
  )

  it.effect("accepts a prefix of any number of bytes behind the first line, and believes every whole line of it", () =>
    Effect.gen(function* () {
      const first = (goodLines[0] ?? "").length + 1
      for (let length = first; length <= good.length; length += 97) {
        const prefix = good.slice(0, length)
        const scan = yield* scanned(source(prefix))
        assert.isNull(scan.problem)
        assert.strictEqual(scan.events, prefix.split("\n").length - 1)
        assert.strictEqual(scan.tornBytes, Buffer.byteLength(prefix.slice(prefix.lastIndexOf("\n") + 1)))
      }
    })
  )

  it.effect("tells how much is lost behind a damaged line", () =>
    Effect.gen(function* () {
      const damaged = good.replace('"step":"source"', '"step":"sauce"')
      const scan = yield* scanned(source(`${damaged}{"v":`))
      assert.strictEqual(scan.problem?.kind, "hash")
      assert.strictEqual(scan.problem?.line, 6)
      assert.strictEqual(scan.events, 5)
      assert.strictEqual(scan.lostLines, goodLines.length - 5 + 1)
    })
  )

  it.effect("says where another task's journal begins, when two were joined", () =>
    Effect.gen(function* () {
      const other = Examples.linesOf(
        goodLines.map((line) => {
          const { at, event } = JSON.parse(line)
          return { at, event: event._tag === "Accepted" ? { ...event, task: 4712 } : event }
        }),
        { kind: "attempt", task: TaskId.make(4712), attempt: AttemptNumber.make(1) }
      )
      const scan = yield* scanned(source(good + other))
      assert.strictEqual(scan.problem?.line, goodLines.length + 1)
      assert.include(scan.problem?.message, "the journal of task 4712, attempt 1 begins here")
      assert.strictEqual(scan.events, goodLines.length)
    })
  )

  it.effect("names an event of a newer version, and who wrote it", () =>
    Effect.gen(function* () {
      const events = goodLines.slice(0, 3).map((line) => JSON.parse(line))
      const scan = yield* scanned(
        source(Examples.linesOf([...events, { at: 0, event: { _tag: "Teleported" } }], stream))
      )
      assert.strictEqual(scan.problem?.line, 4)
      assert.include(scan.problem?.message, "Teleported; it was written by a newer one (version 0.1.0)")
      const odd = yield* scanned(source(Examples.linesOf([...events, { at: 0, event: { _tag: "Noted" } }], stream)))
      assert.include(odd.problem?.message, "Noted is not as this version knows it")
    })
  )

  it.effect("says what a file that is no journal begins with", () =>
    Effect.gen(function* () {
      const page = yield* refused(source("<!DOCTYPE html>\n<title>\x1b[2JLog in</title>\n"))
      assert.strictEqual(page.message, 'this is not a journal; it begins with "<!DOCTYPE html>"')
    })
  )

  it.effect("does not read a file without line breaks to its end, nor believe a line that is too long", () =>
    Effect.gen(function* () {
      let read = 0
      const endless = {
        name: "disk.img",
        bytes: Stream.fromIterable(
          (function* () {
            for (;;) {
              read++
              yield Buffer.alloc(1024 * 1024)
            }
          })(),
          { chunkSize: 1 }
        )
      }
      assert.strictEqual((yield* refused(endless)).reason, "not-a-journal")
      assert.isAtMost(read, lineBytesMax / 1024 / 1024 + 2)
      const long = "x".repeat(lineBytesMax + 10)
      const scan = yield* scanned(source([good, long, "\n", "more\n"]))
      assert.deepInclude(scan, { events: goodLines.length, lostLines: 2 })
      assert.include(scan.problem?.message, "a line of more than 8.0 MiB")
    })
  )
})

describe("a splitter of lines", () => {
  it.prop(
    "gives the lines of any text, whatever the pieces",
    { text: Schema.String, cuts: Schema.Array(Schema.Int) },
    ({ text, cuts }) => {
      const bytes = Buffer.from(`${text}\n${text}\nrest`)
      const places = cuts.map((cut) => Math.abs(cut) % bytes.length).sort((a, b) => a - b)
      const lines: Array<string> = []
      const splitter = lineSplitter(1_000_000, (line) => lines.push(Buffer.from(line).toString()))
      for (const [at, from] of [0, ...places].entries()) splitter.push(bytes.subarray(from, places[at] ?? bytes.length))
      assert.deepStrictEqual([...lines, Buffer.from(splitter.rest()).toString()], bytes.toString().split("\n"))
    }
  )

  it("keeps no more of a line than it may", () => {
    const lengths: Array<number> = []
    const splitter = lineSplitter(10, (line) => lengths.push(line.length))
    for (const piece of ["short\n", "exactly10!\n", "x".repeat(8), "y".repeat(8), "z".repeat(100), "\nend"]) {
      splitter.push(Buffer.from(piece))
    }
    assert.deepStrictEqual(lengths, [5, 10, 11])
    assert.strictEqual(splitter.rest().length, 3)
  })
})
