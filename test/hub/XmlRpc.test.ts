import { execFileSync } from "node:child_process"
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { Answer, Value } from "../../src/hub/Value.ts"
import { answerDecoder, decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer, encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { phases, transcript } from "../contract/Transcripts.ts"
import { numbersFrom } from "../core/generate.ts"

const ok = <A, E>(result: Result.Result<A, E>): A => {
  if (Result.isFailure(result)) throw new Error(JSON.stringify(result.failure))
  return result.success
}
const back = (value: Value): Value => {
  const answer = ok(decodeAnswer(encodeAnswer({ _tag: "Success", value })))
  assert.strictEqual(answer._tag, "Success")
  return answer._tag === "Success" ? answer.value : null
}
const refused = (document: string | Uint8Array, words: RegExp) => {
  const result = decodeAnswer(document)
  assert.isTrue(Result.isFailure(result), "it was accepted")
  if (Result.isFailure(result)) assert.match(result.failure.message, words)
}
const answer = (value: string) =>
  `<?xml version='1.0'?><methodResponse><params><param><value>${value}</value></param></params></methodResponse>`

/** One call of Python for many documents: what its xmlrpc.client makes of each, as JSON. */
const inPython = (documents: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const script = `
import json, sys, xmlrpc.client
def plain(v):
    if isinstance(v, dict): return {k: plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)): return [plain(x) for x in v]
    if isinstance(v, xmlrpc.client.Binary): return {"bytes": list(v.data)}
    if isinstance(v, xmlrpc.client.DateTime): return str(v)
    if isinstance(v, bool) or v is None or isinstance(v, str): return v
    if isinstance(v, float) and v.is_integer() and abs(v) < 2**53: v = int(v)  # 1.0 travels as 1: Koji converts
    return {"number": repr(v)}
out = []
for document in json.load(sys.stdin):
    try:
        params, method = xmlrpc.client.loads(document.encode("utf-8"))
        out.append([method, plain(params)])
    except xmlrpc.client.Fault as fault:
        out.append(["fault", fault.faultCode, fault.faultString])
json.dump(out, sys.stdout)
`
  const printed = execFileSync("python3", ["-c", script], { input: JSON.stringify(documents), maxBuffer: 1 << 28 })
  return JSON.parse(printed.toString("utf8"))
}

const generated = (draw: (below: number) => number, depth = 0): Value => {
  const texts = ["", "a", "<&>]]>\"'", "ünïcødé 🎉", "line\nline\ttab", "a\r\nb\r", "  blanks  ", "0", "__proto__"]
  const scalars: ReadonlyArray<() => Value> = [
    () => null,
    () => draw(2) === 0,
    () => draw(1 << 30) - (1 << 29),
    () => (draw(1 << 30) - (1 << 29)) * 4096,
    () => 2n ** 62n - BigInt(draw(1000)),
    () => draw(1 << 20) / 1024 + 0.5,
    () => texts[draw(texts.length)] ?? "",
    () => new Uint8Array(Array.from({ length: draw(9) }, () => draw(256)))
  ]
  if (depth < 4 && draw(3) === 0) {
    if (draw(2) === 0) return Array.from({ length: draw(4) }, () => generated(draw, depth + 1))
    const names = ["a", "b c", "<x>", "constructor"]
    return Object.fromEntries(
      Array.from({ length: draw(4) }, (_, at) => [names[at] ?? "z", generated(draw, depth + 1)])
    )
  }
  return (scalars[draw(scalars.length)] ?? (() => null))()
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
    const plain = (value: Value): unknown => {
      if (value === null || typeof value === "boolean" || typeof value === "string") return value
      if (typeof value === "number" || typeof value === "bigint") return { number: String(value) }
      if (value instanceof Uint8Array) return { bytes: [...value] }
      if (Array.isArray(value)) return value.map(plain)
      return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]))
    }
    const seen = inPython(values.map((value) => encodeCall({ method: "echo", params: [value] })))
    values.forEach((value, at) => {
      assert.deepStrictEqual(seen[at], ["echo", [plain(value)]], `seed ${at}`)
    })
  })

  it("reads every recorded request and answer, and means the same to Python when it writes them again", () => {
    const originals: Array<string> = []
    const rewritten: Array<string> = []
    for (const phase of phases) {
      for (const { request, response, n } of transcript(phase)) {
        if (request !== undefined && !/<broken/.test(request)) {
          originals.push(request)
          rewritten.push(encodeCall(ok(decodeCall(request))))
        }
        if (!response.startsWith("<?xml")) continue
        originals.push(response)
        const decoded: Answer = ok(decodeAnswer(response))
        rewritten.push(encodeAnswer(decoded))
        assert.isAbove(n, 0)
      }
    }
    assert.isAbove(originals.length, 2_000)
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
