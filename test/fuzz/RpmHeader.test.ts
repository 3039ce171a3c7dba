import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { noarchContent } from "../../src/koji/RpmDiff.ts"
import { RpmHeaderError } from "../../src/koji/RpmEntries.ts"
import { headerBytesNeeded, parseRpmHeader } from "../../src/koji/RpmHeader.ts"
import { numbersFrom } from "../core/generate.ts"

const folder = join(import.meta.dirname, "../fixtures/rpms")
const samples = readdirSync(folder)
  .filter((name) => name.endsWith(".rpm"))
  .map((name) => Uint8Array.from(readFileSync(join(folder, name))))
const headerEnd = (bytes: Uint8Array) => Result.getOrThrow(headerBytesNeeded(bytes))

/** Reads everything there is to read. A throw fails the test; what comes back is good or a proper error. */
const readAll = (bytes: Uint8Array): boolean => {
  const result = Result.flatMap(parseRpmHeader(bytes), noarchContent)
  if (Result.isFailure(result)) assert.instanceOf(result.failure, RpmHeaderError)
  return Result.isSuccess(result)
}

describe("a reader of RPM headers", () => {
  it("survives every truncation, and says it is one", () => {
    for (const sample of samples) {
      const end = headerEnd(sample)
      for (let length = 0; length < end; length++) {
        const result = parseRpmHeader(sample.subarray(0, length))
        assert.isTrue(Result.isFailure(result) && result.failure.reason === "cut-short", `${length} of ${end}`)
      }
      assert.isTrue(readAll(sample.subarray(0, end)))
    }
  })

  it("survives 20,000 headers with bytes changed", () => {
    const draw = numbersFrom(7)
    const telling = [0, 1, 0x7f, 0x80, 0xff]
    let good = 0
    for (let run = 0; run < 20_000; run++) {
      const sample = samples[draw(samples.length)] ?? new Uint8Array()
      const bytes = sample.slice(0, headerEnd(sample))
      // The indexes are where changes hurt: they stand at the beginnings of signature and header.
      const within = draw(2) === 0 ? bytes.length : Math.min(bytes.length, 2500)
      for (let changes = draw(6) + 1; changes > 0; changes--) {
        bytes[96 + draw(within - 96)] = draw(2) === 0 ? (telling[draw(5)] ?? 0) : draw(256)
      }
      if (readAll(bytes)) good += 1
    }
    // Changes to texts do no harm; had nothing been read at all, nothing was tested.
    assert.isAbove(good, 1000)
  })

  it("survives noise behind a proper beginning", () => {
    const draw = numbersFrom(8)
    for (let run = 0; run < 5000; run++) {
      const bytes = Uint8Array.from({ length: draw(600) }, () => draw(256))
      bytes.set([0xed, 0xab, 0xee, 0xdb].slice(0, bytes.length))
      if (bytes.length > 112) bytes.set([0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, 0, 0, 0, draw(9), 0, 0, 0, draw(99)], 96)
      readAll(bytes)
    }
  })
})
