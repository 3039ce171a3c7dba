import { describe, it } from "@effect/vitest"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { transcript } from "../contract/Transcripts.ts"
import { numbersFrom } from "../core/generate.ts"

const mutations = 20_000

describe("the XML-RPC decoder, given damaged documents", () => {
  it(`neither throws nor hangs, in ${mutations} mutations of recorded ones`, () => {
    const documents = transcript("session-faults")
      .concat(transcript("K"))
      .flatMap(({ request, response }) => [request ?? "", response])
    const draw = numbersFrom(1)
    for (let round = 0; round < mutations; round++) {
      const bytes = Buffer.from(documents[draw(documents.length)] ?? "")
      if (bytes.length === 0) continue
      for (let change = 0; change <= draw(4); change++) {
        const at = draw(bytes.length)
        if (draw(2) === 0) bytes[at] = draw(256)
        else bytes.copy(bytes, at, draw(bytes.length))
      }
      const cut = draw(3) === 0 ? bytes.subarray(0, draw(bytes.length)) : bytes
      decodeAnswer(cut)
      decodeCall(cut)
    }
  })
})
