/**
 * A hub of a few lines over real HTTP: sessions, call numbers and uploads as the real one keeps them, and whatever
 * faults a test has in store for the next requests. It breaks nothing by itself; it remembers everything.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { deflateSync, gzipSync } from "node:zlib"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, Redacted, Result } from "effect"
import { TestClock } from "effect/testing"
import { adler32 } from "../../src/hub/Adler32.ts"
import type { RetryRules } from "../../src/hub/Exchange.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { splitKeywords } from "../../src/hub/Keywords.ts"
import type { Answer, Struct, Value } from "../../src/hub/Value.ts"
import { decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeAnswer } from "../../src/hub/XmlRpcEncoder.ts"

export interface Received {
  readonly method: string
  readonly positional: ReadonlyArray<Value>
  readonly keywords: Struct
  readonly headers: IncomingMessage["headers"]
  readonly query: URLSearchParams
  readonly path: string
  readonly body: Buffer
}

/** What happens to one request instead of, or after, its being answered. */
export type Mischief = (answered: () => Answer, response: ServerResponse) => void

export const fault = (code: number, message: string): Answer => ({ _tag: "Fault", code, message })
export const success = (value: Value): Answer => ({ _tag: "Success", value })

const send = (response: ServerResponse, document: string | Buffer, headers: Readonly<Record<string, string>> = {}) => {
  response.writeHead(200, { "Content-Type": "text/xml", "Content-Length": Buffer.byteLength(document), ...headers })
  response.end(document)
}

export const mischief = {
  /** Another status, the call not made. */
  status:
    (status: number, headers = {}): Mischief =>
    (_, response) =>
      response.writeHead(status, { "Content-Type": "text/html", ...headers }).end("<html>no</html>"),
  fault:
    (code: number, message: string): Mischief =>
    (_, response) =>
      send(response, encodeAnswer(fault(code, message))),
  /** The call is made and the connection dropped: done, but reported failed. */
  dropAnswer: (): Mischief => (answered, response) => {
    answered()
    response.destroy()
  },
  drop: (): Mischief => (_, response) => void response.destroy(),
  halfAnswer: (): Mischief => (answered, response) => {
    const document = encodeAnswer(answered())
    response.writeHead(200, { "Content-Type": "text/xml", "Content-Length": document.length })
    response.write(document.slice(0, document.length / 2), () => response.destroy())
  },
  /** Half an answer that claims to be a whole one. */
  cutAnswer: (): Mischief => (answered, response) => {
    const document = encodeAnswer(answered())
    send(response, document.slice(0, document.length / 2))
  },
  html: (): Mischief => (_, response) =>
    void response.writeHead(200, { "Content-Type": "text/html" }).end("<html>be right back</html>"),
  /** A right answer of a type that answers do not have. */
  wrongType: (): Mischief => (answered, response) =>
    send(response, encodeAnswer(answered()), { "Content-Type": "text/html" }),
  silence: (): Mischief => () => {},
  /** Begins to answer, and stops. */
  stall: (): Mischief => (answered, response) => {
    response.writeHead(200, { "Content-Type": "text/xml" })
    response.write(encodeAnswer(answered()).slice(0, 60))
  },
  gzip: (): Mischief => (answered, response) =>
    send(response, gzipSync(encodeAnswer(answered())), { "Content-Encoding": "gzip" }),
  /** This document, compressed. */
  packed:
    (document: Buffer): Mischief =>
    (_, response) =>
      send(response, gzipSync(document), { "Content-Encoding": "gzip" }),
  deflate: (): Mischief => (answered, response) =>
    send(response, deflateSync(encodeAnswer(answered())), { "Content-Encoding": "deflate" }),
  brokenGzip: (): Mischief => (answered, response) =>
    send(response, gzipSync(encodeAnswer(answered())).subarray(0, 40), { "Content-Encoding": "gzip" }),
  answer:
    (answer: Answer): Mischief =>
    (_, response) =>
      send(response, encodeAnswer(answer)),
  raw:
    (document: string): Mischief =>
    (_, response) =>
      send(response, document)
}

interface SessionRow {
  key: string
  lastNumber: number
  expired: boolean
}

