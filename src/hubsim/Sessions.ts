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

/** `getSessionInfo`'s members, of the transcripts. */
const SessionInfo = Schema.Struct({
  user_id: Schema.Int,
  expired: Flag,
  master: orNull(Schema.Int),
  authtype: Schema.Int,
  callnum: orNull(Schema.Int),
  exclusive: orNull(Flag),
  start_time: Schema.String,
  start_ts: Schema.Finite,
  update_time: Schema.String,
  update_ts: Schema.Finite,
  renew_time: orNull(Schema.String),
  renew_ts: orNull(Schema.Finite)
})
const readInfo = rowOf(SessionInfo)
const readFresh = rowOf(Schema.Struct({ fresh: Schema.Int }))
const readUser = rowOf(Schema.Struct({ name: Schema.String, status: Schema.Int }))

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
  const found = "FROM session_info WHERE id = ? AND key = ? AND NOT closed"
  const before = db.first(readInfo, `SELECT * ${found}`, id, key)
  if (before === undefined) return yield* authError("Invalid session or bad credentials")
  const fresh = db.first(readFresh, `SELECT fresh ${found}`, id, key)?.fresh ?? now
  const tooOld = renewalTimeoutSeconds > 0 && now > fresh + renewalTimeoutSeconds * microsecondsPerSecond
  if (!before.expired && tooOld) db.run("UPDATE sessions SET expired = 1 WHERE id = ? OR master = ?", id, id)
  const expired = before.expired || tooOld
  if (expired && !loginMethods.has(method)) return yield* authExpired(`session "${id}" has expired`)
  if (callnum !== null && before.callnum !== null) {
    if (before.callnum > callnum) return yield* sequenceError(`${before.callnum} > ${callnum} (session ${id})`)
    if (before.callnum === callnum && !retryWhitelist.has(method ?? "")) {
      return yield* retryError(`unable to retry call ${callnum} (method ${method ?? "None"}) for session ${id}`)
    }
  }
  const user = db.first(readUser, "SELECT name, status FROM users WHERE id = ?", before.user_id)
  if (user === undefined || user.status !== 0) return yield* authError(`logins by ${user?.name} are not allowed`)
  if (!expired) db.run("UPDATE sessions SET update_time = ? WHERE id = ?", now, id)
  const holder = lockHolder(db, before.user_id)
  if (holder !== undefined && holder !== id && holder !== before.master && !lockedMethods.has(method) && !expired) {
    return yield* authLockError("User locked by another session")
  }
  return {
    id,
    userId: before.user_id,
    userName: user.name,
    authtype: before.authtype,
    master: before.master,
    exclusive: holder !== undefined && (holder === id || holder === before.master),
    expired,
    info: before
  }
})

/** The session that holds the user's exclusive lock, expired or not. */
export const lockHolder = (db: Database, userId: number): number | undefined =>
  db.id("SELECT id FROM sessions WHERE user_id = ? AND exclusive AND NOT closed", userId)

/** Notes the number in the call's own transaction, without being a reason to keep that. */
export const noteCallnum = (db: Database, { id, callnum }: Credentials) => {
  if (callnum === null) return
  db.run("UPDATE sessions SET callnum = ? WHERE id = ?", callnum, id)
  db.disregardWrites()
}
