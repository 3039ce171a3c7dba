/** Logging in and out, the exclusive lock, and what a client asks to see whether it is understood. */
import { randomBytes } from "node:crypto"
import { Effect, Schema } from "effect"
import type { Struct } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import type { Arguments } from "./Arguments.ts"
import { Call, hasPermission, type Session } from "./Call.ts"
import { orNull, rowOf } from "./Database.ts"
import { actionNotAllowed, authError, authLockError } from "./Faults.ts"
import type { ClientSeen } from "./FrontEnd.ts"
import { method } from "./Method.ts"
import { kojiVersion } from "./Options.ts"
import { isPassword } from "./Passwords.ts"
import { lockHolder } from "./Sessions.ts"

const readUser = rowOf(Schema.Struct({ id: Schema.Int, password: orNull(Schema.String), status: Schema.Int }))
/** `AUTHTYPES`. */
const passwordLogin = 0
const sslLoginType = 2
const gssapiLogin = 3
const keyBytes = 15

const newKey = (userId: number) => `${userId}-${randomBytes(keyBytes).toString("base64url")}`

/** What a login answers (daemon.md 2.3). */
const sessionStruct = (id: number, key: string): Struct => ({
  "session-id": id,
  "session-key": key,
  "header-auth": true
})

const openSession = Effect.fnUntraced(function* (userId: number, authtype: number, master: number | null) {
  const { db, now } = yield* Call
  const key = newKey(userId)
  const id = db.insert("sessions", { user_id: userId, key, master, authtype, start_time: now, update_time: now })
  return sessionStruct(id, key)
})

/** The same session under a new key; nil when the session it belongs to is gone (daemon.md 2.8). */
const renewSession = Effect.fnUntraced(function* (session: Session) {
  const { db, now } = yield* Call
  if (session.master !== null && db.has("SELECT 1 FROM sessions WHERE id = ? AND closed", session.master)) return null
  const key = newKey(session.userId)
  db.run(
    "UPDATE sessions SET key = ?, expired = 0, update_time = ?, renew_time = ? WHERE id = ?",
    key,
    now,
    now,
    session.id
  )
  return sessionStruct(session.id, key)
})

const login = method(
  "login",
  "Session.login(user, password, opts=None, renew=False, exclusive=False)",
  Effect.fnUntraced(function* (given) {
    const { db, session } = yield* Call
    const wrong = authError("invalid username or password")
    const password = given.value("password")
    if (typeof password !== "string" || password === "") return yield* wrong
    if (session !== null && !session.expired) return yield* authError("Already logged in")
    const name = yield* given.text("user")
    const user = db.first(readUser, "SELECT id, password, status FROM users WHERE name = ?", name)
    if (user?.password == null || !isPassword(password, user.password)) return yield* wrong
    if (user.status !== 0) return yield* authError(`logins by ${name} are not allowed`)
    return yield* entered(user.id, passwordLogin, given)
  })
)

/** The way in once it is known whose it is: a new session, or the old one renewed. */
const entered = Effect.fnUntraced(function* (userId: number, authtype: number, given: Arguments) {
  const { session } = yield* Call
  const renewed = session !== null && given.truth("renew")
  const opened = renewed ? yield* renewSession(session) : yield* openSession(userId, authtype, null)
  const id = opened?.["session-id"]
  if (typeof id === "number" && given.truth("exclusive")) yield* takeLock(userId, id, false)
  return opened
})

/** By certificate or Kerberos: by what the web server in front says of the client (daemon.md 2.4). */
const sslLogin = method(
  "sslLogin",
  "Session.sslLogin(proxyuser=None, proxyauthtype=None, renew=False, exclusive=None)",
  Effect.fnUntraced(function* (given) {
    const { db, session, options, client } = yield* Call
    if (session !== null && !session.expired) return yield* authError("Already logged in")
    const { name, authtype } = yield* nameOf(client)
    if (given.value("proxyuser") !== null) {
      return yield* authError(`${name} is not authorized to login other users`)
    }
    const isPrincipal = authtype === gssapiLogin && name.includes("@")
    const known = isPrincipal
      ? db.id("SELECT user_id AS id FROM user_krb_principals WHERE krb_principal = ?", name)
      : db.id("SELECT id FROM users WHERE name = ?", name)
    if (known === undefined && !options.loginCreatesUser) return yield* authError(`Unknown user: ${name}`)
    const userId = known ?? (yield* newUser(name, isPrincipal))
    const user = db.first(readUser, "SELECT id, password, status FROM users WHERE id = ?", userId)
    if (user?.status !== 0) return yield* authError(`logins by ${name} are not allowed`)
    return yield* entered(userId, authtype, given)
  })
)

