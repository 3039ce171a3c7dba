/**
 * Who calls: a session found by its key, its call number checked, its age, and who holds the user's exclusive lock
 * (daemon.md 2.3 to 2.8).
 *
 * The call number is what makes a repeated request safe. It is noted in the transaction of the call itself, and that
 * transaction is kept only if the call changed something; so a number that is found noted belongs to a call that was
 * carried out and whose answer was lost, and to run it again would run it twice.
 */
import { Effect, Schema } from "effect"
import type { KojiFault } from "../koji/Fault.ts"
import { microsecondsPerSecond, type Session } from "./Call.ts"
import type { Credentials } from "./Credentials.ts"
import { type Database, Flag, orNull, rowOf } from "./Database.ts"
import { authError, authExpired, authLockError, retryError, sequenceError } from "./Faults.ts"

const columns = {
  user_id: Schema.Int,
  expired: Flag,
  master: orNull(Schema.Int),
  authtype: Schema.Int,
  callnum: orNull(Schema.Int)
}
const readCaller = rowOf(
  Schema.Struct({
    ...columns,
    fresh: Schema.Int,
    user_name: orNull(Schema.String),
    user_status: orNull(Schema.Int),
    holder: orNull(Schema.Int)
  })
)
/** `getSessionInfo`'s members, of the transcripts. */
const readInfo = rowOf(
  Schema.Struct({
    ...columns,
    exclusive: orNull(Flag),
    start_time: Schema.String,
    start_ts: Schema.Finite,
    update_time: Schema.String,
    update_ts: Schema.Finite,
    renew_time: orNull(Schema.String),
    renew_ts: orNull(Schema.Finite)
  })
)
const selectHolder = (user: string) => `SELECT id FROM sessions WHERE user_id = ${user} AND exclusive AND NOT closed`
/** One query for all that every call asks: a session, its user, and who holds the user's lock. */
const selectCaller = `SELECT session.user_id, session.expired, session.master, session.authtype, session.callnum,
    COALESCE(session.renew_time, session.start_time) AS fresh, users.name AS user_name, users.status AS user_status,
    (${selectHolder("session.user_id")}) AS holder
  FROM sessions AS session LEFT JOIN users ON users.id = session.user_id
  WHERE session.id = ? AND session.key = ? AND NOT session.closed`

/** May be repeated with the same number after a first attempt that was carried out. */
const retryWhitelist: ReadonlySet<string> = new Set([
  "host.taskWait",
  "host.taskUnwait",
  "host.taskSetWait",
  "host.updateHost",
  "host.setBuildRootState",
  "repoExpire",
  "repoDelete",
  "repoProblem"
])
/** What an expired session may still call. */
const loginMethods: ReadonlySet<string | null> = new Set(["login", "sslLogin"])
/** What a session may still call while another one of its user holds the lock. */
const lockedMethods: ReadonlySet<string | null> = new Set(["exclusiveSession", "login", "logout"])

interface Request {
  readonly credentials: Credentials
  /** Null for an upload. */
  readonly method: string | null
  /** Microseconds. */
  readonly now: number
  /** 0 is never. */
  readonly renewalTimeoutSeconds: number
}

/**
 * The session of a request; what this notes about it is kept whatever becomes of the call. Fails with AuthError
 * (1002), AuthLockError (1006), AuthExpired (1007), SequenceError (1008) or RetryError (1009).
 */
export const identify = Effect.fnUntraced(function* (
  db: Database,
  { credentials: { id, key, callnum }, method, now, renewalTimeoutSeconds }: Request
): Effect.fn.Return<Session, KojiFault> {
  const caller = db.first(readCaller, selectCaller, id, key)
  if (caller === undefined) return yield* authError("Invalid session or bad credentials")
  const tooOld = renewalTimeoutSeconds > 0 && now > caller.fresh + renewalTimeoutSeconds * microsecondsPerSecond
  if (!caller.expired && tooOld) db.run("UPDATE sessions SET expired = 1 WHERE id = ? OR master = ?", id, id)
  const expired = caller.expired || tooOld
  if (expired && !loginMethods.has(method)) return yield* authExpired(`session "${id}" has expired`)
  if (callnum !== null && caller.callnum !== null) {
    if (caller.callnum > callnum) return yield* sequenceError(`${caller.callnum} > ${callnum} (session ${id})`)
    if (caller.callnum === callnum && !retryWhitelist.has(method ?? "")) {
      return yield* retryError(`unable to retry call ${callnum} (method ${method ?? "None"}) for session ${id}`)
    }
  }
  const { user_id: userId, user_name: userName, user_status: status, authtype, master, holder } = caller
  if (userName === null || status !== 0) return yield* authError(`logins by ${userName} are not allowed`)
  const info =
    method === "getSessionInfo" ? db.first(readInfo, "SELECT * FROM session_info WHERE id = ?", id) : undefined
  if (!expired) db.run("UPDATE sessions SET update_time = ? WHERE id = ?", now, id)
  const isHeld = holder !== null && (holder === id || holder === master)
  if (holder !== null && !isHeld && !lockedMethods.has(method) && !expired) {
    return yield* authLockError("User locked by another session")
  }
  return { id, userId, userName, authtype, master, exclusive: isHeld, expired, info: info ?? null }
})

/** The session that holds the user's exclusive lock, expired or not. */
export const lockHolder = (db: Database, userId: number): number | undefined => db.id(selectHolder("?"), userId)

/** Notes the number in the call's own transaction, without being a reason to keep that. */
export const noteCallnum = (db: Database, { id, callnum }: Credentials) => {
  if (callnum === null) return
  db.run("UPDATE sessions SET callnum = ? WHERE id = ?", callnum, id)
  db.disregardWrites()
}