export class FakeHub {
  readonly received: Array<Received> = []
  /** By `directory/name`. */
  readonly files = new Map<string, Buffer>()
  readonly sessions = new Map<number, SessionRow>()
  /** For the next requests, in order; `null` lets one pass. */
  readonly plays: Array<Mischief | null> = []
  /** For every request of a method, until it is taken out again. */
  readonly rules = new Map<string, Mischief>()
  private keys = 0
  private readonly server = createServer((request, response) => {
    this.serve(request, response).catch((cause) => {
      // Whoever asked may go away in the middle of it.
      if (!request.destroyed) throw cause
    })
  })

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/kojihub`
  }

  get methods(): ReadonlyArray<string> {
    return this.received.map(({ method }) => method)
  }

  calls(method: string): ReadonlyArray<Received> {
    return this.received.filter((call) => call.method === method)
  }

  /** One that listens for as long as the scope lives. */
  static readonly start = Effect.acquireRelease(
    Effect.promise(async () => {
      const hub = new FakeHub()
      await new Promise<void>((resolve) => hub.server.listen(0, "127.0.0.1", resolve))
      return hub
    }),
    (hub) =>
      Effect.promise(() => {
        hub.server.closeAllConnections()
        return new Promise((resolve) => hub.server.close(resolve))
      })
  )

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Array<Buffer> = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk))
    const body = Buffer.concat(chunks)
    const url = new URL(request.url ?? "", "http://hub")
    const upload = request.headers["content-type"] === "application/octet-stream"
    const call = upload ? { method: "rawUpload", params: [] } : Result.getOrThrow(decodeCall(body))
    const received: Received = {
      method: call.method,
      ...splitKeywords(call.params),
      headers: request.headers,
      query: url.searchParams,
      path: url.pathname,
      body
    }
    this.received.push(received)
    const play = this.plays.shift() ?? this.rules.get(call.method)
    const answered = () => this.answer(received)
    if (play === undefined || play === null) send(response, encodeAnswer(answered()))
    else play(answered, response)
  }

  private answer(call: Received): Answer {
    const { method, positional, keywords, headers } = call
    if (method === "login" && keywords["renew"] !== true) {
      if (headers["koji-session-id"] !== undefined) return fault(1000, "Already logged in")
      return positional[1] === "secret" ? this.newSession() : fault(1002, "invalid username or password")
    }
    const id = Number(headers["koji-session-id"])
    const row = this.sessions.get(id)
    if (row === undefined || headers["koji-session-key"] !== row.key)
      return fault(1002, "Invalid session or bad credentials")
    const number = Number(headers["koji-session-callnum"])
    if (number < row.lastNumber) return fault(1008, "wrong callnum")
    row.lastNumber = number
    if (method === "login") {
      row.expired = false
      row.key = `key-${++this.keys}`
      return success(this.credentials(id))
    }
    if (row.expired) return fault(1007, "session expired")
    switch (method) {
      case "exclusiveSession":
        return success(null)
      case "echo":
        return success(positional)
      case "subsession":
        return this.newSession()
      case "logout":
        this.sessions.delete(id)
        return success(null)
      case "rawUpload":
        return this.upload(call)
      case "checkUpload":
        return this.check(call)
      default:
        return fault(1000, `Invalid method: ${method}`)
    }
  }

  private newSession(): Answer {
    const id = 11 + this.keys
    this.sessions.set(id, { key: `key-${++this.keys}`, lastNumber: -1, expired: false })
    return success(this.credentials(id))
  }

  private credentials(id: number): Struct {
    return { "session-id": id, "session-key": this.sessions.get(id)?.key ?? "", "header-auth": true }
  }

  /** As hubs up to 1.35.3 do it: the file ends where the chunk ends (daemon.md 5.2). */
  private upload({ query, body }: Received): Answer {
    const path = `${query.get("filepath")}/${query.get("filename")}`
    const there = this.files.get(path) ?? Buffer.alloc(0)
    const offset = Number(query.get("offset"))
    if (query.get("fileverify") !== "adler32") return fault(1, "KeyError")
    if (query.get("overwrite") === null && there.length > 0 && offset === 0) return fault(1000, "upload path exists")
    if (offset > there.length) return fault(1000, `a hole: ${offset} of ${there.length}`)
    this.files.set(path, Buffer.concat([there.subarray(0, offset), body]))
    return success({ size: body.length, offset, fileverify: "adler32", hexdigest: adler32(body) })
  }

  private check({ positional, keywords }: Received): Answer {
    const there = this.files.get(`${positional[0]}/${positional[1]}`)
    if (there === undefined) return success(null)
    const sums = keywords["verify"] === "adler32" ? { sumlength: there.length, hexdigest: adler32(there) } : {}
    return success({ size: there.length, mtime: 1795374467.5, ...sums })
  }
}

/** Waits long between tries, and much longer for an answer: the clock of these tests runs fast. */
export const patient: RetryRules = {
  retriesMax: 4,
  intervalSeconds: 600,
  offlineIntervalSeconds: 900,
  timeoutSeconds: 1e9
}

export const http = NodeHttpClient.layerUndici

export const sessionAt = (hub: FakeHub, options: { retries?: RetryRules; exclusive?: "force" | "none" } = {}) =>
  HubSession.layerPassword({
    server: hub.url,
    user: "builder1",
    password: Redacted.make("secret"),
    exclusive: options.exclusive ?? "force",
    retries: options.retries ?? patient
  }).pipe(Layer.provide(http))

/** A directory that goes with the scope. */
export const scratch = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "adjutant-hub-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Lets what is under way get on: so many turns of the event loop. */
export const turns = (count: number) => Effect.repeat(turn, { times: count })

/** Turns the test clock, a second at each turn of the event loop, for as long as the scope lives. */
export const clockTurns = Effect.forkScoped(Effect.forever(Effect.andThen(TestClock.adjust("1 second"), turn)))