const nameOf = Effect.fnUntraced(function* ({ remoteUser, verified, commonName }: ClientSeen) {
  if (remoteUser !== null) return { name: remoteUser, authtype: gssapiLogin }
  if (verified !== "SUCCESS") return yield* authError(`could not verify client: ${verified ?? "None"}`)
  if (commonName === null) return yield* authError("unable to get user information (CN) from client certificate")
  return { name: commonName, authtype: sslLoginType }
})

/** Somebody whom nobody has met: a user, but no host. */
const newUser = Effect.fnUntraced(function* (name: string, isPrincipal: boolean) {
  const { db } = yield* Call
  const id = db.insert("users", { name: isPrincipal ? name.replace(/@.*$/, "") : name, status: 0 })
  if (isPrincipal) db.insert("user_krb_principals", { user_id: id, krb_principal: name })
  return id
})

/** Marks the session exclusive; the one that holds the lock is closed, or an AuthLockError (1006). */
const takeLock = Effect.fnUntraced(function* (userId: number, id: number, force: boolean) {
  const { db } = yield* Call
  const holder = lockHolder(db, userId)
  if (holder === id) return
  if (holder !== undefined) {
    if (!force) return yield* authLockError("Cannot get exclusive session")
    db.run("UPDATE sessions SET expired = 1, exclusive = NULL, closed = 1 WHERE id = ?", holder)
  }
  db.run("UPDATE sessions SET exclusive = 1 WHERE id = ?", id)
})

const currentSession = Effect.flatMap(Call, ({ session }) =>
  session === null || session.expired ? Effect.fail(authError("Not logged in")) : Effect.succeed(session)
)

const exclusiveSession = method(
  "exclusiveSession",
  "Session.makeExclusive(force=False)",
  Effect.fnUntraced(function* (given) {
    const session = yield* currentSession
    if (session.master !== null) return yield* genericError("subsessions cannot become exclusive")
    if (session.exclusive) return yield* genericError("session is already exclusive")
    yield* takeLock(session.userId, session.id, given.truth("force"))
  })
)

const sharedSession = method(
  "sharedSession",
  "Session.makeShared()",
  Effect.fnUntraced(function* () {
    const { db } = yield* Call
    db.run("UPDATE sessions SET exclusive = NULL WHERE id = ?", (yield* currentSession).id)
  })
)

const subsession = method(
  "subsession",
  "Session.subsession()",
  Effect.fnUntraced(function* () {
    const { id, userId, authtype, master } = yield* currentSession
    return yield* openSession(userId, authtype, master ?? id)
  })
)

const closed = "UPDATE sessions SET expired = 1, exclusive = NULL, closed = 1"

const logout = method(
  "logout",
  "Session.logout(session_id=None)",
  Effect.fnUntraced(function* (given) {
    const { db } = yield* Call
    const session = yield* currentSession
    const other = yield* given.intOrNull("session_id")
    const owned = other !== null && db.has("SELECT 1 FROM sessions WHERE id = ? AND user_id = ?", other, session.userId)
    if (other !== null && !owned && !(yield* hasPermission("admin"))) {
      return yield* actionNotAllowed("only admins or owner may logout other session")
    }
    db.run(`${closed} WHERE id = ?1 OR master = ?1`, other ?? session.id)
  })
)

const logoutChild = method(
  "logoutChild",
  "Session.logoutChild(session_id)",
  Effect.fnUntraced(function* (given) {
    const { db } = yield* Call
    const session = yield* currentSession
    db.run(`${closed} WHERE id = ? AND master = ?`, yield* given.int("session_id"), session.id)
  })
)

const getSessionInfo = method("getSessionInfo", "RootExports.getSessionInfo(details=False, user_id=None)", () =>
  Effect.map(Call, ({ session }) => session?.info ?? null)
)

export const sessionMethods = [
  login,
  sslLogin,
  exclusiveSession,
  sharedSession,
  subsession,
  logout,
  logoutChild,
  getSessionInfo,
  method("echo", "RootExports.echo(*args)", (given) => given.list("args")),
  method("hello", "RootExports.hello(*args)", () => Effect.succeed("Hello World")),
  method("getAPIVersion", "RootExports.getAPIVersion()", () => Effect.succeed(1)),
  method("getKojiVersion", "RootExports.getKojiVersion()", () => Effect.succeed(kojiVersion)),
  method("mavenEnabled", "RootExports.mavenEnabled()", () => Effect.succeed(false)),
  method("winEnabled", "RootExports.winEnabled()", () => Effect.succeed(false))
]
