import { readdirSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer, encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { everyPhase, tagNotificationOfE, transcript } from "../contract/Transcripts.ts"
import { numbersFrom } from "../core/generate.ts"
import { generated, inPackage, inPython, plain } from "./Judges.ts"

const ok = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isFailure(result)) throw new Error(JSON.stringify(result.failure))
  return result.success
}
const back = (value: Value): Value => {
  const answer = ok(decodeAnswer(encodeAnswer({ _tag: "Success", value })))
  assert.strictEqual(answer._tag, "Success")
  return answer._tag === "Success" ? answer.value : null
}

describe("the codec", () => {
  it("gives back what it was given, a thousand times", () => {
    for (let seed = 0; seed < 1_000; seed++) {
      const value = generated(numbersFrom(seed))
      assert.deepStrictEqual(back(value), value, `seed ${seed}`)
    }
  })

  it("is understood by Python, which says the same again", () => {
    const values = Array.from({ length: 500 }, (_, seed) => generated(numbersFrom(seed)))
    const seen = inPython(values.map((value) => encodeCall({ method: "echo", params: [value] })))
    values.forEach((value, at) => {
      assert.deepStrictEqual(seen[at], ["echo", [plain(value)]], `seed ${at}`)
    })
  })

  it("is understood by the package whose encoder it uses", async () => {
    const asItReads = (value: Value): unknown => {
      if (typeof value === "bigint" || (typeof value === "number" && Math.abs(value) >= 2 ** 31)) return String(value)
      if (value instanceof Uint8Array) return Buffer.from(value)
      if (Array.isArray(value)) return value.map(asItReads)
      if (typeof value !== "object" || value === null) return value
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asItReads(member)]))
    }
    for (let seed = 0; seed < 300; seed++) {
      const value = generated(numbersFrom(seed))
      const read = await inPackage(encodeAnswer({ _tag: "Success", value }))
      assert.deepStrictEqual(read, asItReads(value), `seed ${seed}`)
    }
  })

  it("is tried on every record that there is", () => {
    const files = readdirSync(join(import.meta.dirname, "../contract/transcripts"))
    const records = files.flatMap((name) => (name.endsWith(".jsonl.gz") ? [name.replace(".jsonl.gz", "")] : []))
    assert.sameMembers(records, [...everyPhase, tagNotificationOfE])
    const numbers = new Set(transcript("E").map(({ n }) => n))
    assert.isTrue(transcript(tagNotificationOfE).every(({ n }) => numbers.has(n)))
  })

  it("reads every recorded request and answer, and means the same to Python when it writes them again", () => {
    const originals: Array<string> = []
    const rewritten: Array<string> = []
    const unlike: Array<string> = []
    for (const { phase, method, request, response } of everyPhase.flatMap((phase) =>
      transcript(phase).map((call) => ({ phase, ...call }))
    )) {
      // A call that is broken on purpose, and what the hub says to that.
      if (!response.startsWith("<?xml")) {
        unlike.push(`${phase} ${request} ${response.slice(0, 15)}`)
        continue
      }
      if (request !== undefined) {
        originals.push(request)
        rewritten.push(encodeCall(ok(decodeCall(request))))
      } else assert.strictEqual(method, "rawUpload")
      originals.push(response)
      rewritten.push(encodeAnswer(ok(decodeAnswer(response))))
    }
    assert.deepStrictEqual(unlike, ["session-faults <methodCall><broken Invalid request"])
    assert.isAbove(originals.length, 3_900)
    const [said, meant] = [inPython(rewritten), inPython(originals)]
    originals.forEach((original, at) => {
      assert.deepStrictEqual(said[at], meant[at], original)
    })
  })

  it("writes integers by size and fractions as doubles", () => {
    const document = encodeCall({ method: "m", params: [1, 2 ** 31, -(2 ** 31), 2n ** 63n - 1n, 1.5, 1e21] })
    assert.match(document, /<int>1<\/int>/)
    assert.match(document, /<i8>2147483648<\/i8>/)
    assert.match(document, /<int>-2147483648<\/int>/)
    assert.match(document, /<i8>9223372036854775807<\/i8>/)
    assert.match(document, /<double>1.5<\/double>/)
    assert.match(document, /<double>1e\+21<\/double>/)
    assert.throws(() => encodeCall({ method: "m", params: [2n ** 63n] }), RangeError)
  })

  it("replaces what XML cannot hold, and keeps what it can", () => {
    assert.strictEqual(back("a\u0000b\u001b[31m\ud800c\uffff"), "a\ufffdb\ufffd[31m\ufffdc\ufffd")
    assert.strictEqual(back("😀\t\n"), "😀\t\n")
  })
})
