/** Calls about people, of whom hosts are a kind. */
import { Schema } from "effect"
import { call } from "./call.ts"

const User = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  /** 1 is a host. */
  usertype: Schema.optionalKey(Schema.NullOr(Schema.Int))
})

export const hostUserType = 1

/** Null when there is none of this id or name. */
export const getUser = (user: number | string) => call(Schema.NullOr(User), "getUser", [user])

/** Whoever the session is of; null when it is nobody's. */
export const getLoggedInUser = () => call(Schema.NullOr(User), "getLoggedInUser", [])
