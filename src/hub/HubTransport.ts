/** One HTTP exchange with the hub: bytes there, a decoded answer back. No retries here, and no redirects. */
import { Effect, Result, Schema, Stream } from "effect"
import { HttpBody, type HttpClient, HttpClientRequest } from "effect/http"
import type { Answer } from "./Value.ts"
import { answerDecoder } from "./XmlRpcDecoder.ts"

export interface Post {
  /** What follows the server's URL: nothing, or a query. */
  readonly target: string
  readonly contentType: "text/xml" | "application/octet-stream"
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** The exchange did not yield an answer. `final`: trying again would not help (daemon.md 2.6). */
export class TransportError extends Schema.TaggedError<TransportError>()("TransportError", {
  final: Schema.Boolean,
  message: Schema.String
}) {}

const isTransient = (status: number): boolean => status === 408 || status === 429 || status >= 500

export const postOnce = (
  client: HttpClient.HttpClient,
  server: string,
  post: Post,
  timeoutSeconds: number
): Effect.Effect<Answer, TransportError> =>
  Effect.gen(function* () {
    const request = HttpClientRequest.post(`${server}${post.target}`).pipe(
      HttpClientRequest.setHeaders({ ...post.headers, "User-Agent": "koji/1" }),
      HttpClientRequest.setBody(HttpBody.uint8Array(post.body, post.contentType))
    )
    const response = yield* client
      .execute(request)
      .pipe(Effect.mapError((error) => new TransportError({ final: false, message: reasonOf(error) })))
    if (response.status !== 200) {
      return yield* new TransportError({
        final: !isTransient(response.status),
        message: `the hub answered with HTTP status ${response.status}`
      })
    }
    const type = response.headers["content-type"] ?? ""
    if (!/xml/i.test(type)) {
      return yield* new TransportError({
        final: false,
        message: `the hub answered with ${type || "no content type"}, not XML`
      })
    }
    const decoder = answerDecoder()
    yield* response.stream.pipe(
      Stream.takeWhile((bytes) => decoder.push(bytes)),
      Stream.runDrain,
      Effect.mapError((error) => new TransportError({ final: false, message: reasonOf(error) }))
    )
    const decoded = decoder.finish()
    if (Result.isSuccess(decoded)) return decoded.success
    const { message, offset } = decoded.failure
    return yield* new TransportError({
      final: false,
      message: `the hub's answer cannot be read: ${message} (at ${offset})`
    })
  }).pipe(
    Effect.timeoutOrElse({
      duration: `${timeoutSeconds} seconds`,
      orElse: () => Effect.fail(new TransportError({ final: false, message: `no answer within ${timeoutSeconds} s` }))
    })
  )

/** What went wrong, without the request: its headers hold the session's key. */
const reasonOf = (error: { readonly reason?: unknown; readonly message?: string }): string => {
  const { reason } = error
  const cause = typeof reason === "object" && reason !== null && "cause" in reason ? reason.cause : undefined
  const inner =
    cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : undefined
  const tag = typeof reason === "object" && reason !== null && "_tag" in reason ? String(reason._tag) : "request failed"
  return `cannot reach the hub: ${inner ?? tag}`
}
