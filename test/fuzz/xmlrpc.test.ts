import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer, encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import { transcript } from "../contract/Transcripts.ts"
import { numbersFrom } from "../core/generate.ts"
import { inPython } from "../hub/Judges.ts"

const mutations = 20_000

const documents = transcript("session-faults")
  .concat(transcript("K"))
  .flatMap(({ request, response }) => [request ?? "", response])
  .filter((document) => document !== "")

/** What damage tends to leave unnoticed: pieces of markup in other places, and characters with a meaning. */
const pieces = [
  "<",
  ">",
  "&",
  ";",
  "/",
  "<value>",
  "</value>",
  "<!--",
  "]]>",
  "<![CDATA[",
  "&#0;",
  "&amp;",
  "\r",
  " ",
  "-"
]

const damaged = (draw: (below: number) => number): Buffer => {
  const bytes = Buffer.from(documents[draw(documents.length)] ?? "")
  for (let change = 0; change <= draw(4); change++) {
    const at = draw(bytes.length)
    const kind = draw(4)
    if (kind === 0) bytes[at] = draw(256)
    else if (kind === 1) bytes.copy(bytes, at, draw(bytes.length))
    else if (kind === 2) bytes.write(pieces[draw(pieces.length)] ?? "", at)
    // Digits and letters for others of their kind: the document stays well-formed and means something else.
    else bytes[at] = (bytes[at] ?? 0) ^ 1
  }
  return draw(3) === 0 ? bytes.subarray(0, draw(bytes.length)) : bytes
}

describe("the XML-RPC decoder, given damaged documents", () => {
  it(`neither throws nor hangs, in ${mutations} mutations, and what it accepts means the same to Python`, () => {
    const draw = numbersFrom(1)
    const accepted: Array<string> = []
    const rewritten: Array<string> = []
    for (let round = 0; round < mutations; round++) {
      const bytes = damaged(draw)
      const answer = decodeAnswer(bytes)
      const call = decodeCall(bytes)
      if (Result.isSuccess(answer)) rewritten.push(encodeAnswer(answer.success))
      else if (Result.isSuccess(call)) rewritten.push(encodeCall(call.success))
      else continue
      accepted.push(bytes.toString("utf8"))
    }
    assert.isAbove(accepted.length, 100)
    const [said, meant] = [inPython(rewritten), inPython(accepted)]
    accepted.forEach((document, at) => {
      assert.deepStrictEqual(said[at], meant[at], document)
    })
  })
})
