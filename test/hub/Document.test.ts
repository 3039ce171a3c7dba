import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { encodeFault, encodeResult, faultTextMax } from "../../src/hub/Document.ts"
import { splitKeywords, withKeywords } from "../../src/hub/Keywords.ts"
import { decodeAnswer } from "../../src/hub/XmlRpcDecoder.ts"
import { inPython } from "./Judges.ts"

describe("a task's outcome as a document", () => {
  it("begins so that the hub knows it for XML", () => {
    for (const document of [encodeResult(null), encodeFault({ code: 1, message: "no" })]) {
      assert.isTrue(document.startsWith("<?xml version="))
    }
  })

  it("is read by Python: values and faults, with what a build may print", () => {
    const noise = "\u001b[31mred\u001b[0m \u0000 <&>]]> é 🎉"
    const [result, fault] = inPython([
      encodeResult({ rpms: ["a.rpm"], brootid: 7, size: 2 ** 40, none: null, deep: [[{ é: "ü" }]] }),
      encodeFault({ code: 1005, message: noise })
    ])
    const numbers = { brootid: { number: "7" }, size: { number: String(2 ** 40) } }
    assert.deepStrictEqual(result, [null, [{ rpms: ["a.rpm"], ...numbers, none: null, deep: [[{ é: "ü" }]] }]])
    assert.deepStrictEqual(fault, ["fault", 1005, "\ufffd[31mred\ufffd[0m \ufffd <&>]]> é 🎉"])
  })

  it("keeps the beginning and the end of a text that is too long, and says so", () => {
    const message = `begin${"<🎉".repeat(faultTextMax)}end`
    const answer = Result.getOrThrow(decodeAnswer(encodeFault({ code: 1, message })))
    assert.isTrue(
      answer._tag === "Fault" && /^begin[\s\S]*characters are left out here[\s\S]*end$/.test(answer.message)
    )
    assert.isTrue(answer._tag === "Fault" && answer.message.length < faultTextMax + 100)
    const short = "x".repeat(faultTextMax)
    assert.deepStrictEqual(Result.getOrThrow(decodeAnswer(encodeFault({ code: 1, message: short }))), {
      _tag: "Fault",
      code: 1,
      message: short
    })
  })
})

describe("keyword arguments", () => {
  it("are one more argument with a mark, and none when there are none", () => {
    assert.deepStrictEqual(withKeywords([1], { a: null }), [1, { a: null, __starstar: true }])
    assert.deepStrictEqual(withKeywords([1], {}), [1])
    assert.deepStrictEqual(withKeywords([1]), [1])
  })

  it("come apart again; a mark that is false, or not in the last argument, marks nothing", () => {
    assert.deepStrictEqual(splitKeywords([1, { a: 2, __starstar: true }]), { positional: [1], keywords: { a: 2 } })
    assert.deepStrictEqual(splitKeywords([{ __starstar: 1 }]), { positional: [], keywords: {} })
    for (const params of [[], [1], [{ a: 1, __starstar: false }], [{ __starstar: true }, 1], [null]]) {
      assert.deepStrictEqual(splitKeywords(params), { positional: params, keywords: {} })
    }
  })
})
