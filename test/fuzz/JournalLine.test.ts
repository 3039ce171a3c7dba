import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { chainStart, encodeLine, lineVersion, parseLine, verifyLines } from "../../src/journal/Line.ts"
import { attempt } from "../contract/JournalStoreContract.ts"
import { numbersFrom } from "../core/generate.ts"

const stream = attempt(1, 1)
const genuine = Result.getOrThrow(
  encodeLine(chainStart(stream), 0, 1_700_000_000_000, { _tag: "Noted", text: 'å\n"' })
).text
const pieces = [
  '{"v":2',
  '"seq":',
  '"at":',
  '"event":',
  '"hash":"',
  "}",
  "{",
  '"',
  ",",
  "0",
  "\\",
  "\0",
  "\n",
  "é",
  "1e999",
  "__proto__"
]
const rounds = 20_000

describe("a journal line we did not write", () => {
  it.prop(
    "is refused with a reason, whatever text it is",
    [Schema.String],
    ([text]) => {
      assert.isTrue(Result.isFailure(parseLine(text)))
    },
    { arbitrary: { runs: 2000 } }
  )

  it(`is one that we could have written, or is refused, in ${rounds} changes of a genuine one`, () => {
    let taken = 0
    for (let seed = 1; seed <= rounds; seed++) {
      const draw = numbersFrom(seed)
      let text = genuine
      for (let changes = draw(3) + 1; changes > 0; changes--) {
        const at = draw(text.length + 1)
        const lost = draw(3) === 0 ? draw(text.length) : draw(3)
        text = text.slice(0, at) + (pieces[draw(pieces.length)] ?? "").repeat(draw(3)) + text.slice(at + lost)
      }
      const parsed = parseLine(text)
      if (Result.isFailure(parsed)) continue
      taken++
      // Whatever is taken has the one form: only the text of the event could have been spelled otherwise.
      const { v, seq, at, event, hash } = parsed.success
      assert.isTrue(Number.isSafeInteger(seq) && Number.isSafeInteger(at) && v >= 1 && v <= lineVersion, text)
      const head = `{"v":${v},"seq":${seq},"at":${at},"event":`
      assert.isTrue(text.startsWith(head) && text.endsWith(`,"hash":"${hash}"}`), text)
      assert.deepStrictEqual(JSON.parse(text.slice(head.length, -`,"hash":"${hash}"}`.length)), event)
    }
    assert.isAbove(taken, 100, "changes that never leave a line prove little")
  })

  it("never takes a stream of random bytes for one of ours, nor falls over it", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const draw = numbersFrom(seed)
      const bytes = Uint8Array.from({ length: draw(400) }, () => (draw(8) === 0 ? 0x0a : draw(256)))
      const read = verifyLines(stream, bytes)
      if (Result.isSuccess(read)) assert.deepStrictEqual([read.success.events.length, read.success.wholeBytes], [0, 0])
    }
  })
})
