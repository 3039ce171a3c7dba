/**
 * Ways to log in (daemon.md 2.4): each is one call, told apart by its method, its place and its arguments. What a way
 * needs from the connection beside that (a client certificate, say) is the HTTP client's.
 */
import { Redacted, Schema } from "effect"
import type { Refusal } from "./HubTransport.ts"
import type { Struct, Value } from "./Value.ts"

export interface Login {
  readonly method: string
  /** What follows the server's URL for this one call. */
  readonly target: string
  /** Made when the call is, so that no secret lies about in the clear. */
  readonly params: () => ReadonlyArray<Value>
  readonly keywords: Struct
  /** What it means when a web server refuses the login; undefined where there is nothing to add. */
  readonly refusal?: Refusal
}

/** With user and password, for hubs that have them. */
export const passwordLogin = (user: string, password: Redacted.Redacted): Login => ({
  method: "login",
  target: "",
  params: () => [user, Redacted.value(password)],
  keywords: { opts: null },
  // TLS 1.3 has it that the handshake is over before a certificate is missed.
  refusal: (how) =>
    how === "closed" ? "if it stays so, the web server may want a client certificate from everybody (cert)" : undefined
})

/** Where the web server finds out who a client is; whoever it sends on from there is known to the hub. */
export const loginTarget = "/ssllogin"

const notAHub = "is server the URL of a hub's XML-RPC interface, without a slash at its end?"

/** Where the web server is asked who we are, by whatever it takes. */
const throughWebServer = (refusal: Refusal): Login => ({
  method: "sslLogin",
  target: loginTarget,
  params: () => [],
  keywords: { proxyuser: null },
  refusal: (how) => (how === 404 ? notAHub : refusal(how))
})

/** With a client certificate, which the HTTP client presents. */
export const certificateLogin = (file: string): Login =>
  throughWebServer((how) => {
    switch (how) {
      case 401:
        return "the web server wants another way of logging in than by certificate (cert): by Kerberos, most likely"
      case 403:
        return (
          `the web server has not accepted the certificate in ${file}: it must be signed by an authority that the hub ` +
          "takes client certificates from"
        )
      case "closed":
        // Apache says no more than this when a renegotiation fails.
        return (
          `if it stays so, the web server does not take our certificate (${file}): it does not know the authority that ` +
          "signed it, or holds it for expired or revoked"
        )
      default:
        return undefined
    }
  })

/** By Kerberos, of which the transport takes care. */
export const kerberosLogin = (principal: string): Login =>
  throughWebServer((how) => (how === 403 ? `the web server knows ${principal} and does not let it in` : undefined))

/** Koji's clients log in by certificate and by Kerberos over TLS only, whatever is configured (daemon.md 2.1). */
export const overTls = (server: string): string => server.replace(/^http:\/\//i, "https://")

/** The hub's answer to every kind of login, and to `subsession`. */
export const Credentials = Schema.Struct({
  "session-id": Schema.Int,
  "session-key": Schema.String,
  /** Whether the hub reads the session in headers; those before Koji 1.31 do not, and do not say. */
  "header-auth": Schema.optionalKey(Schema.Boolean)
})

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
