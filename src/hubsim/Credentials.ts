/**
 * What a request says about its session: in headers since Koji 1.31, in the URL before (daemon.md 2.2).
 *
 * Clients send the call number as `Koji-Session-Callnum`; hubs up to 1.35.3 looked for `Koji-Callnum` by mistake, so
 * both spellings count.
 */
import { Result } from "effect"
import { type KojiFault, otherError } from "../koji/Fault.ts"
import { authError } from "./Faults.ts"

export interface Credentials {
  readonly id: number
  readonly key: string
  /** Null when the client does not count its calls. */
  readonly callnum: number | null
}

export type Headers = Readonly<Record<string, string | ReadonlyArray<string> | undefined>>

/** Header names are lower case. Null is a client that has no session; half a session is a fault. */
export const readCredentials = (
  headers: Headers,
  query: URLSearchParams
): Result.Result<Credentials | null, KojiFault> => {
  const inHeader = text(headers["koji-session-id"])
  if (inHeader !== null) {
    const callnum = text(headers["koji-session-callnum"]) ?? text(headers["koji-callnum"])
    return credentials(inHeader, text(headers["koji-session-key"]), callnum)
  }
  const inQuery = query.get("session-id")
  if (inQuery === null) return Result.succeed(null)
  return credentials(inQuery, query.get("session-key"), query.get("callnum"))
}

const credentials = (
  id: string,
  key: string | null,
  callnum: string | null
): Result.Result<Credentials | null, KojiFault> => {
  if (!wholeNumber.test(id)) return Result.fail(otherError(`invalid literal for int() with base 10: '${id}'`))
  if (key === null) return Result.fail(otherError("no session key"))
  if (callnum !== null && !wholeNumber.test(callnum)) return Result.fail(authError(`Invalid callnum: '${callnum}'`))
  return Result.succeed({ id: Number(id), key, callnum: callnum === null ? null : Number(callnum) })
}

const wholeNumber = /^\d{1,15}$/

const text = (header: string | ReadonlyArray<string> | undefined): string | null =>
  typeof header === "string" ? header : (header?.[0] ?? null)
