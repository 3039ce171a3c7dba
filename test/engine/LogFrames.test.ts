import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Verdict } from "../../src/engine/LogCursor.ts"
import { type FrameMode, makeLogFrames, type Piece } from "../../src/engine/LogFrames.ts"

const encode = (text: string) => new TextEncoder().encode(text)

/** A frame as the engine writes it. */
const frame = (type: number, payload: Uint8Array) => {
  const bytes = new Uint8Array(8 + payload.length)
  bytes[0] = type
  new DataView(bytes.buffer).setUint32(4, payload.length)
  bytes.set(payload, 8)
  return bytes
}
const stamp = (second: number) => `2026-01-31T16:29:${String(second).padStart(2, "0")}.000000000Z`
const stamped = (type: number, second: number, text: string) => frame(type, encode(`${stamp(second)} ${text}`))

/** All pieces of a stream that arrives in slices of this many bytes, neighbours of one stream joined. */
const read = (mode: FrameMode, bytes: Uint8Array, slice: number) => {
  const frames = makeLogFrames(mode)
  const pieces: Array<Piece> = []
  for (let at = 0; at < bytes.length; at += slice) {
    pieces.push(...Result.getOrThrow(frames.push(bytes.subarray(at, at + slice))))
  }
  const text: Array<string> = []
  let from = ""
  for (const piece of pieces) {
    const some = Buffer.from(piece.bytes).toString("latin1")
    if (piece.from === from) text.push(`${text.pop()}${some}`)
    else text.push(`${piece.from}:${some}`)
    from = piece.from
  }
  return { text, frames }
}

const newSince =
  (instant: number) =>
  (at: string): Verdict =>
    at > stamp(instant) ? "new" : "known"
const takeAll: FrameMode = { _tag: "stamped", accept: () => "new" }

describe("log frames", () => {
  const stream = Buffer.concat([
    frame(1, encode("one\n")),
    frame(1, new Uint8Array()),
    frame(2, encode("two\n")),
    frame(0, encode("zero\n")),
    frame(1, Uint8Array.of(0, 255, 1, 0, 0, 0, 0, 0, 10))
  ])

  it("are the same in slices of any length", () => {
    for (let slice = 1; slice <= stream.length; slice++) {
      const { text, frames } = read({ _tag: "plain" }, stream, slice)
      assert.deepStrictEqual(text, [
        "stdout:one\n",
        "stderr:two\n",
        "stdout:zero\n\u0000\u00ff\u0001\u0000\u0000\u0000\u0000\u0000\n"
      ])
      assert.isTrue(frames.atBoundary())
    }
  })

  it("lose their stamps, whatever the slices, and only what is new is passed on", () => {
    const bytes = Buffer.concat([stamped(1, 1, "old\n"), stamped(1, 2, "new one\n"), stamped(2, 3, "new  two\n")])
    for (let slice = 1; slice <= bytes.length; slice++) {
      const { text } = read({ _tag: "stamped", accept: newSince(1) }, bytes, slice)
      assert.deepStrictEqual(text, ["stdout:new one\n", "stderr:new  two\n"])
    }
  })

  it("are passed on while they come when they need not be whole", () => {
    const frames = makeLogFrames({ _tag: "plain" })
    const first = frame(1, new Uint8Array(4_000_000_000 % 2 ** 20)).subarray(0, 5000)
    const [piece] = Result.getOrThrow(frames.push(first))
    assert.strictEqual(piece?.bytes.length, 5000 - 8)
    assert.isFalse(frames.atBoundary())
  })

  it("of the engine's own errors fail, with its words", () => {
    for (const mode of [{ _tag: "plain" } as const, takeAll]) {
      const bad = makeLogFrames(mode).push(frame(3, encode("Error grabbing logs: EOF")))
      assert.isTrue(Result.isFailure(bad) && bad.failure.message.includes("Error grabbing logs: EOF"))
    }
  })

  it("that are none fail, and nothing is kept without a limit", () => {
    for (const bytes of [encode("HTTP/1.1 500"), frame(4, encode("x")), Uint8Array.of(1, 0, 0, 1, 0, 0, 0, 1)]) {
      assert.isTrue(Result.isFailure(makeLogFrames({ _tag: "plain" }).push(bytes)))
    }
    const huge = Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255)
    assert.isTrue(Result.isFailure(makeLogFrames(takeAll).push(huge)))
    assert.isTrue(Result.isFailure(makeLogFrames(takeAll).push(frame(1, encode("nostamp")))))
  })

  const part = "x".repeat(16 * 1024)
  it("of a long line get the line break back that Docker forgets, when something follows", () => {
    const bytes = Buffer.concat([
      stamped(1, 1, part),
      stamped(1, 1, "rest"),
      stamped(2, 2, "err\n"),
      stamped(1, 3, "next\n")
    ])
    const { text, frames } = read(takeAll, bytes, 4096)
    assert.deepStrictEqual(text, [`stdout:${part}rest`, "stderr:err\n", "stdout:\nnext\n"])
    assert.isFalse(frames.mayLackLineEnd("stdout"))
  })

  it("say when the last line may lack its line break, and when it cannot", () => {
    const ends = (...entries: ReadonlyArray<string>) =>
      read(takeAll, Buffer.concat(entries.map((entry) => stamped(1, 1, entry))), 4096).frames.mayLackLineEnd("stdout")
    assert.isTrue(ends(part, "rest"))
    assert.isTrue(ends(part, part, ""))
    assert.isFalse(ends(part, "rest\n"))
    assert.isFalse(ends("line\n", "no end"))
    assert.isFalse(ends(part))
  })

  it("that were seen before are not mended twice", () => {
    const bytes = Buffer.concat([
      stamped(1, 1, part),
      stamped(1, 1, "rest"),
      stamped(1, 2, "seen\n"),
      stamped(1, 3, "new\n")
    ])
    const { text } = read({ _tag: "stamped", accept: newSince(2) }, bytes, 4096)
    assert.deepStrictEqual(text, ["stdout:new\n"])
    const late = read({ _tag: "stamped", accept: newSince(1) }, bytes, 4096)
    assert.deepStrictEqual(late.text, ["stdout:\nseen\nnew\n"])
  })

  it("that begin after what is known of the log are refused", () => {
    const mode: FrameMode = { _tag: "stamped", accept: () => "gap" }
    assert.isTrue(Result.isFailure(makeLogFrames(mode).push(stamped(1, 1, "late\n"))))
  })
})
