/** Why a step or a task failed, in the words that people know: the class of Koji's fault and its text. */
import { Option, Schema } from "effect"
import type { Outcome } from "../core/AttemptEvent.ts"
import { faultName, TaskFailure } from "../koji/Fault.ts"

export interface Failure {
  /** `BuildError`, `BuildrootError`, ...; `refused` and `given back` for what is no fault of the task's. */
  readonly name: string
  readonly code: number | null
  readonly message: string
}

const decode = Schema.decodeUnknownOption(Schema.toCodecJson(TaskFailure))

/** A recorded failure; one that this version does not know is shown as it was recorded. */
export const failureOf = (error: Schema.Json): Failure => {
  const failure = Option.getOrUndefined(decode(error))
  if (failure === undefined) return { name: "failure", code: null, message: JSON.stringify(error) }
  switch (failure._tag) {
    case "KojiFault":
      return fault(failure.code, failure.message)
    case "RefuseTask":
      return { name: "refused", code: null, message: failure.message }
    case "GiveBack":
      return { name: "given back", code: null, message: failure.message }
  }
}

/** What an outcome says went wrong; null for success. */
export const failureOfOutcome = (outcome: Outcome): Failure | null => {
  switch (outcome._tag) {
    case "Success":
      return null
    case "Fault":
      return fault(outcome.code, outcome.message)
    case "Freed":
      return { name: "given back", code: null, message: outcome.reason }
    case "Refused":
      return { name: "refused", code: null, message: outcome.reason }
    case "Canceled":
      return { name: "canceled", code: null, message: outcome.reason }
    case "Lost":
      return { name: "lost", code: null, message: outcome.reason }
  }
}

const fault = (code: number, message: string): Failure => ({ name: faultName(code) ?? "Fault", code, message })

/** `BuildError: error building package ...`, on one line or several as the message has them. */
export const failureText = (failure: Failure): string =>
  failure.message === "" ? failure.name : `${failure.name}: ${failure.message}`
