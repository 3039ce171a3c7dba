/**
 * The hub at its URLs (daemon.md 2.1): `/kojihub` for calls and uploads, `/kojifiles` for the file tree; and, for
 * tests, a network that is not always kind.
 */
import { type Duration, Effect, Result } from "effect"
import type { Answer } from "../hub/Value.ts"
import { decodeCall, defaultLimits } from "../hub/XmlRpcDecoder.ts"
import { encodeAnswer } from "../hub/XmlRpcEncoder.ts"
import { otherError } from "../koji/Fault.ts"
import { answerCall, answerUpload, type Hub } from "./Dispatcher.ts"
import { serveFile } from "./FileServer.ts"
import { type HttpReply, type HttpRequest, hangUp } from "./HttpServer.ts"
import { kojiVersion } from "./Options.ts"

/** The hub's `MaxRequestLength`, for calls. */
export const callBytesMax = 4 * 1024 * 1024
/** For one chunk of an upload; clients send 1 MiB. */
export const uploadBytesMax = 64 * 1024 * 1024
/** How deep a call's arguments may be nested. */
const depthMax = 100

const callsPath = "/kojihub"
const filesPath = "/kojifiles/"
const uploadType = "application/octet-stream"

/** What may happen to an exchange on its way. */
export type Disturbance =
  | { readonly _tag: "None" }
  /** The call is done; its answer is lost. */
  | { readonly _tag: "DropAnswer" }
  /** The call is not done: something in front of the hub answers with this status. */
  | { readonly _tag: "Status"; readonly status: number }
  /** The call is not done: something in front of the hub, or a hub gone mad, answers with this. */
  | { readonly _tag: "Answer"; readonly contentType: string; readonly body: string }
  /** The call is done after this time. */
  | { readonly _tag: "Delay"; readonly duration: Duration.Input }

export interface Exchange {
  /** The method; `rawUpload` for an upload, null for what is no call at all. */
  readonly method: string | null
  /** Counted from 1 since the hub was started. */
  readonly number: number
}
export type Disturb = (exchange: Exchange) => Disturbance

const version = { "koji-version": kojiVersion }

/** Answers every request to the hub. */
export const hubServer = (hub: Hub, disturb: Disturb) => {
  let number = 0
  return Effect.fnUntraced(function* (request: HttpRequest) {
    if (request.path.startsWith(filesPath))
      return serveFile(hub.paths.top, request.path.slice(filesPath.length), request)
    if (request.path !== callsPath && !request.path.startsWith(`${callsPath}/`)) return plain(404, "not found")
    if (request.method !== "POST") return plain(405, "Method Not Allowed", { allow: "POST" })
    const { method, work } = exchangeOf(hub, request)
    number += 1
    const disturbance = disturb({ method, number })
    switch (disturbance._tag) {
      case "None":
        return yield* work
      case "DropAnswer":
        yield* work
        return hangUp
      case "Status":
        return plain(disturbance.status, "not today")
      case "Answer":
        return { status: 200, headers: { ...version, "content-type": disturbance.contentType }, body: disturbance.body }
      case "Delay":
        return yield* Effect.delay(work, disturbance.duration)
    }
  })
}

const plain = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpReply => ({
  status,
  headers: { ...version, ...headers, "content-type": "text/plain" },
  body: `${text}\n`
})

const document = (answer: Answer): HttpReply => ({
  status: 200,
  headers: { ...version, "content-type": "text/xml" },
  body: encoded(answer)
})

/** An answer that the dialect cannot say is a fault of the hub's. */
const encoded = (answer: Answer): string => {
  try {
    return encodeAnswer(answer)
  } catch (error) {
    const { code, message } = otherError(error instanceof Error ? error.message : `${error}`)
    return encodeAnswer({ _tag: "Fault", code, message })
  }
}

/** Which method a request is for, and the work of answering it. */
const exchangeOf = (hub: Hub, request: HttpRequest) => {
  const refused = (text: string) => ({ method: null, work: Effect.succeed(plain(400, `Invalid request: ${text}`)) })
  if (request.body === null) return refused("Request too long")
  if (request.headers["content-type"] === uploadType) {
    return { method: "rawUpload", work: Effect.map(answerUpload(hub, request, request.body), document) }
  }
  if (request.body.length === 0) return refused("Empty request")
  const call = decodeCall(request.body, { ...defaultLimits, bytesMax: callBytesMax, depthMax })
  if (Result.isFailure(call)) return refused(call.failure.message)
  return { method: call.success.method, work: Effect.map(answerCall(hub, request, call.success), document) }
}

/** How long a body may be: calls are short, uploads are files. */
export const bodyBytesMax = (contentType: string) => (contentType === uploadType ? uploadBytesMax : callBytesMax)
