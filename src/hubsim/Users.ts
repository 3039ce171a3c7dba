/** Users, of whom hosts are a kind, and what they may do. */
import { Effect, Schema } from "effect"
import { isStruct } from "../hub/Keywords.ts"
import type { Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { asInt } from "./Arguments.ts"
import { assertPermission, Call, hasPermission } from "./Call.ts"
import { type Database, rowOf } from "./Database.ts"
import { method } from "./Method.ts"

const User = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  status: Schema.Int,
  usertype: Schema.Int
})
const readUser = rowOf(User)
const readPrincipal = rowOf(Schema.Struct({ krb_principal: Schema.String }))
const readName = rowOf(Schema.Struct({ name: Schema.String }))

export const userTypes = { NORMAL: 0, HOST: 1, GROUP: 2 } as const

/** The user of this id or name, or undefined; a struct may name either. Nil is the caller. */
export const findUser = Effect.fnUntraced(function* (info: Value) {
  const { db, session } = yield* Call
  const meant = isStruct(info) ? (info["id"] ?? info["name"] ?? null) : (info ?? session?.userId ?? null)
  if (meant === null) return yield* genericError("No user provided")
  const column = typeof meant === "string" ? "name" : "id"
  const user = db.first(
    readUser,
    `SELECT id, name, status, usertype FROM users WHERE ${column} = ?`,
    typeof meant === "string" ? meant : yield* asInt(meant)
  )
  return user === undefined ? undefined : { ...user, krb_principals: principalsOf(db, user.id) }
})

const principalsOf = (db: Database, user: number) =>
  db
    .all(readPrincipal, "SELECT krb_principal FROM user_krb_principals WHERE user_id = ? ORDER BY 1", user)
    .map(({ krb_principal }) => krb_principal)

export const getUser = Effect.fnUntraced(function* (info: Value) {
  const user = yield* findUser(info)
  return user === undefined ? yield* genericError(`No such user: ${pythonRepr(info)}`) : user
})

export const permissionsOf = (userId: number) =>
  Effect.map(Call, ({ db }) =>
    db.all(readName, "SELECT name FROM user_perms WHERE user_id = ? ORDER BY name", userId).map(({ name }) => name)
  )

export const userMethods = [
  method(
    "getUser",
    "get_user(userInfo=None, strict=False, krb_princs=True, groups=False)",
    Effect.fnUntraced(function* (given) {
      const info = given.value("userInfo")
      return yield* given.truth("strict") ? getUser(info) : findUser(info)
    })
  ),
  method(
    "getLoggedInUser",
    "RootExports.getLoggedInUser()",
    Effect.fnUntraced(function* () {
      const { session } = yield* Call
      if (session === null) return null
      return { ...(yield* getUser(session.userId)), authtype: session.authtype, krb_principal: null }
    })
  ),
  method(
    "createUser",
    "RootExports.createUser(username, status=None, krb_principal=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      yield* assertPermission("admin")
      const name = yield* given.text("username")
      if (name === "") return yield* genericError("a user must have a non-empty name")
      if ((yield* findUser(name)) !== undefined) return yield* genericError(`user already exists: ${name}`)
      return db.insert("users", { name, status: (yield* given.intOrNull("status")) ?? 0 })
    })
  ),
  method(
    "listUsers",
    "RootExports.listUsers(userType=None, prefix=None, queryOpts=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const type = (yield* given.intOrNull("userType")) ?? userTypes.NORMAL
      return db.all(readUser, "SELECT id, name, status, usertype FROM users WHERE usertype = ? ORDER BY id", type)
    })
  ),
  method("hasPerm", "RootExports.hasPerm(perm, strict=False)", (given) =>
    Effect.flatMap(given.text("perm"), hasPermission)
  ),
  method(
    "getPerms",
    "Session.getPerms()",
    Effect.fnUntraced(function* () {
      const { session } = yield* Call
      return session === null ? [] : yield* permissionsOf(session.userId)
    })
  ),
  method(
    "getUserPerms",
    "RootExports.getUserPerms(userID=None, with_groups=True)",
    Effect.fnUntraced(function* (given) {
      return yield* permissionsOf((yield* getUser(given.value("userID"))).id)
    })
  )
]
