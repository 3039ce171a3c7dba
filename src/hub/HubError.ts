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
  message: Schema.String
}) {}

/** An answer that is no answer: not XML-RPC, or not of the shape this method has. */
export class HubNonsense extends Schema.TaggedError<HubNonsense>()("HubNonsense", {
  method: Schema.String,
  message: Schema.String
}) {}

export type HubError = HubFault | HubUnavailable | HubNonsense

/** The session is not ours any more: whoever goes on with it does what is another's by now (daemon.md 1.9). */
export const isSessionGone = (error: HubError): boolean => error._tag === "HubFault" && sessionGone.includes(error.code)

const { AuthError, AuthLockError, AuthExpired, SequenceError, RetryError } = faultCodes
const sessionGone: ReadonlyArray<number> = [AuthError, AuthLockError, AuthExpired, SequenceError, RetryError]
