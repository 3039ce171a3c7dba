import { assert, describe, it } from "@effect/vitest"
import { fnmatch, fnmatchAny } from "../../src/koji/FnMatch.ts"
import { numbersFrom } from "../core/generate.ts"
import { judgeAll } from "./python.ts"

const batch = 20_000

describe("fnmatch", () => {
  it("matches as a shell does, a slash and a leading dot included", () => {
    assert.isTrue(fnmatch("/rpms/foo.git", "/rpms/*"))
    assert.isTrue(fnmatch("/a/b/c", "/a*c"))
    assert.isTrue(fnmatch(".hidden", "*"))
    assert.isTrue(fnmatch("host:8443", "host?8443"))
    assert.isFalse(fnmatch("Host", "host"))
    assert.isFalse(fnmatch("a", ""))
    assert.isTrue(fnmatch("", "**"))
    assert.isTrue(fnmatch("a\nb", "a?b"))
    assert.isTrue(fnmatch("😀", "?"))
    assert.isTrue(fnmatchAny("ppc64le", ["x86*", "ppc64*"]))
    assert.isFalse(fnmatchAny("x", []))
  })

  it("does not hang on a pattern made to make it hang", () => {
    assert.isFalse(fnmatch("a".repeat(20_000), `${"a*".repeat(200)}b`))
  })

  it(`agrees with Python on ${batch} generated pairs`, () => {
    const draw = numbersFrom(1)
    const word = (alphabet: ReadonlyArray<string>, length: number) =>
      Array.from({ length: draw(length) }, () => alphabet[draw(alphabet.length)] ?? "").join("")
    const pieces = [
      "a",
      "b",
      "c",
      "-",
      "!",
      "]",
      "[",
      "^",
      "\\",
      "*",
      "?",
      "&",
      "|",
      "~",
      "0",
      "9",
      "é",
      "😀",
      "[a-c]",
      "[!"
    ]
    const cases = Array.from({ length: batch }, () => [
      word(["a", "b", "c", "-", "!", "]", "[", "^", "\\", "0", "é", "😀"], 5),
      word(pieces, 9)
    ])
    const judged = judgeAll<boolean>(
      "import fnmatch, warnings\nwarnings.simplefilter('ignore')\ndef judge(case):\n  return fnmatch.fnmatchcase(*case)",
      cases
    )
    const wrong = cases.filter(([text = "", pattern = ""], at) => fnmatch(text, pattern) !== judged[at])
    assert.deepStrictEqual(wrong, [])
    assert.isAbove(judged.filter((matched) => matched).length, batch / 100)
  })
})
