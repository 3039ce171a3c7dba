/** The faults that a hub has and a builder's own code never makes. */
import { type FaultName, faultCodes, KojiFault } from "../koji/Fault.ts"

const fault = (name: FaultName) => (message: string) => new KojiFault({ code: faultCodes[name], message })

export const lockError = fault("LockError")
export const authError = fault("AuthError")
export const actionNotAllowed = fault("ActionNotAllowed")
export const authLockError = fault("AuthLockError")
export const authExpired = fault("AuthExpired")
export const sequenceError = fault("SequenceError")
export const retryError = fault("RetryError")

/** What the hub answers when a query that must have a row has none; it does not say which. */
export const noRows = new KojiFault({ code: faultCodes.GenericError, message: "query returned no rows" })
