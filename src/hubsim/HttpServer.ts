/**
 * HTTP over node:http, and nothing of Koji: a request with its whole body comes in, a reply goes out, or the
 * connection is cut. The only file that knows the server's own types.
 */
import { createReadStream } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { pipeline } from "node:stream"
import { Effect, FiberSet, Schema, type Scope } from "effect"

export interface HttpRequest {
  readonly method: string
  /** As sent, still encoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** Null when it was longer than allowed. */
  readonly body: Uint8Array | null
}

/** Bytes `start` to `end`, exclusive, of a file. */
export interface FilePart {
  readonly file: string
  readonly start: number
  readonly end: number
}

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | FilePart
}

/** Longer than any client's pauses: a connection closed just as a request is sent looks like a lost answer. */
const keepAliveMilliseconds = 75_000

/** No answer: the connection is cut. */
export const hangUp = "hang up"

export interface Listening {
  readonly host: string
  /** 0 is any that is free. */
  readonly port: number
  /** How long a body of this kind may be. */
  readonly bodyBytesMax: (contentType: string) => number
}

export class ListenError extends Schema.TaggedError<ListenError>()("ListenError", {
  host: Schema.String,
  port: Schema.Int,
  message: Schema.String
}) {}

/** Serves until the scope closes, and returns the port. The answer to one request never waits for another's here. */
export const listen = (
  { host, port, bodyBytesMax }: Listening,
  answer: (request: HttpRequest) => Effect.Effect<HttpReply | typeof hangUp>
): Effect.Effect<number, ListenError, Scope.Scope> =>
  Effect.gen(function* () {
    const run = yield* FiberSet.makeRuntime()
    const server = createServer((incoming, response) => {
      readBody(incoming, bodyBytesMax(incoming.headers["content-type"] ?? ""), (body) => {
        const { pathname, searchParams } = new URL(incoming.url ?? "/", "http://hub")
        const request = { method: incoming.method ?? "GET", path: pathname, query: searchParams, body }
        run(
          Effect.map(answer({ ...request, headers: incoming.headers }), (reply) =>
            reply === hangUp ? response.destroy() : send(response, reply)
          )
        )
      })
    })
    server.keepAliveTimeout = keepAliveMilliseconds
    yield* Effect.acquireRelease(
      Effect.callback<void, ListenError>((resume) => {
        server.once("error", ({ message }) => resume(Effect.fail(new ListenError({ host, port, message }))))
        server.listen(port, host, () => resume(Effect.void))
      }),
      () =>
        Effect.callback<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const address = server.address()
    return typeof address === "object" && address !== null ? address.port : port
  })

/** What is too long is read to its end and thrown away, so that its sender is there to hear of it. */
const readBody = (incoming: IncomingMessage, bytesMax: number, done: (body: Uint8Array | null) => void) => {
  let chunks: Array<Uint8Array> = []
  let bytes = 0
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= bytesMax) chunks.push(chunk)
    else chunks = []
  })
  incoming.on("end", () => done(bytes <= bytesMax ? Buffer.concat(chunks) : null))
  // A client that goes away in the middle of its request has asked nothing.
  incoming.on("error", () => undefined)
}

const send = (response: ServerResponse, { status, headers, body }: HttpReply) => {
  if (typeof body === "string") {
    const length = headers["content-length"] === undefined ? { "content-length": `${Buffer.byteLength(body)}` } : {}
    response.writeHead(status, { ...headers, ...length }).end(body)
    return
  }
  response.writeHead(status, headers)
  // A file that cannot be read to its end leaves a reply that is too short, which the client sees.
  pipeline(createReadStream(body.file, { start: body.start, end: body.end - 1 }), response, () => undefined)
}
