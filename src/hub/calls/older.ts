/**
 * Calls that hubs before some release do not know, or not in this form (daemon.md 11).
 *
 * No version is asked for: a hub that says that it does not know the newest form is asked in the older one.
 */
import { Effect } from "effect"
import { faultCodes } from "../../koji/Fault.ts"
import type { HubError, HubFault } from "../HubError.ts"

/** The method is not known, or does not take so many arguments, or one by this name: Python's words. */
export const isNotKnown = ({ code, message }: HubFault): boolean =>
  (code === faultCodes.ParameterError && /unexpected keyword argument|positional argument/.test(message)) ||
  (code === faultCodes.GenericError && message.startsWith("Invalid method"))

export const orOlder =
  <B, R2>(older: Effect.Effect<B, HubError, R2>) =>
  <A, R>(newest: Effect.Effect<A, HubError, R>): Effect.Effect<A | B, HubError, R | R2> =>
    Effect.catchTag(newest, "HubFault", (fault) => (isNotKnown(fault) ? older : Effect.fail<HubError>(fault)))
