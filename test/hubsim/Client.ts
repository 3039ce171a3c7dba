/**
 * A client that does what a test says and nothing more: it sends this call number, that key, or none, and never tries
 * again. The worker's own client would not let itself be made to misbehave.
 */
import { Effect } from "effect"
import { withKeywords } from "../../src/hub/Keywords.ts"
import type { Answer, Struct, Value } from "../../src/hub/Value.ts"
import { decodeAnswer } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeCall } from "../../src/hub/XmlRpcEncoder.ts"

export interface Session {
  readonly id: number
  readonly key: string
  callnum: number
}

export const headersOf = (session: Session | null, callnum?: number): Record<string, string> =>
  session === null
    ? {}
    : {
        "Koji-Session-Id": `${session.id}`,
        "Koji-Session-Key": session.key,
        "Koji-Session-Callnum": `${callnum ?? session.callnum++}`
      }

/** Sends bytes and returns the status, the headers and the body. */
export const post = (url: string, body: string | Uint8Array, headers: Record<string, string>) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "text/xml", ...headers },
      body: typeof body === "string" ? body : Buffer.from(body)
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

export interface Call {
  readonly method: string
  readonly params?: ReadonlyArray<Value>
  readonly keywords?: Struct
  /** Instead of the session's next one. */
  readonly callnum?: number
}

/** The hub's answer, be it a fault. */
export const ask = (url: string, session: Session | null, { method, params = [], keywords, callnum }: Call) =>
  Effect.gen(function* () {
    const body = encodeCall({ method, params: withKeywords(params, keywords) })
    const reply = yield* post(url, body, headersOf(session, callnum))
    return yield* Effect.fromResult(decodeAnswer(reply.text)).pipe(Effect.orDie)
  })

/** The value that a call is answered with; a fault is a defect of the test. */
export const get = (url: string, session: Session | null, call: Call) =>
  Effect.flatMap(ask(url, session, call), (answer) =>
    answer._tag === "Success"
      ? Effect.succeed(answer.value)
      : Effect.die(new Error(`${call.method}: ${answer.code} ${answer.message}`))
  )

/** `[code, text]` of a fault; anything else as it is. */
export const shown = (answer: Answer): Value =>
  answer._tag === "Fault" ? { fault: [answer.code, answer.message] } : answer.value

const sessionOf = (value: Value): Session => {
  const { "session-id": id, "session-key": key } = Object(value)
  return { id: Number(id), key: String(key), callnum: 0 }
}

export const login = (url: string, user: string, password = user) =>
  Effect.map(get(url, null, { method: "login", params: [user, password] }), sessionOf)

export const subsession = (url: string, session: Session) =>
  Effect.map(get(url, session, { method: "subsession" }), sessionOf)

/** A builder's session, with the exclusive lock. */
export const builderLogin = (url: string, user = "builder1") =>
  Effect.gen(function* () {
    const session = yield* login(url, user)
    yield* get(url, session, { method: "exclusiveSession", keywords: { force: true } })
    return session
  })

/** One chunk of a raw upload, with these query parameters. */
export const upload = (
  url: string,
  session: Session | null,
  query: Record<string, string>,
  bytes: Uint8Array | string = ""
) =>
  Effect.gen(function* () {
    const headers = { ...headersOf(session), "Content-Type": "application/octet-stream" }
    const reply = yield* post(`${url}?${new URLSearchParams(query)}`, Buffer.from(bytes), headers)
    return yield* Effect.fromResult(decodeAnswer(reply.text)).pipe(Effect.orDie)
  })
