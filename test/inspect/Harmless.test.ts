import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { harmless, harmlessJson, harmlessLines } from "../../src/inspect/Harmless.ts"

const treacherous = /[^\n\P{C}]|[\u2028\u2029]/u

describe("text from a build", () => {
  it("cannot command a terminal", () => {
    assert.strictEqual(harmless("a\x1b]0;title\x07b"), "a\\x1b]0;title\\x07b")
    assert.strictEqual(harmless("\x9b31m"), "\\x9b31m")
    assert.strictEqual(harmless("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree")
  })

  it("cannot show one name for another", () => {
    assert.strictEqual(harmless("evil\u202egpj.exe"), "evil\\u202egpj.exe")
    assert.strictEqual(harmless("a\u200bb\ufeff"), "a\\u200bb\\ufeff")
    assert.strictEqual(harmless("half \ud800."), "half \\ud800.")
  })

  it("stays as it is otherwise", () => {
    for (const text of ["plain", "Grüße", "日本語", "🙂", "a \\x1b b"]) assert.strictEqual(harmless(text), text)
  })

  it("loses a compiler's colours, whole ones only", () => {
    assert.deepStrictEqual(harmlessLines("\x1b[01;31m\x1b[Kerror:\x1b[m\x1b[K bad\n\x1b[2Jgone"), [
      "error: bad",
      "\\x1b[2Jgone"
    ])
  })

  it("shows the last state of a line that was written over itself", () => {
    assert.deepStrictEqual(harmlessLines("10%\r50%\r100%\ndone\r\n\n"), ["100%", "done"])
  })

  it("fills up tabs", () => {
    assert.deepStrictEqual(harmlessLines("a\tb\n12345678\tc"), ["a       b", "12345678        c"])
  })

  it.prop(
    "is never treacherous, however it is shown",
    { text: Schema.String, rest: Schema.String },
    ({ text, rest }) => {
      const mixed = `${text}\x1b[31m\u202e${rest}`
      assert.notMatch(harmless(mixed), treacherous)
      assert.notMatch(harmlessLines(mixed).join("\n"), treacherous)
      const json = harmlessJson({ mixed, list: [text] }, 2)
      assert.notMatch(json, treacherous)
      assert.deepStrictEqual(JSON.parse(json), { mixed, list: [text] })
    }
  )
})
