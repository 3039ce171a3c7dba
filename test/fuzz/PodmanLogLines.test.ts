import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { makeLogLines } from "../../src/engine/PodmanLogLines.ts"
import { numbersFrom } from "../core/generate.ts"

const runs = 2000
const stamp = "2026-01-31T16:29:15.123456789+00:00"

/** What a container's monitor writes of what it has read from a stream at once: a line for each line, and for the rest. */
const linesOf = (from: string, read: Buffer): Buffer => {
  const lines: Array<Buffer> = []
  for (let at = 0; at < read.length; ) {
    const end = read.indexOf(0x0a, at)
    const text = read.subarray(at, end < 0 ? read.length : end)
    lines.push(Buffer.from(`${stamp} ${from} ${end < 0 ? "P" : "F"} `), text, Buffer.from("\n"))
    at += text.length + (end < 0 ? 0 : 1)
  }
  return Buffer.concat(lines)
}

describe("the lines of Podman's log file, fuzzed", () => {
  it("are the bytes of both streams in order, whatever they are, however they were read and cut", () => {
    for (let seed = 1; seed <= runs; seed++) {
      const below = numbersFrom(seed)
      const alphabet = Buffer.from(`\n\n F P stdout ${stamp}\0\xff`, "latin1")
      const writes = Array.from({ length: below(12) }, () => ({
        from: below(3) === 0 ? "stderr" : "stdout",
        bytes: Buffer.from(Array.from({ length: 1 + below(60) }, () => alphabet[below(alphabet.length)] ?? 0))
      }))
      const file = Buffer.concat(writes.map(({ from, bytes }) => linesOf(from, bytes)))
      const lines = makeLogLines()
      const got: Array<{ from: string; bytes: Buffer }> = []
      for (let at = 0; at < file.length; ) {
        const slice = file.subarray(at, at + 1 + below(below(2) === 0 ? 5 : 300))
        at += slice.length
        for (const { from, bytes } of Result.getOrThrow(lines.push(slice)))
          got.push({ from, bytes: Buffer.from(bytes) })
      }
      assert.strictEqual(inOrder(got), inOrder(writes), `seed ${seed}`)
      assert.isTrue(lines.atBoundary(), `seed ${seed}`)
    }
  })

  it("are read or refused, any bytes at all, and no more comes out than went in", () => {
    for (let seed = 1; seed <= runs; seed++) {
      const below = numbersFrom(seed)
      const file = Buffer.concat([
        linesOf("stdout", Buffer.from(Array.from({ length: below(40) }, () => below(256)))),
        Buffer.from(Array.from({ length: below(200) }, () => below(256)))
      ])
      if (file.length > 0 && below(2) === 0) file[below(file.length)] = below(256)
      const lines = makeLogLines()
      let out = 0
      for (let at = 0; at < file.length; at += 17) {
        const pieces = lines.push(file.subarray(at, at + 17))
        if (Result.isFailure(pieces)) break
        for (const { bytes } of pieces.success) out += bytes.length
      }
      assert.isAtMost(out, file.length, `seed ${seed}`)
    }
  })
})

/** Neighbours of one stream joined. */
const inOrder = (pieces: ReadonlyArray<{ readonly from: string; readonly bytes: Buffer }>): string => {
  let text = ""
  let last = ""
  for (const { from, bytes } of pieces) {
    text += `${from === last ? "" : `[${from}]`}${bytes.toString("hex")}`
    last = from
  }
  return text
}
