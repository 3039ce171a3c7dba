/** Calling the embedded hub in this process: as its HTTP server would, without HTTP. */
import { Effect, Result } from "effect"
import type { HubRequest } from "../../src/hub/HubTransport.ts"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Answer, Value } from "../../src/hub/Value.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer, encodeCall, wellFormed } from "../../src/hub/XmlRpcEncoder.ts"
import { answerCall, answerUpload, type Envelope, type Hub } from "../../src/hubsim/Dispatcher.ts"

/** A session, for those who do not count their calls. */
export interface Keys {
  readonly id: number
  readonly key: string
}

const envelopeOf = (target: string, headers: Readonly<Record<string, string>>): Envelope => ({
  headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
  query: new URLSearchParams(target.replace(/^[^?]*\??/, ""))
})

/** Whether what is said goes through XML, as it does in the world, or as the values it would arrive as. */
export type Wire = "xml" | "values"

/** Does what a request asks for. */
export const answer = (hub: Hub, wire: Wire, { target, headers, content }: HubRequest): Effect.Effect<Answer> => {
  const envelope = envelopeOf(target, headers)
  if (content._tag === "Upload") return answerUpload(hub, envelope, content.bytes)
  const { method, params } = content.call
  if (wire === "values") {
    const call = { method, params: params.map(arrived) }
    return Effect.map(answerCall(hub, envelope, call), (said) =>
      said._tag === "Success" ? { ...said, value: arrived(said.value) } : said
    )
  }
  const call = Result.getOrThrow(decodeCall(encodeCall(content.call)))
  return Effect.map(answerCall(hub, envelope, call), (said) => Result.getOrThrow(decodeAnswer(encodeAnswer(said))))
}

/** A value as it is on the other side: a copy, with what XML-RPC cannot say said differently. */
export const arrived = (value: Value): Value => {
  if (typeof value === "string") return wellFormed(value)
  if (typeof value === "number") return value === 0 ? 0 : value
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (Array.isArray(value)) return value.map((item: Value) => arrived(item))
  if (!isStruct(value)) return value
  const struct: Record<string, Value> = {}
  for (const [name, member] of Object.entries(value)) struct[wellFormed(name)] = arrived(member)
  return struct
}

/** What a call is answered with; a fault is a defect of the test's. */
export const answered = (hub: Hub, keys: Keys | null, method: string, params: ReadonlyArray<Value>) => {
  const headers: Record<string, string> =
    keys === null ? {} : { "koji-session-id": `${keys.id}`, "koji-session-key": keys.key }
  return Effect.map(answerCall(hub, { headers, query: new URLSearchParams() }, { method, params }), valueOf(method))
}

export const valueOf =
  (method: string) =>
  (said: Answer): Value => {
    if (said._tag === "Fault") throw new Error(`${method}: ${said.code} ${said.message}`)
    return said.value
  }
