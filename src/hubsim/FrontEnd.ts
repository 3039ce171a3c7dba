/**
 * What the web server in front of a hub has found out about a client. A real hub reads it from the environment that
 * mod_ssl and mod_auth_gssapi fill (daemon.md 2.4); this one is spoken to over HTTP, so a front end says it in headers.
 * Whoever can send headers can be anybody: a hub believes them only when it is told that there is a front end.
 */
import type { Headers } from "./Credentials.ts"

export interface ClientSeen {
  /** `SSL_CLIENT_VERIFY`: SUCCESS, or why not. */
  readonly verified: string | null
  /** `SSL_CLIENT_S_DN_CN`. */
  readonly commonName: string | null
  /** `REMOTE_USER`, which a login by Kerberos sets. */
  readonly remoteUser: string | null
}

export const nobodySeen: ClientSeen = { verified: null, commonName: null, remoteUser: null }

export const clientSeen = (headers: Headers): ClientSeen => ({
  verified: said(headers["x-ssl-client-verify"]),
  commonName: said(headers["x-ssl-client-s-dn-cn"]),
  remoteUser: said(headers["x-remote-user"])
})

/** Apache writes `(null)` for a variable that is not set. */
const said = (header: Headers[string]): string | null =>
  typeof header !== "string" || header === "" || header === "(null)" ? null : header
