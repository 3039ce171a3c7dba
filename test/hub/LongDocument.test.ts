import { assert, describe, it } from "@effect/vitest"
import { isLongerThan, longAnswer, longCall } from "../../src/hub/LongDocument.ts"
import type { Value } from "../../src/hub/Value.ts"
import { encodeAnswer, encodeCall, packageValuesMax } from "../../src/hub/XmlRpcEncoder.ts"
import { numbersFrom } from "../core/generate.ts"
import { generated, inPython, plain } from "./Judges.ts"

const edges: ReadonlyArray<Value> = [
  ...["", "a\rb\r\n", "&amp;<>]]>\"'", "\ud800 \u0000 \uffff", "é🎉"],
  ...[0, -0, 2 ** 31, -(2 ** 31) - 1, 1.5, 1e21, Number.NaN, Number.NEGATIVE_INFINITY, 2n ** 62n],
  ...[
    [],
    {},
    [[]],
    { "": "", "<&>": null },
    Object.fromEntries([["__proto__", 1]]),
    new Uint8Array(),
    new Uint8Array([1, 2])
  ]
]

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("a long document", () => {
  it("is the package's to the byte, whatever is in it", () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const value = edges[seed] ?? generated(numbersFrom(seed))
      const call = { method: "echo", params: seed % 3 === 0 ? [] : [value, { a: [value] }] }
      assert.strictEqual(textOf(longCall(call)), encodeCall(call), `seed ${seed}`)
      assert.strictEqual(textOf(longAnswer(value)), encodeAnswer({ _tag: "Success", value }), `seed ${seed}`)
    }
  })

  it("is what comes of values beyond a number, and Python reads it", () => {
    const value = Array.from({ length: packageValuesMax }, (_, seed) => ({
      id: seed,
      of: generated(numbersFrom(seed))
    }))
    assert.isTrue(isLongerThan(value, packageValuesMax))
    assert.deepStrictEqual(inPython([encodeCall({ method: "echo", params: [value] })]), [["echo", [plain(value)]]])
  })

  it("is told by its values, however they are nested", () => {
    assert.isFalse(isLongerThan([1, 2, 3], 4))
    assert.isTrue(isLongerThan([1, 2, 3], 3))
    assert.isFalse(isLongerThan({ a: [1, { b: 2 }] }, 5))
    assert.isTrue(isLongerThan({ a: [1, { b: 2 }] }, 4))
    assert.isFalse(isLongerThan("text", 1))
  })

  it("is not made of an integer that the dialect cannot say", () => {
    const long: ReadonlyArray<Value> = [...Array.from({ length: packageValuesMax }, () => 1), 2n ** 63n]
    assert.throws(() => encodeCall({ method: "echo", params: [long] }), RangeError)
  })
})
