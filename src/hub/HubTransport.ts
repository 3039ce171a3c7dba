/**
 * How requests reach the hub and answers come back: the seam between a session, which knows numbers, keys and
 * patience, and whatever carries bytes. HTTP is what the world has; a hub in the same process needs none.
 */
import { Context, Effect, Layer, Result, Schema, Stream } from "effect"
import { HttpBody, HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"
import { failureOf } from "./ThroughProxy.ts"
import { tlsTrouble } from "./TlsTrouble.ts"
import type { Answer, MethodCall } from "./Value.ts"
import { answerDecoder } from "./XmlRpcDecoder.ts"
import { encodeCallBytes } from "./XmlRpcEncoder.ts"

/** One request, complete: sent again it is the same request to the byte. */
export interface HubRequest {
  /** What follows the server's URL: nothing, a path of the login's, or a query. */
  readonly target: string
  /** The session's. */
  readonly headers: Readonly<Record<string, string>>
  readonly content: Content
  /** What it means for this request when a web server answers in the hub's place. */
  readonly refusal?: Refusal | undefined
  /** Whether the hub has answered us at this address before; a login may be the first to come there. */
  readonly inSession: boolean
}

/** An HTTP status, or a connection that was closed in the middle of the request. */
export type Refusal = (how: number | "closed") => string | undefined
export type Content =
  | { readonly _tag: "Call"; readonly call: MethodCall }
  /** A piece of a file; its place is in the query. */
  | { readonly _tag: "Upload"; readonly bytes: Uint8Array }

/**
 * The exchange did not yield an answer. It may `pass` by itself; or the request is `refused` as it is, and would be
 * again; or the hub's certificate is `untrusted` (daemon.md 2.6, 2.9).
 */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  outlook: Schema.Literals(["pass", "refused", "untrusted"]),
  message: Schema.String
}) {}

export class HubTransport extends Context.Service<
  HubTransport,
  {
    /** Sends once and reads the answer; no retries, no redirects. Whoever interrupts does not learn what became of it. */
    exchange(request: HubRequest): Effect.Effect<Answer, TransportError>
  }
>()("adjutant/hub/HubTransport") {
  /** XML-RPC over HTTP, to the URL of the hub's interface. */
  static readonly layerHttp = (server: string) =>
    Layer.effect(
      HubTransport,
      Effect.map(HttpClient.HttpClient, (client) =>
        HubTransport.of({ exchange: (request) => postOnce(client, server, request) })
      )
    )
}

/** An answer that has begun does not pause for longer; before it begins the hub may think as long as it likes. */
const silenceSecondsMax = 120

const passes = (status: number): boolean => status === 408 || status === 429 || status >= 500
/** Of the request itself: its form, or its size. */
const ofRequest: ReadonlyArray<number> = [400, 411, 413, 414, 415, 417, 431]

/**
 * A web server, or a proxy, has answered in the hub's place. Who has logged in here has had answers of the hub's: while a
 * web server sends its calls elsewhere, or to nowhere, it is being set up, and the hub is as good as away.
 */
export const webServerSays = (status: number, request: HubRequest): TransportError => {
  const meaning = request.refusal?.(status)
  const words = `the hub answered with HTTP status ${status}`
  return new TransportError({
    outlook: passes(status) || (request.inSession && !ofRequest.includes(status)) ? "pass" : "refused",
    message: meaning === undefined ? words : `${words}: ${meaning}`
  })
}

const bodyOf = (content: Content) =>
  content._tag === "Upload"
    ? Effect.succeed(HttpBody.uint8Array(content.bytes, "application/octet-stream"))
    : Effect.try({
        try: () => HttpBody.uint8Array(encodeCallBytes(content.call), "text/xml"),
        catch: (cause) =>
          new TransportError({ outlook: "refused", message: `the arguments cannot be encoded: ${String(cause)}` })
      })

const postOnce = (
  client: HttpClient.HttpClient,
  server: string,
  wanted: HubRequest
): Effect.Effect<Answer, TransportError> =>
  Effect.gen(function* () {
    const { target, headers, content, refusal } = wanted
    const request = HttpClientRequest.post(`${server}${target}`).pipe(
      HttpClientRequest.setHeaders({ ...headers, "User-Agent": "koji/1", "Accept-Encoding": "gzip, deflate" }),
      HttpClientRequest.setBody(yield* bodyOf(content))
    )
    const response = yield* client.execute(request).pipe(Effect.mapError((error) => notReached(error, refusal)))
    if (response.status !== 200) return yield* webServerSays(response.status, wanted)
    const type = response.headers["content-type"] ?? ""
    // A page of a proxy's, most likely: the hub itself is behind it and will be back.
    if (!/xml/i.test(type)) return yield* passing(`the hub answered with ${type || "no content type"}, not XML`)
    const decoder = answerDecoder()
    yield* (yield* decompressed(response)).pipe(
      Stream.timeoutOrElse({
        duration: `${silenceSecondsMax} seconds`,
        orElse: () => Stream.fail(passing(`the answer stopped for ${silenceSecondsMax} s`))
      }),
      Stream.takeWhile((bytes) => decoder.push(bytes)),
      Stream.runDrain
    )
    const decoded = decoder.finish()
    if (Result.isSuccess(decoded)) return decoded.success
    const { kind, message, offset } = decoded.failure
    const told = `the hub's answer cannot be read: ${message} (at ${offset})`
    return yield* kind === "malformed" ? passing(told) : new TransportError({ outlook: "refused", message: told })
  }).pipe(
    // The client's own span would carry the session's key, and the hub would be sent headers kojid does not send.
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
  )

const passing = (message: string): TransportError => new TransportError({ outlook: "pass", message })

/** The hub never compresses; a web server in front of it may (daemon.md 2.2). */
const decompressed = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Stream.Stream<Uint8Array, TransportError>, TransportError> => {
  const encoding = (response.headers["content-encoding"] ?? "identity").toLowerCase()
  const bytes = Stream.mapError(response.stream, (error) => notReached(error))
  if (encoding === "identity") return Effect.succeed(bytes)
  if (encoding !== "gzip" && encoding !== "deflate") {
    return Effect.fail(passing(`the hub answered in the encoding ${encoding}, which it was not asked for`))
  }
  return Effect.sync(() =>
    Stream.fromReadableStream({
      evaluate: () => Stream.toReadableStream(bytes).pipeThrough(new DecompressionStream(encoding)),
      onError: (cause) =>
        cause instanceof TransportError ? cause : passing(`the hub's answer is no ${encoding}: ${wordsOf(cause)}`)
    })
  )
}

/** What went wrong, without the request: its headers hold the session's key. */
const notReached = (error: HttpClientError.HttpClientError, refusal?: Refusal): TransportError => {
  const { cause, through } = failureOf(error)
  const root = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const trouble = tlsTrouble(root)
  if (trouble !== undefined) return new TransportError({ ...trouble, message: `${trouble.message}${through}` })
  const closed = root instanceof Error && "code" in root && closings.includes(String(root.code))
  const meaning = closed ? refusal?.("closed") : undefined
  const words = `cannot reach the hub${through}: ${root === undefined ? error.reason._tag : wordsOf(root)}`
  return passing(meaning === undefined ? words : `${words}: ${meaning}`)
}

const closings: ReadonlyArray<string> = ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]

const wordsOf = (cause: unknown): string => (cause instanceof Error ? cause.message || cause.name : String(cause))
