/**
 * A session at the hub: calls, one at a time and in order, with the hub's own rules for retrying them.
 *
 * The hub takes a row lock on the session and wants call numbers that only grow (daemon.md 2.3), so one session has one
 * request in flight; whoever wants to talk beside it opens a subsession. A repeated call keeps its number and its
 * bytes. The key is `Redacted`; it is in no error and no log.
 */
import { Context, Effect, Layer, Redacted, Ref, Schema, type Scope, Semaphore } from "effect"
import { faultCodes } from "../koji/Fault.ts"
import { exchange, type RetryRules } from "./Exchange.ts"
import { type HubError, HubFault, HubNonsense, wasDone } from "./HubError.ts"
import { type HubRequest, HubTransport } from "./HubTransport.ts"
import { withKeywords } from "./Keywords.ts"
import { Credentials, type Identity, type Login, passwordLogin, sessionHeaders } from "./Login.ts"
import type { Struct, Value } from "./Value.ts"

/** One piece of a file (daemon.md 5.1). `directory` is below the hub's `work`. */
export interface UploadChunk {
  readonly directory: string
  readonly name: string
  readonly offset: number
  readonly bytes: Uint8Array
  readonly overwrite: boolean
  /** Another volume than the hub's default one. */
  readonly volume?: string
}

export const UploadReply = Schema.Struct({ size: Schema.Int, offset: Schema.Int, hexdigest: Schema.String })
export type UploadReply = typeof UploadReply.Type

export interface SessionOptions {
  /** Builders need the exclusive session; `force` takes it from whoever has it. */
  readonly exclusive: "force" | "polite" | "none"
  readonly retries: RetryRules
}

export interface LoginOptions extends SessionOptions {
  /** The URL of the hub's XML-RPC interface, as configured. */
  readonly server: string
  readonly user: string
  readonly password: Redacted.Redacted
}

/** What is sent, but for the session's headers. */
type Request = Omit<HubRequest, "headers" | "inSession">

export interface Session {
  readonly id: number
  /** Calls a method. Fails with the hub's fault, or when the hub cannot be reached or understood. */
  call(method: string, params: ReadonlyArray<Value>, keywords?: Struct): Effect.Effect<Value, HubError>
  /** Uploads one chunk; what the hub says has arrived is for the caller to compare (see `sendChunk`). */
  upload(chunk: UploadChunk): Effect.Effect<UploadReply, HubError>
  /** A session below this one, with a life of its own; logged out when the scope closes. */
  readonly subsession: Effect.Effect<Session, HubError, Scope.Scope>
}

export class HubSession extends Context.Service<HubSession, Session>()("adjutant/hub/HubSession") {
  /** Logs in, takes the exclusive session if it is asked for, and logs out when the layer goes. */
  static readonly layerLogin = (login: Login, options: SessionOptions) => Layer.effect(HubSession, open(login, options))

  /** With user and password, over HTTP. */
  static readonly layerPassword = ({ server, user, password, ...options }: LoginOptions) =>
    HubSession.layerLogin(passwordLogin(user, password), options).pipe(Layer.provide(HubTransport.layerHttp(server)))
}

/** What every session of one login shares. */
interface Connection {
  readonly transport: Context.Service.Shape<typeof HubTransport>
  readonly login: Login
  readonly options: SessionOptions
}

/** Logins are short; a hub that does not answer one is away. kojid's `auth_timeout`. */
const loginTimeoutSeconds = 60
const logoutTimeoutSeconds = 10

const identityOf = Effect.fnUntraced(function* (method: string, value: Value): Effect.fn.Return<Identity, HubError> {
  // A session whose master is gone is renewed to nothing (daemon.md 2.8).
  if (value === null) {
    const message = "the session that this one belonged to is gone"
    return yield* new HubFault({ method, code: faultCodes.AuthError, message })
  }
  const found = yield* Schema.decodeUnknownEffect(Credentials)(value).pipe(
    // The text of a schema error could quote the key.
    Effect.mapError(() => new HubNonsense({ method, message: "the answer to the login is no session" }))
  )
  if (found["header-auth"] !== true) {
    return yield* new HubNonsense({ method, message: "this hub is older than Koji 1.31, the oldest that is served" })
  }
  return { id: found["session-id"], key: Redacted.make(found["session-key"]) }
})

interface Expired {
  readonly identity: Identity
  readonly callNumber: number
  /** By its own right: a session below another has that one's lock, and must not ask for one. */
  readonly isExclusive: boolean
}

/**
 * Logs in, or renews what has expired: the same call, made in the old session's name (daemon.md 2.8). The first time
 * there must be no name, or the hub says that one is logged in already.
 */
const logIn = ({ transport, login, options }: Connection, renewing?: Expired) =>
  Effect.suspend(() => {
    const renewal = renewing === undefined ? {} : { renew: true, exclusive: renewing.isExclusive }
    const { retries } = options
    const params = withKeywords(login.params(), { ...login.keywords, ...renewal })
    return exchange(
      transport,
      { ...retries, timeoutSeconds: Math.min(loginTimeoutSeconds, retries.timeoutSeconds) },
      login.method,
      {
        target: login.target,
        refusal: login.refusal,
        inSession: false,
        headers: renewing === undefined ? {} : sessionHeaders(renewing.identity, renewing.callNumber),
        content: { _tag: "Call", call: { method: login.method, params } }
      }
    )
  }).pipe(Effect.flatMap((value) => identityOf(login.method, value)))

