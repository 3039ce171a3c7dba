/**
 * One call in progress: who calls, when, and what it may touch.
 *
 * A call has one time, as a PostgreSQL transaction has one `NOW()`, and at most one event: everything that it changes
 * in the configuration, it changes at that event.
 */
import { Context, Effect } from "effect"
import type { Struct } from "../hub/Value.ts"
import type { KojiFault } from "../koji/Fault.ts"
import type { PathInfo } from "../koji/Paths.ts"
import type { Database } from "./Database.ts"
import { actionNotAllowed, authError } from "./Faults.ts"
import type { ClientSeen } from "./FrontEnd.ts"
import type { HubOptions } from "./Options.ts"

/** The session that a call came in, as far as calls ask about it. */
export interface Session {
  readonly id: number
  readonly userId: number
  readonly userName: string
  readonly authtype: number
  readonly master: number | null
  /** It, or its master, holds the user's exclusive lock. */
  readonly exclusive: boolean
  /** Expired: nothing but renewing it is possible. */
  readonly expired: boolean
  /** What `getSessionInfo` shows: the session as it was before that call. Null for every other call. */
  readonly info: Struct | null
}

export class Call extends Context.Service<
  Call,
  {
    readonly db: Database
    readonly paths: PathInfo
    readonly options: HubOptions
    /** Microseconds since the epoch. */
    readonly now: number
    /** Null when nobody has logged in. */
    readonly session: Session | null
    /** Who the web server in front of us says it is. */
    readonly client: ClientSeen
    /** The id of this call's event; made when it is first asked for. */
    event(): number
  }
>()("adjutant/hubsim/Call") {}

/** Everything that answers a client is one of these. */
export type Answering<A> = Effect.Effect<A, KojiFault, Call>

/** An event for one call, made when somebody asks for it. */
export const onlyEvent = (db: Database, now: number) => {
  let event: number | undefined
  return () => {
    event ??= db.insert("events", { time: now })
    return event
  }
}

export const microsecondsPerSecond = 1_000_000

/** The session of a user who is logged in; fails with ActionNotAllowed (1004). */
export const loggedIn = Effect.flatMap(Call, ({ session }) =>
  session === null || session.expired
    ? Effect.fail(actionNotAllowed("you must be logged in for this operation"))
    : Effect.succeed(session)
)

/** Whether the caller has this permission, or is an administrator, who has all. */
export const hasPermission = (name: string) =>
  Effect.map(
    Call,
    ({ db, session }) =>
      session !== null &&
      db.has("SELECT 1 FROM user_perms WHERE user_id = ? AND name IN (?, 'admin')", session.userId, name)
  )

/** Fails with ActionNotAllowed (1004) unless the caller has this permission. */
export const assertPermission = Effect.fnUntraced(function* (name: string) {
  if (yield* hasPermission(name)) return
  const { session } = yield* Call
  const who = session === null ? "user not logged in" : `logged in as ${session.userName}`
  return yield* actionNotAllowed(`${name} permission required (${who})`)
})

/** The id of the host that calls. Fails with AuthError (1002) for anybody else and without the exclusive session. */
export const callingHost = Effect.gen(function* () {
  const { db, session } = yield* Call
  if (session === null) return yield* authError("Not logged-in")
  const host = db.id("SELECT id FROM host WHERE user_id = ?", session.userId)
  if (host === undefined) return yield* authError(`User ${session.userId} is not a host`)
  if (!session.exclusive) return yield* authError("This method requires an exclusive session")
  return host
})
