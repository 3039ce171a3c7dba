/**
 * One request after another: find out who asks, do it in one transaction, and keep what it did or nothing of it.
 *
 * Requests wait for each other, whatever session they come in. Koji's hub lets them run side by side and sorts them
 * out by row locks; with one client machine, one at a time is the same, and easier to believe.
 */
import { Clock, Effect, Result, type Semaphore } from "effect"
import { isStruct, splitKeywords } from "../hub/Keywords.ts"
import type { Answer, MethodCall, Struct, Value } from "../hub/Value.ts"
import { genericError, type KojiFault, otherError, parameterError } from "../koji/Fault.ts"
import type { PathInfo } from "../koji/Paths.ts"
import { Arguments, isList } from "./Arguments.ts"
import { type Answering, Call, onlyEvent, type Session } from "./Call.ts"
import { type Credentials, type Headers, readCredentials } from "./Credentials.ts"
import type { Database } from "./Database.ts"
import { type ClientSeen, clientSeen, nobodySeen } from "./FrontEnd.ts"
import type { HubOptions } from "./Options.ts"
import { methods } from "./Registry.ts"
import { identify, noteCallnum } from "./Sessions.ts"
import { bind } from "./Signature.ts"
import { receiveUpload } from "./Uploads.ts"

/** So many calls may come in one multiCall. */
const multiCallMax = 10_000

export interface Hub {
  readonly db: Database
  readonly paths: PathInfo
  readonly options: HubOptions
  /** Gone through by one request at a time. */
  readonly turn: Semaphore.Semaphore
}

export interface Envelope {
  readonly headers: Headers
  readonly query: URLSearchParams
}

/** Answers a method call; whatever goes wrong is a fault. */
export const answerCall = (
  hub: Hub,
  { headers, query }: Envelope,
  { method, params }: MethodCall
): Effect.Effect<Answer> =>
  Effect.gen(function* () {
    if (!multiCallNames.has(method)) yield* found(method)
    return yield* inSession(hub, { headers, query, method }, invoke(method, params))
  }).pipe(asAnswer)

/** Answers an upload. */
export const answerUpload = (hub: Hub, { headers, query }: Envelope, bytes: Uint8Array): Effect.Effect<Answer> =>
  inSession(hub, { headers, query, method: null }, receiveUpload(query, bytes)).pipe(asAnswer)

/** Does something on behalf of a user, without a session: for setting a hub up. */
export const asUser = <A>(hub: Hub, session: Session | null, work: Answering<A>): Effect.Effect<A, KojiFault> =>
  hub.turn.withPermits(1)(
    Effect.flatMap(nowMicroseconds, (now) =>
      inTransaction(
        hub,
        Effect.suspend(() => provided(hub, { now, session, client: nobodySeen }, work))
      )
    )
  )

const multiCallNames: ReadonlySet<string> = new Set(["multiCall", "system.multicall"])

const nowMicroseconds = Effect.map(Clock.currentTimeNanos, (nanoseconds) => Number(nanoseconds / 1000n))

const found = (name: string) => {
  const method = methods.get(name)
  return method === undefined ? Effect.fail(genericError(`Invalid method: ${name}`)) : Effect.succeed(method)
}

interface Caller {
  readonly now: number
  readonly session: Session | null
  readonly client: ClientSeen
}

const provided = <A>({ db, paths, options }: Hub, caller: Caller, work: Answering<A>) =>
  Effect.provideService(work, Call, { db, paths, options, ...caller, event: onlyEvent(db, caller.now) })

const inSession = <A>(hub: Hub, request: Envelope & { readonly method: string | null }, work: Answering<A>) =>
  hub.turn.withPermits(1)(
    Effect.gen(function* () {
      const now = yield* nowMicroseconds
      const client = hub.options.hasFrontEnd ? clientSeen(request.headers) : nobodySeen
      const credentials = yield* Effect.fromResult(readCredentials(request.headers, request.query))
      // What is noted about a session stays noted, however the call goes on.
      const session = credentials === null ? null : yield* identified(hub, request.method, credentials, now)
      return yield* inTransaction(
        hub,
        Effect.suspend(() => {
          if (credentials !== null && session !== null && !session.expired) noteCallnum(hub.db, credentials)
          return provided(hub, { now, session, client }, work)
        })
      )
    })
  )

const identified = (hub: Hub, method: string | null, credentials: Credentials, now: number) =>
  Effect.suspend(() => {
    hub.db.begin()
    const renewalTimeoutSeconds = hub.options.sessionRenewalTimeoutSeconds
    return identify(hub.db, { credentials, method, now, renewalTimeoutSeconds }).pipe(
      Effect.ensuring(Effect.sync(() => hub.db.commit()))
    )
  })

/** What the work has written is kept if it succeeds, and only then. */
const inTransaction = <A, E>(hub: Hub, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => hub.db.begin()),
    () => work,
    (_, exit) => Effect.sync(() => (exit._tag === "Success" ? hub.db.commit() : hub.db.rollback()))
  )

const invoke = (name: string, params: ReadonlyArray<Value>): Answering<Value> => {
  const { positional, keywords } = splitKeywords(params)
  if (multiCallNames.has(name)) return multiCall(positional[0] ?? keywords["calls"] ?? null)
  return Effect.flatMap(found(name), ({ signature, run }) =>
    Effect.flatMap(Effect.fromResult(bind(signature, positional, keywords)), (bound) => run(new Arguments(bound)))
  )
}

/** Each call behind a savepoint: one that fails leaves the others as they are (daemon.md 1.6). */
const multiCall = Effect.fnUntraced(function* (calls: Value) {
  const outer = yield* Call
  if (!isList(calls)) return yield* parameterError("multiCall() takes a list of calls")
  if (calls.length > multiCallMax) return yield* genericError("Request too long")
  const answers: Array<Value> = []
  for (const call of calls) {
    const { methodName: name, params } = isStruct(call) ? call : {}
    const inner: Answering<Value> =
      typeof name === "string" && isList(params) ? invoke(name, params) : Effect.fail(otherError("<class 'KeyError'>"))
    outer.db.savepoint()
    const answer = yield* inner.pipe(
      Effect.provideService(Call, { ...outer, event: onlyEvent(outer.db, outer.now) }),
      faultsOnly,
      Effect.result
    )
    if (Result.isSuccess(answer)) {
      outer.db.releaseSavepoint()
      answers.push([answer.success])
    } else {
      outer.db.rollbackToSavepoint()
      const { code, message } = answer.failure
      answers.push({ faultCode: code, faultString: message } satisfies Struct)
    }
  }
  return answers
})

/** An exception that nobody expected is fault 1, with its name and text, as the hub has it; and a bug, so it is logged. */
const faultsOnly = <A, R>(work: Effect.Effect<A, KojiFault, R>): Effect.Effect<A, KojiFault, R> =>
  Effect.catchDefect(work, (defect) =>
    Effect.andThen(
      Effect.logError("a call ended in an unexpected exception", defect),
      Effect.fail(otherError(defect instanceof Error ? `${defect.name}: ${defect.message}` : `${defect}`))
    )
  )

const asAnswer = (work: Effect.Effect<Value, KojiFault>): Effect.Effect<Answer> =>
  Effect.match(faultsOnly(work), {
    onSuccess: (value): Answer => ({ _tag: "Success", value }),
    onFailure: ({ code, message }): Answer => ({ _tag: "Fault", code, message })
  })