const open = Effect.fn("HubSession.open")(function* (login: Login, options: SessionOptions) {
  const connection: Connection = { transport: yield* HubTransport, login, options }
  const session = yield* startSession(connection, logIn(connection), "first")
  if (options.exclusive !== "none")
    yield* session
      .call("exclusiveSession", [], { force: options.exclusive === "force" })
      .pipe(Effect.catchIf(wasDone, () => Effect.void))
  const echoed = yield* session.call("echo", ["OK"])
  if (!Array.isArray(echoed) || echoed[0] !== "OK") {
    return yield* new HubNonsense({ method: "echo", message: "the hub does not repeat what it is told" })
  }
  return session
})

/** A session of its own, or one below another. */
type Rank = "first" | "below"

/**
 * Nothing comes between a session that exists at the hub and the finalizer that ends it. `another` makes one like it,
 * whenever it is run.
 */
const startSession = (
  connection: Connection,
  another: Effect.Effect<Identity, HubError>,
  rank: Rank
): Effect.Effect<Session, HubError, Scope.Scope> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(restore(another), (identity) => makeSession(connection, identity, another, rank))
  )

const makeSession = (
  connection: Connection,
  first: Identity,
  another: Effect.Effect<Identity, HubError>,
  rank: Rank
): Effect.Effect<Session, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { transport, options } = connection
    const isExclusive = rank === "first" && options.exclusive !== "none"
    const identity = yield* Ref.make(first)
    const callNumber = yield* Ref.make(0)
    const oneAtATime = yield* Semaphore.make(1)
    const nextNumber = Ref.getAndUpdate(callNumber, (number) => number + 1)

    const send = (method: string, request: Request, retries: RetryRules = options.retries) =>
      Effect.gen(function* () {
        const headers = sessionHeaders(yield* Ref.get(identity), yield* nextNumber)
        return yield* exchange(transport, retries, method, { ...request, headers, inSession: true })
      })

    /**
     * Hubs before 1.32 renew nothing, and say once more that it has expired: there is another session then, which counts
     * its calls from the beginning.
     */
    const replace = Effect.gen(function* () {
      yield* Ref.set(identity, yield* another)
      yield* Ref.set(callNumber, 0)
      // Not by force: such a hub has taken the lock from what expired, and calls a session expired that was robbed of it.
      if (isExclusive) yield* send("exclusiveSession", calling("exclusiveSession", withKeywords([], { force: false })))
    })

    const renew = Effect.gen(function* () {
      const expired = { identity: yield* Ref.get(identity), callNumber: yield* nextNumber, isExclusive }
      yield* Effect.matchEffect(logIn(connection, expired), {
        onSuccess: (renewed) => Ref.set(identity, renewed),
        onFailure: (error) =>
          error._tag === "HubFault" && error.code === faultCodes.AuthExpired ? replace : Effect.fail(error)
      })
    })

    /** Expired sessions are renewed once; the key changes, the id and the count of calls do not (daemon.md 2.8). */
    const sendRenewing = (method: string, request: Request) =>
      send(method, request).pipe(
        Effect.catchTag("HubFault", (fault) =>
          fault.code !== faultCodes.AuthExpired
            ? Effect.fail(fault)
            : Effect.gen(function* () {
                yield* renew
                return yield* send(method, request)
              })
        ),
        oneAtATime.withPermits(1)
      )

    const call = Effect.fn("HubSession.call")((method: string, params: ReadonlyArray<Value>, keywords?: Struct) =>
      sendRenewing(method, calling(method, withKeywords(params, keywords)))
    )

    const upload = Effect.fn("HubSession.upload")(function* (chunk: UploadChunk) {
      const query = new URLSearchParams({
        filename: chunk.name,
        filepath: chunk.directory,
        fileverify: "adler32",
        offset: String(chunk.offset),
        ...(chunk.overwrite ? { overwrite: "1" } : {}),
        ...(chunk.volume === undefined ? {} : { volume: chunk.volume })
      })
      const answer = yield* sendRenewing("rawUpload", {
        target: `?${query}`,
        content: { _tag: "Upload", bytes: chunk.bytes }
      })
      return yield* Schema.decodeUnknownEffect(UploadReply)(answer).pipe(
        Effect.mapError((error) => new HubNonsense({ method: "rawUpload", message: error.message }))
      )
    })

    const below = call("subsession", []).pipe(
      // One whose answer got lost is swept away by the hub one day.
      Effect.retry({ while: wasDone, times: 1 }),
      Effect.flatMap((value) => identityOf("subsession", value))
    )
    const subsession = startSession(connection, below, "below")

    // One try, and whatever comes of it: a session that is not ended is swept away by the hub one day.
    const once = { ...options.retries, retriesMax: 0, offlineIntervalSeconds: 0, timeoutSeconds: logoutTimeoutSeconds }
    yield* Effect.addFinalizer(() =>
      send("logout", calling("logout", []), once).pipe(
        oneAtATime.withPermits(1),
        Effect.timeout(`${logoutTimeoutSeconds} seconds`),
        Effect.ignoreCause
      )
    )
    return HubSession.of({
      get id() {
        return Ref.getUnsafe(identity).id
      },
      call,
      upload,
      subsession
    })
  })

const calling = (method: string, params: ReadonlyArray<Value>): Request => ({
  target: "",
  content: { _tag: "Call", call: { method, params } }
})
