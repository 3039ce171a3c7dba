import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Verdict } from "../../src/engine/LogCursor.ts"
import { makeLogFrames } from "../../src/engine/LogFrames.ts"
import { numbersFrom } from "../core/generate.ts"

const runs = 2000

describe("log frames, fuzzed", () => {
  it("any bytes at all are read or refused, in any slices, and no more comes out than went in", () => {
    for (let seed = 1; seed <= runs; seed++) {
      const below = numbersFrom(seed)
      const bytes = Uint8Array.from({ length: below(400) }, () => (below(3) === 0 ? below(256) : below(4)))
      const frames = makeLogFrames(
        below(2) === 0
          ? { _tag: "plain" }
          : { _tag: "stamped", accept: (): Verdict => (below(2) === 0 ? "new" : "known") }
      )
      let out = 0
      for (let at = 0; at < bytes.length; ) {
        const slice = bytes.subarray(at, at + 1 + below(40))
        at += slice.length
        const pieces = frames.push(slice)
        if (Result.isFailure(pieces)) break
        for (const piece of pieces.success) out += piece.bytes.length
      }
      assert.isAtMost(out, bytes.length, `seed ${seed}`)
    }
  })

  it("frames that were written are read again, whatever the payloads and slices", () => {
    for (let seed = 1; seed <= runs; seed++) {
      const below = numbersFrom(seed)
      const expected = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
      const written: Array<Uint8Array> = []
      for (let count = below(12); count > 0; count--) {
        const from = below(2) === 0 ? "stdout" : "stderr"
        const payload = Uint8Array.from({ length: below(50) }, () => below(256))
        const header = new Uint8Array(8)
        header[0] = from === "stdout" ? 1 : 2
        new DataView(header.buffer).setUint32(4, payload.length)
        written.push(header, payload)
        expected[from] = Buffer.concat([expected[from], payload])
      }
      const stream = Buffer.concat(written)
      const got = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
      const frames = makeLogFrames({ _tag: "plain" })
      for (let at = 0; at < stream.length; ) {
        const slice = stream.subarray(at, at + 1 + below(30))
        at += slice.length
        for (const piece of Result.getOrThrow(frames.push(slice))) {
          got[piece.from] = Buffer.concat([got[piece.from], piece.bytes])
        }
      }
      assert.deepStrictEqual(got, expected, `seed ${seed}`)
      assert.isTrue(frames.atBoundary(), `seed ${seed}`)
    }
  })
})
