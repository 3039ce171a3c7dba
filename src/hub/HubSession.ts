/**
 * A session at the hub: calls, one at a time and in order, with the hub's own rules for retrying them.
 *
 * The hub takes a row lock on the session and wants call numbers that only grow (daemon.md 2.3), so one session has one
 * request in flight; whoever wants to talk beside it opens a subsession. A repeated call keeps its number and its
 * bytes. The key is `Redacted`; it is in no error and no log.
 */
import { Context, Effect, Layer, Redacted, Ref, Result, Schema, type Scope, Semaphore } from "effect"
import { HttpClient } from "effect/http"
import { faultCodes } from "../koji/Fault.ts"
import { adler32 } from "./Adler32.ts"
import { type HubError, HubFault, HubNonsense, HubUnavailable } from "./HubError.ts"
import { type Post, postOnce } from "./HubTransport.ts"
import { withKeywords } from "./Keywords.ts"
import type { Struct, Value } from "./Value.ts"
import { encodeCall } from "./XmlRpcEncoder.ts"

/** One piece of a file (daemon.md 5.1). `directory` is below the hub's `work`. */
export interface UploadChunk {
  readonly directory: string
  readonly name: string
  readonly offset: number
  readonly bytes: Uint8Array
  readonly overwrite: boolean
}

export const UploadReply = Schema.Struct({ size: Schema.Int, offset: Schema.Int, hexdigest: Schema.String })
export type UploadReply = typeof UploadReply.Type

/** How patient a session is. kojid's own numbers are 120 retries, 60 s apart, and 120 s for a hub that is offline. */
export interface RetryRules {
  readonly retriesMax: number
  readonly intervalSeconds: number
  readonly offlineIntervalSeconds: number
  /** For one request, answer included; some calls take the hub many minutes. */
  readonly timeoutSeconds: number
}

export interface LoginOptions {
  readonly server: string
  readonly user: string
  readonly password: Redacted.Redacted
  /** Builders need the exclusive session; `force` takes it from whoever has it. */
  readonly exclusive: "force" | "polite" | "none"
  readonly retries: RetryRules
}

export interface Session {
  readonly id: number
  /** Calls a method. Fails with the hub's fault, or when the hub cannot be reached or understood. */
  call(method: string, params: ReadonlyArray<Value>, keywords?: Struct): Effect.Effect<Value, HubError>
  /** Uploads one chunk; the hub's digest of it is compared with ours. */
  upload(chunk: UploadChunk): Effect.Effect<UploadReply, HubError>
  /** A session below this one, with a life of its own; logged out when the scope closes. */
  readonly subsession: Effect.Effect<Session, HubError, Scope.Scope>
}

export class HubSession extends Context.Service<HubSession, Session>()("adjutant/hub/HubSession") {
  /** Logs in with user and password, takes the exclusive session, and logs out when the layer goes. */
  static readonly layerPassword = (options: LoginOptions) => Layer.effect(HubSession, loginWithPassword(options))
}

const Credentials = Schema.Struct({ "session-id": Schema.Int, "session-key": Schema.String })

interface Identity {
  readonly id: number
  readonly key: Redacted.Redacted
}

const identityOf = (method: string, value: Value): Effect.Effect<Identity, HubNonsense> =>
  Schema.decodeUnknownEffect(Credentials)(value).pipe(
    Effect.map((found) => ({ id: found["session-id"], key: Redacted.make(found["session-key"]) })),
    // The text of a schema error could quote the key.
    Effect.mapError(() => new HubNonsense({ method, message: "the answer to the login is no session" }))
  )

const loginWithPassword = Effect.fn("HubSession.login")(function* (options: LoginOptions) {
  const client = yield* HttpClient.HttpClient
  const login = (renewing: Identity | null, callNumber: number) =>
    exchange(client, options, "login", {
      target: "",
      contentType: "text/xml",
      headers: renewing === null ? {} : sessionHeaders(renewing, callNumber),
      body: encodeUtf8(
        encodeCall({
          method: "login",
          params: withKeywords(
            [options.user, Redacted.value(options.password)],
            renewing === null ? { opts: null } : { opts: null, renew: true, exclusive: options.exclusive !== "none" }
          )
        })
      )
    }).pipe(Effect.flatMap((value) => identityOf("login", value)))

  const first = yield* login(null, 0)
  const session = yield* makeSession(client, options, first, (old, callNumber) => login(old, callNumber))
  if (options.exclusive !== "none")
    yield* session.call("exclusiveSession", [], { force: options.exclusive === "force" })
  const echoed = yield* session.call("echo", ["OK"])
  if (!Array.isArray(echoed) || echoed[0] !== "OK") {
    return yield* new HubNonsense({ method: "echo", message: "the hub does not repeat what it is told" })
  }
  return session
})

type Renew = (old: Identity, callNumber: number) => Effect.Effect<Identity, HubError>

