import { assert, describe, it } from "@effect/vitest"
import {
  PythonFloat,
  PythonTuple,
  type PythonValue,
  pythonRepr,
  pythonStr,
  pythonTruth
} from "../../src/koji/PythonRepr.ts"
import { isSpace, splitWords, strip } from "../../src/koji/PythonSpace.ts"
import { decodeSurrogateEscape } from "../../src/koji/Utf8.ts"
import { numbersFrom } from "../core/generate.ts"
import { judgeAll } from "./python.ts"

describe("a Python literal", () => {
  it("is what Python writes for the same value", () => {
    const cases: ReadonlyArray<readonly [PythonValue, string]> = [
      [null, "None"],
      [true, "True"],
      [false, "False"],
      [86400, "86400"],
      [-1n, "-1"],
      [2n ** 70n, "1180591620717411303424"],
      [1.5, "1.5"],
      [new PythonFloat(1), "1.0"],
      [1e22, "10000000000000000000000"],
      ["", "''"],
      ["it's", `"it's"`],
      [`both ' and "`, `'both \\' and "'`],
      ["a\\b\n\r\t\0\x7f\x1b", "'a\\\\b\\n\\r\\t\\x00\\x7f\\x1b'"],
      ["é\u00a0\u2028\ud800", "'é\\xa0\\u2028\\ud800'"],
      [["a", 1, [null]], "['a', 1, [None]]"],
      [new PythonTuple("a"), "('a',)"],
      [new PythonTuple("/dev", "/dev"), "('/dev', '/dev')"],
      [{ cmd: "x", opts: [] }, "{'cmd': 'x', 'opts': []}"],
      [{}, "{}"],
      [new Uint8Array([0x61, 0x27, 0, 0xff]), `b"a'\\x00\\xff"`]
    ]
    for (const [value, literal] of cases) assert.strictEqual(pythonRepr(value), literal)
  })

  it("says strings of strings and literals of everything else", () => {
    assert.strictEqual(pythonStr(".fc40"), ".fc40")
    assert.strictEqual(pythonStr(true), "True")
    assert.strictEqual(pythonStr(1), "1")
    assert.strictEqual(pythonStr(null), "None")
    assert.strictEqual(pythonStr(["a"]), "['a']")
  })

  it("is true where Python says so", () => {
    for (const value of ["0", "False", [0], { a: 0 }, -1, 1n, new PythonTuple(0)]) assert.isTrue(pythonTruth(value))
    for (const value of ["", [], {}, 0, 0n, null, undefined, new PythonFloat(0), new PythonTuple()]) {
      assert.isFalse(pythonTruth(value))
    }
  })

  it("reads back as the same text, whatever the text, and looks as Python's own", () => {
    const draw = numbersFrom(2)
    const ranges = [0x100, 0x100, 0x3000, 0x10000, 0x110000]
    const texts = Array.from({ length: 20_000 }, () =>
      Array.from({ length: draw(8) }, () => {
        const quotes = ["'", '"', "\\", "\n"]
        return draw(4) === 0 ? (quotes[draw(4)] ?? "") : String.fromCodePoint(draw(ranges[draw(5)] ?? 1))
      }).join("")
    )
    const judged = judgeAll<readonly [boolean, string | null]>(
      `
import ast, unicodedata
def judge(case):
  text, literal = case
  # Characters that this Python's Unicode does not have yet are the only difference there may be.
  known = all(unicodedata.category(c) != 'Cn' for c in text)
  return [ast.literal_eval(literal) == text, repr(text) if known else None]
`,
      texts.map((text) => [text, pythonRepr(text)])
    )
    for (const [at, [same, literal]] of judged.entries()) {
      assert.isTrue(same, JSON.stringify(texts[at]))
      if (literal !== null) assert.strictEqual(pythonRepr(texts[at] ?? ""), literal)
    }
  })

  it("has a float's shortest digits in Python's layout", () => {
    const draw = numbersFrom(3)
    const floats = Array.from({ length: 5000 }, () => {
      const value = (draw(1e9) / (draw(1e6) + 1)) * 10 ** (draw(60) - 30)
      return draw(2) === 0 ? value : -value
    })
    const all = [...floats, 0, 1e16, 1e15, 1e-4, 1e-5, 0.1, 123456789.125, 5e-324, 1.7976931348623157e308]
    const judged = judgeAll<string>("def judge(case):\n  return repr(float(case))", all)
    for (const [at, value] of all.entries()) assert.strictEqual(pythonRepr(new PythonFloat(value)), judged[at])
  })
})

describe("white space", () => {
  it("is what Python calls so, and nothing else", () => {
    const points = Array.from({ length: 0x3100 }, (_, point) => String.fromCodePoint(point))
    const judged = judgeAll<readonly [boolean, ReadonlyArray<string>, string]>(
      "def judge(case):\n  t = case + 'a' + case + 'b' + case\n  return [case.isspace(), t.split(), t.strip()]",
      points
    )
    for (const [at, character] of points.entries()) {
      const text = `${character}a${character}b${character}`
      assert.deepStrictEqual([isSpace(character), splitWords(text), strip(text)], judged[at], `U+${at.toString(16)}`)
    }
  })

  it("does not make stripping slow", () => {
    assert.strictEqual(strip(`a${" ".repeat(200_000)}a`).length, 200_002)
  })
})

describe("bytes that are not UTF-8", () => {
  it("become what surrogateescape makes of them", () => {
    const draw = numbersFrom(4)
    const interesting = [0x61, 0x80, 0xbf, 0xc2, 0xc3, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0x9f, 0xa0, 0x90, 0x8f, 0xbb]
    const cases = Array.from({ length: 20_000 }, () =>
      Array.from({ length: draw(7) }, () => interesting[draw(interesting.length)] ?? 0)
    )
    const judged = judgeAll<ReadonlyArray<number | undefined>>(
      "def judge(case):\n  return [ord(c) for c in bytes(case).decode('utf-8', 'surrogateescape')]",
      cases
    )
    for (const [at, bytes] of cases.entries()) {
      const points = Array.from(decodeSurrogateEscape(new Uint8Array(bytes)), (character) => character.codePointAt(0))
      assert.deepStrictEqual(points, judged[at], bytes.join(" "))
    }
  })
})
