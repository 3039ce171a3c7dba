import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { answerDecoder, decodeAnswer } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer, encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { numbersFrom } from "../core/generate.ts"
import { generated } from "./Judges.ts"

const ok = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isFailure(result)) throw new Error(JSON.stringify(result.failure))
  return result.success
}
const refused = (document: string | Uint8Array, words: RegExp) => {
  const result = decodeAnswer(document)
  assert.isTrue(Result.isFailure(result), "it was accepted")
  if (Result.isFailure(result)) assert.match(result.failure.message, words)
}
const answer = (value: string) =>
  `<?xml version='1.0'?><methodResponse><params><param><value>${value}</value></param></params></methodResponse>`

describe("the decoder", () => {
  it.each([
    ["text without a type", answer("plain"), "plain"],
    ["an empty value", answer(""), ""],
    ["white space kept in strings", answer("<string>  a </string>"), "  a "],
    [
      "every name of an integer",
      answer(
        "<array><data><value><i1>1</i1></value><value><i4>2</i4></value><value><biginteger>3</biginteger></value></data></array>"
      ),
      [1, 2, 3]
    ],
    ["a float", answer("<float>1.25</float>"), 1.25],
    ["entities and references", answer("<string>&lt;&amp;&#65;&#x42;</string>"), "<&AB"],
    ["CDATA", answer("<string><![CDATA[<b>&]]></string>"), "<b>&"],
    [
      "a struct's members with white space between",
      answer("<struct>\n <member> <name>a</name>\n<value><int>1</int></value></member>\n</struct>"),
      { a: 1 }
    ],
    [
      "values after others of every kind",
      answer(
        "<array><data><value><int>1</int></value><value>text</value><value/><value><nil/></value><value><struct><member><name>a</name><value>1</value></member><member><name>b</name><value><array><data><value/></data></array></value></member></struct></value></data></array>"
      ),
      [1, "text", "", null, { a: "1", b: [""] }]
    ],
    ["integers beyond 2^53", answer("<i8>9223372036854775807</i8>"), 9223372036854775807n]
  ] as const)("takes %s", (_what, document, value) => {
    const decoded = ok(decodeAnswer(document))
    assert.deepStrictEqual(decoded, { _tag: "Success", value })
  })

  it.each([
    ["a document type", `<!DOCTYPE x [<!ENTITY a "b">]>${answer("&a;")}`, /not allowed/],
    ["an unknown entity", answer("<string>&a;</string>"), /&a;/],
    ["a reference to NUL", answer("<string>&#0;</string>"), /not allowed/],
    ["trailing junk", `${answer("<int>1</int>")}junk`, /text where/],
    ["a second document", `${answer("<int>1</int>")}${answer("<int>1</int>")}`, /not allowed/],
    ["a cut document", answer("<int>1</int>").slice(0, -20), /complete|middle/],
    ["an int that is none", answer("<int>12abc</int>"), /no int/],
    ["an empty int", answer("<int></int>"), /no int/],
    ["a boolean in words", answer("<boolean>true</boolean>"), /no boolean/],
    ["a value in a value", answer("<value><int>1</int></value>"), /no type/],
    ["two typed contents", answer("<int>1</int><int>2</int>"), /beside/],
    ["a member without a name", answer("<struct><member><value><int>1</int></value></member></struct>"), /value/],
    [
      "a member without a name after one with a name",
      answer("<struct><member><name>a</name><value>1</value></member><member><value>2</value></member></struct>"),
      /<value> in a member/
    ],
    ["an element whose name is nearly one", answer("<strinh>a</strinh>"), /<strinh> is no type/],
    ["an end that is nearly one", answer("<string>a</strinh>"), /<\/strinh> closes <string>/],
    ["crossed elements", answer("<array><data></array></data>"), /closes/],
    ["an empty fault", "<?xml version='1.0'?><methodResponse><fault></fault></methodResponse>", /without a value/],
    ["a call", encodeCall({ method: "m", params: [] }), /call/],
    ["an attribute", answer(`<string lang="a>b">x</string>`), /lang/],
    ["a comment", answer("<string>a<!-- b -->c</string>"), /not allowed/],
    ["another processing instruction", `<?php echo 1 ?>${answer("")}`, /not allowed/],
    ["an encoding it does not read", answer("").replace("?>", " encoding='utf-16'?>"), /utf-16/],
    ["a control character", answer("<string>a\u0001</string>"), /character/],
    ["two values in one param", answer("<int>1</int></value><value><int>2</int>"), /<value> in <param>/],
    ["two params in an answer", answer("</value></param><param><value>"), /2 values/],
    ["params twice", answer("").replace("</methodResponse>", "<params></params></methodResponse>"), /<params> in/],
    ["a param without a value", "<methodResponse><params><param></param></params></methodResponse>", /without a value/],
    ["an array without data", answer("<array></array>"), /without data/],
    ["data twice", answer("<array><data></data><data></data></array>"), /in an array/],
    ["base64 that is none", answer("<base64>a=b=</base64>"), /no base64/],
    ["a nil with content", answer("<nil>0</nil>"), /no nil/],
    [
      "a fault whose code is text",
      "<methodResponse><fault><value><struct><member><name>faultCode</name><value>1</value></member></struct></value></fault></methodResponse>",
      /code/
    ],
    ["a reference that does not end", answer(`<string>&${"a".repeat(200)}`), /reference/],
    ["markup that does not end", answer(`<string><${"a".repeat(200)}`), /without its end/],
    ["an HTML page", "<html><body>502 Bad Gateway</body></html>", /html/],
    ["nothing", "", /complete/]
  ])("refuses %s", (_what, document, words) => refused(document, words))

  it("refuses bytes that are not UTF-8", () => {
    refused(
      new Uint8Array([...new TextEncoder().encode(answer("<string>")).slice(0, 80), 0xff, 0xfe]),
      /UTF-8|middle|complete/
    )
  })

  it("refuses what is nested too deep or too long, without taking it all in", () => {
    const deep = `${"<array><data><value>".repeat(5_000)}`
    refused(`<?xml version='1.0'?><methodResponse><params><param><value>${deep}`, /deeper/)
    const decoder = answerDecoder({ bytesMax: 1_000 })
    assert.isTrue(decoder.push(new TextEncoder().encode(answer("<string>").split("</value>")[0] ?? "")))
    assert.isFalse(decoder.push(new Uint8Array(2_000).fill(0x61)))
    assert.isTrue(Result.isFailure(decoder.finish()))
    const long = decodeAnswer(answer(`<string>${"a".repeat(101)}</string>`), { textMax: 100 })
    assert.isTrue(Result.isFailure(long) && /more than 100/.test(long.failure.message))
    const many = `<array><data>${"<value/>".repeat(100)}</data></array>`
    const counted = decodeAnswer(answer(many), { valuesMax: 100 })
    assert.isTrue(Result.isFailure(counted) && /more than 100/.test(counted.failure.message))
  })

  it("takes a member called __proto__ for a member", () => {
    const decoded = ok(
      decodeAnswer(answer("<struct><member><name>__proto__</name><value><int>1</int></value></member></struct>"))
    )
    assert.isTrue(decoded._tag === "Success" && Object.hasOwn(Object(decoded.value), "__proto__"))
  })

  it("keeps of a document only what is in its values", () => {
    setFlagsFromString("--expose-gc")
    const collect: () => void = runInNewContext("gc")
    const used = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const [pieces, blanks] = [200, " ".repeat(64 * 1024)]
    const decoder = answerDecoder()
    const push = (text: string) => assert.isTrue(decoder.push(new TextEncoder().encode(text)))
    const [head, tail] = answer("<array><data>|</data></array>").split("|")
    push(head ?? "")
    const before = used()
    for (let piece = 0; piece < pieces; piece++) {
      push(`<value>the untyped text ${piece}</value><value><string>the typed text ${piece}</string></value>${blanks}`)
    }
    push(tail ?? "")
    assert.isBelow(used() - before, (pieces * blanks.length) / 4)
    const decoded = ok(decoder.finish())
    assert.isTrue(decoded._tag === "Success" && Array.isArray(decoded.value) && decoded.value.length === 2 * pieces)
  })

  it("does not care where a document is cut into pieces", () => {
    const value = generated(numbersFrom(4)) ?? "x"
    const bytes = new TextEncoder().encode(encodeAnswer({ _tag: "Success", value: [value, "<&é🎉", { a: [1.5] }] }))
    const original = new TextEncoder().encode(
      answer("<string>a\r\nb\rc\r\r\n<![CDATA[]]&<b>\r\n]]>&amp;&#13;&#x1F389;</string>")
    )
    assert.deepStrictEqual(ok(decodeAnswer(original)), { _tag: "Success", value: "a\nb\nc\n\n]]&<b>\n&\r🎉" })
    for (let step = 1; step < 40; step++) {
      const pieces = answerDecoder()
      for (let at = 0; at < original.length; at += step) pieces.push(original.subarray(at, at + step))
      assert.deepStrictEqual(pieces.finish(), decodeAnswer(original), `in pieces of ${step}`)
      const decoder = answerDecoder()
      for (let at = 0; at < bytes.length; at += step) decoder.push(bytes.subarray(at, at + step))
      assert.deepStrictEqual(decoder.finish(), decodeAnswer(bytes), `in pieces of ${step}`)
    }
  })
})