const makeSession = (
  client: HttpClient.HttpClient,
  options: LoginOptions,
  first: Identity,
  renew: Renew
): Effect.Effect<Session, never, Scope.Scope> =>
  Effect.gen(function* () {
    const identity = yield* Ref.make(first)
    const callNumber = yield* Ref.make(0)
    const oneAtATime = yield* Semaphore.make(1)
    const nextNumber = Ref.getAndUpdate(callNumber, (number) => number + 1)

    const send = (method: string, target: string, contentType: Post["contentType"], body: Uint8Array) =>
      Effect.gen(function* () {
        const headers = sessionHeaders(yield* Ref.get(identity), yield* nextNumber)
        return yield* exchange(client, options, method, { target, contentType, headers, body })
      })

    /** Expired sessions are renewed once; the key changes, the id and the count of calls do not (daemon.md 2.8). */
    const sendRenewing = (method: string, target: string, contentType: Post["contentType"], body: Uint8Array) =>
      send(method, target, contentType, body).pipe(
        Effect.catchTag("HubFault", (fault) =>
          fault.code !== faultCodes.AuthExpired
            ? Effect.fail(fault)
            : Effect.gen(function* () {
                const renewed = yield* renew(yield* Ref.get(identity), yield* nextNumber)
                yield* Ref.set(identity, renewed)
                return yield* send(method, target, contentType, body)
              })
        ),
        oneAtATime.withPermits(1)
      )

    const call = Effect.fn("HubSession.call")(function* (
      method: string,
      params: ReadonlyArray<Value>,
      keywords?: Struct
    ) {
      const body = yield* Effect.try({
        try: () => encodeUtf8(encodeCall({ method, params: withKeywords(params, keywords) })),
        catch: (cause) => new HubNonsense({ method, message: `the arguments cannot be encoded: ${String(cause)}` })
      })
      return yield* sendRenewing(method, "", "text/xml", body)
    })

    const upload = Effect.fn("HubSession.upload")(function* (chunk: UploadChunk) {
      const query = new URLSearchParams({
        filename: chunk.name,
        filepath: chunk.directory,
        fileverify: "adler32",
        offset: String(chunk.offset),
        ...(chunk.overwrite ? { overwrite: "1" } : {})
      })
      const answer = yield* sendRenewing("rawUpload", `?${query}`, "application/octet-stream", chunk.bytes)
      const reply = yield* Schema.decodeUnknownEffect(UploadReply)(answer).pipe(
        Effect.mapError((error) => new HubNonsense({ method: "rawUpload", message: error.message }))
      )
      const digest = adler32(chunk.bytes)
      if (reply.size !== chunk.bytes.length || reply.hexdigest !== digest) {
        const what = `${chunk.name} at ${chunk.offset}: sent ${chunk.bytes.length} bytes (${digest})`
        return yield* new HubFault({
          method: "rawUpload",
          code: faultCodes.GenericError,
          message: `upload of ${what}, arrived ${reply.size} (${reply.hexdigest})`
        })
      }
      return reply
    })

    const subsession = Effect.gen(function* () {
      const below = yield* identityOf("subsession", yield* call("subsession", []))
      return yield* makeSession(client, options, below, (old, number) => renew(old, number))
    })

    yield* Effect.addFinalizer(() =>
      call("logout", []).pipe(Effect.timeout("10 seconds"), Effect.ignoreCause, Effect.interruptible)
    )
    return HubSession.of({ id: first.id, call, upload, subsession })
  })

const sessionHeaders = (identity: Identity, callNumber: number) => ({
  "Koji-Session-Id": String(identity.id),
  "Koji-Session-Key": Redacted.value(identity.key),
  "Koji-Session-Callnum": String(callNumber)
})

const encodeUtf8 = (text: string): Uint8Array => new TextEncoder().encode(text)

/**
 * One logical call, retried as kojid retries (daemon.md 2.9): faults never, but for a hub that says it is offline, which is
 * waited out; transport errors with the same number and bytes, the first time at once.
 */
const exchange = (
  client: HttpClient.HttpClient,
  options: LoginOptions,
  method: string,
  post: Post
): Effect.Effect<Value, HubError> =>
  Effect.gen(function* () {
    const { retriesMax, intervalSeconds, offlineIntervalSeconds, timeoutSeconds } = options.retries
    for (let tries = 1; ; ) {
      const result = yield* Effect.result(postOnce(client, options.server, post, timeoutSeconds))
      if (Result.isSuccess(result)) {
        const answer = result.success
        if (answer._tag === "Success") return answer.value
        if (answer.code === faultCodes.ServerOffline && offlineIntervalSeconds > 0) {
          yield* Effect.logWarning(`${method}: the hub is offline, asking again in ${offlineIntervalSeconds} s`)
          yield* Effect.sleep(`${offlineIntervalSeconds} seconds`)
          tries = 1
          continue
        }
        return yield* new HubFault({ method, code: answer.code, message: answer.message })
      }
      const error = result.failure
      if (error.final) return yield* new HubNonsense({ method, message: error.message })
      if (tries > retriesMax) {
        return yield* new HubUnavailable({ method, message: `${error.message} (tried ${tries} times)` })
      }
      if (tries > 1) {
        yield* Effect.logWarning(`${method}: ${error.message}, asking again in ${intervalSeconds} s`)
        yield* Effect.sleep(`${intervalSeconds} seconds`)
      }
      tries++
    }
  })
