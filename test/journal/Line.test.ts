import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { chainStart, encodeLine, parseLine, type StoredEvent, verifyLines } from "../../src/journal/Line.ts"
import { type StreamName, streamOfFile } from "../../src/journal/StreamName.ts"
import { attempt } from "../contract/JournalStoreContract.ts"

const stream = attempt(4711, 1)

/** The text of a whole stream. */
const written = (name: StreamName, events: ReadonlyArray<unknown>) => {
  const lines: Array<string> = []
  const stored: Array<StoredEvent> = []
  for (const event of events) {
    const previous = stored.at(-1)?.hash ?? chainStart(name)
    const line = Result.getOrThrow(encodeLine(previous, stored.length, 1_700_000_000_000 + stored.length, event))
    lines.push(line.text)
    stored.push(line.stored)
  }
  return { lines, stored }
}

const bytesOf = (lines: ReadonlyArray<string>) => new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""))

const damage = (lines: ReadonlyArray<string>, name: StreamName = stream) => {
  const read = verifyLines(name, bytesOf(lines))
  return Result.isFailure(read) ? [read.failure.line, read.failure.reason, read.failure.lost] : "whole"
}

const events = ["one", "two", "three", "four", "five"].map((text) => ({ _tag: "Noted", text }))
const { lines } = written(stream, events)

describe("a journal line", () => {
  it("is written in this form for ever", () => {
    const { text, stored } = Result.getOrThrow(
      encodeLine(chainStart(stream), 0, 1_700_000_000_000, { _tag: "Noted", text: "Grüße\n" })
    )
    assert.strictEqual(
      text,
      '{"v":2,"seq":0,"at":1700000000000,"event":{"_tag":"Noted","text":"Grüße\\n"},"hash":"d6a8964a11bc5dc77ef3956060d81b4f"}'
    )
    assert.deepStrictEqual(Result.getOrThrow(parseLine(text)), stored)
  })

  it.prop(
    "comes back as it went",
    [Schema.Json, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1e14 }))],
    ([event, seq]) => {
      const { text, stored } = Result.getOrThrow(encodeLine("x", seq, 5, event))
      assert.notInclude(text, "\n")
      assert.deepStrictEqual(Result.getOrThrow(parseLine(text)), stored)
      assert.deepStrictEqual(stored.event, JSON.parse(JSON.stringify(event)))
    },
    { arbitrary: { runs: 1000 } }
  )

  it("cannot be forged from inside an event", () => {
    const genuine = lines[1] ?? ""
    for (const text of [`\n${genuine}\n`, `"},"hash":"${"0".repeat(32)}"}\n${genuine}`, "\u2028\u2029\u0085\r\n\0"]) {
      const forged = written(stream, [{ _tag: "Noted", text, [text]: text }, "after"])
      const read = Result.getOrThrow(verifyLines(stream, bytesOf(forged.lines)))
      assert.deepStrictEqual(read.events, forged.stored)
    }
  })

  it("has no members that it was not given", () => {
    const [line = ""] = lines
    assert.isTrue(Result.isFailure(parseLine(line.replace('"event":', '"event":{},"more":'))))
    assert.isTrue(Result.isFailure(parseLine(line.replace(',"hash"', ',"seq":9,"hash"'))))
    assert.isTrue(Result.isFailure(parseLine(` ${line}`)))
    assert.isTrue(Result.isFailure(parseLine(`${line} `)))
  })

  it("of another version is refused as such", () => {
    for (const line of ['{"v":3,"seq":0}', '{"v":3,"whatever":[]}', (lines[0] ?? "").replace('"v":2', '"v":12')]) {
      const parsed = parseLine(line)
      assert.isTrue(Result.isFailure(parsed) && parsed.failure.reason === "version")
      assert.match(
        Result.isFailure(parsed) ? parsed.failure.message : "",
        /newer version of this program \(schema (3|12); this one reads up to 2\)/
      )
    }
  })
})

