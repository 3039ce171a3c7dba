/**
 * Ways to log in (daemon.md 2.4): each is one call, told apart by its method, its place and its arguments. What a way
 * needs from the connection beside that (a client certificate, say) is the HTTP client's.
 */
import { Redacted, Schema } from "effect"
import type { Struct, Value } from "./Value.ts"

export interface Login {
  readonly method: string
  /** What follows the server's URL for this one call. */
  readonly target: string
  /** Made when the call is, so that no secret lies about in the clear. */
  readonly params: () => ReadonlyArray<Value>
  readonly keywords: Struct
}

/** With user and password, for hubs that have them. */
export const passwordLogin = (user: string, password: Redacted.Redacted): Login => ({
  method: "login",
  target: "",
  params: () => [user, Redacted.value(password)],
  keywords: { opts: null }
})

/** The hub's answer to every kind of login, and to `subsession`. */
export const Credentials = Schema.Struct({ "session-id": Schema.Int, "session-key": Schema.String })

/** Which session, and its key. */
export interface Identity {
  readonly id: number
  readonly key: Redacted.Redacted
}

/** The session as each request names it (daemon.md 2.2). `callNumber` only grows for one session id. */
export const sessionHeaders = (identity: Identity, callNumber: number): Readonly<Record<string, string>> => ({
  "Koji-Session-Id": String(identity.id),
  "Koji-Session-Key": Redacted.value(identity.key),
  "Koji-Session-Callnum": String(callNumber)
})
