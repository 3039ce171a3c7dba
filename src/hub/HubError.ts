/** What can go wrong with a call to the hub, by what the caller does about it. */
import { Schema } from "effect"
import { faultCodes } from "../koji/Fault.ts"

/** The hub's own fault: the call arrived and was answered. Never retried. */
export class HubFault extends Schema.TaggedError<HubFault>()("HubFault", {
  method: Schema.String,
  code: Schema.Int,
  message: Schema.String
}) {}

/** The hub did not answer, after every retry; the call may or may not have been carried out. */
export class HubUnavailable extends Schema.TaggedError<HubUnavailable>()("HubUnavailable", {
  method: Schema.String,
  message: Schema.String,
  /** Somebody answered, whose certificate does not hold. */
  isUntrusted: Schema.optionalKey(Schema.Boolean)
}) {}

/** An answer that is no answer: not XML-RPC, or not of the shape this method has. */
export class HubNonsense extends Schema.TaggedError<HubNonsense>()("HubNonsense", {
  method: Schema.String,
  message: Schema.String
}) {}

export type HubError = HubFault | HubUnavailable | HubNonsense

/**
 * What an error says of the session that the call was made in; undefined when that goes on (daemon.md 1.9). One that is
 * stolen is another's by now, and so is what it answers for. A RetryError is no end: the call had been carried out, and
 * only its first answer was lost.
 */
export const endOfSession = (error: HubError): "stolen" | "unusable" | undefined => {
  if (error._tag !== "HubFault") return undefined
  const { method, code } = error
  // A login that fails in the middle of things is a renewal: nobody has taken anything.
  if (logins.includes(method)) return code === AuthError ? "unusable" : undefined
  if (code === AuthError || code === AuthLockError) return "stolen"
  return code === AuthExpired || code === SequenceError ? "unusable" : undefined
}

const logins: ReadonlyArray<string> = ["login", "sslLogin"]
const { AuthError, AuthLockError, AuthExpired, SequenceError } = faultCodes

/** Whether it was the way in that failed, and not what there was to do behind it. */
export const isOfLogin = ({ method }: HubError): boolean => logins.includes(method)

/** Nothing that follows in this session will fare better. */
export const isSessionGone = (error: HubError): boolean => endOfSession(error) !== undefined

/** Says of a call that was made again: the hub has done it before, and the answer got lost (daemon.md 2.3). */
export const wasDone = (error: HubError): boolean => error._tag === "HubFault" && error.code === faultCodes.RetryError