describe("the chain of a stream", () => {
  it("holds for what was written", () => {
    assert.strictEqual(damage(lines), "whole")
    assert.deepStrictEqual(Result.getOrThrow(verifyLines(stream, new Uint8Array(0))).events, [])
  })

  it("finds swapped, lost, doubled and added lines, where they are", () => {
    const [one = "", two = "", three = "", four = "", five = ""] = lines
    assert.deepStrictEqual(damage([one, three, two, four, five]), [2, "sequence", 4])
    assert.deepStrictEqual(damage([one, two, four, five]), [3, "sequence", 2])
    assert.deepStrictEqual(damage([two, three]), [1, "sequence", 2])
    assert.deepStrictEqual(damage([one, two, two, three]), [3, "sequence", 2])
    assert.deepStrictEqual(damage([one, two, "", three]), [3, "form", 2])
    assert.deepStrictEqual(damage([one, two, "# a note", three]), [3, "form", 2])
  })

  it("finds lines of another stream, and of another history of this one", () => {
    const [one = "", two = ""] = lines
    const other = written(attempt(4711, 2), events).lines
    assert.deepStrictEqual(damage(other), [1, "hash", 5])
    assert.deepStrictEqual(damage([one, other[1] ?? "", two]), [2, "hash", 2])
    const parallel = written(stream, ["another beginning", ...events.slice(1)]).lines
    assert.deepStrictEqual(damage([one, ...parallel.slice(1)]), [2, "hash", 4])
    assert.deepStrictEqual(damage(lines, { kind: "daemon" }), [1, "hash", 5])
  })

  it("finds every byte that was changed, wherever it is, and never believes more than what stands before it", () => {
    const whole = bytesOf(lines)
    const ends = [...whole.entries()].filter(([, byte]) => byte === 0x0a).map(([at]) => at)
    for (const [at, byte] of whole.entries()) {
      for (const other of [byte ^ 1, byte ^ 0x20, byte ^ 0x80, 0x00, 0x0a, 0x22, 0x20, 0xff]) {
        if (other === byte) continue
        const changed = Uint8Array.from(whole)
        changed[at] = other
        const read = verifyLines(stream, changed)
        const told = `byte ${at} from ${byte} to ${other}`
        assert.isTrue(Result.isFailure(read), told)
        if (Result.isFailure(read)) assert.strictEqual(read.failure.line, ends.findIndex((end) => at <= end) + 1, told)
      }
    }
  })

  it("is whole wherever an unfinished write ends it", () => {
    const whole = bytesOf(lines)
    for (let length = 0; length <= whole.length; length++) {
      const read = Result.getOrThrow(verifyLines(stream, whole.subarray(0, length)))
      const ended = whole.subarray(0, length).filter((byte) => byte === 0x0a).length
      assert.lengthOf(read.events, ended)
      assert.strictEqual(read.wholeBytes + read.torn.length, length)
    }
  })

  it("takes an end of zeros, where the system made room and never wrote, for unfinished", () => {
    const read = Result.getOrThrow(verifyLines(stream, Buffer.concat([bytesOf(lines), new Uint8Array(4096)])))
    assert.deepStrictEqual([read.events.length, read.torn.length], [5, 4096])
  })
})

describe("the name of a stream", () => {
  it("is read from a file's path and from nothing else", () => {
    assert.deepStrictEqual(streamOfFile("/var/lib/adjutant/tasks/4711/1.jsonl"), stream)
    assert.deepStrictEqual(streamOfFile("tasks/4711/1.jsonl"), stream)
    assert.deepStrictEqual(streamOfFile("/x/daemon.jsonl"), { kind: "daemon" })
    for (const path of [
      "tasks/4711/01.jsonl",
      "tasks/1/1.jsonl.torn-3",
      "tasks/x/1.jsonl",
      "1.jsonl",
      "mydaemon.jsonl"
    ]) {
      assert.isUndefined(streamOfFile(path), path)
    }
  })
})
