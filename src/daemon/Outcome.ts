/** What an attempt's end means to the hub: the one place where a handler's exit becomes a Koji outcome. */
import { Cause, Exit, Option } from "effect"
import { Outcome, type StepValue, type StopReason } from "../core/AttemptEvent.ts"
import type { TaskFailure } from "../koji/Fault.ts"
import { faultOf, noSpace } from "../tasks/FaultOf.ts"

/** What a handler hands over on success: the task's result, and the uploads that the result names. */
export interface TaskResult {
  readonly value: StepValue
  readonly files: ReadonlyArray<string>
}

/**
 * kojid's mapping (tasks.md 1.4, daemon.md 4.8). A stop that was asked for explains an interruption.
 */
export const outcomeOf = (exit: Exit.Exit<TaskResult, TaskFailure>, stop: StopReason | null): Outcome => {
  const { cases } = Outcome
  if (stop !== null) return stoppedBy(stop)
  if (Exit.isSuccess(exit)) return cases.Success.make({ result: exit.value.value, files: exit.value.files })
  const fault = faultOf(exit.cause)
  if (fault !== null) return cases.Fault.make({ code: fault.code, message: fault.message })
  const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  return failure?._tag === "RefuseTask"
    ? cases.Refused.make({ soft: failure.soft, reason: failure.message })
    : cases.Freed.make({ reason: failure?.message ?? noSpace(exit.cause) ?? "interrupted" })
}

export const stoppedBy = (reason: StopReason): Outcome => {
  const { cases } = Outcome
  switch (reason) {
    case "canceled":
      return cases.Canceled.make({ reason: "the task was canceled" })
    case "lost":
      return cases.Lost.make({ reason: "the task is not ours any more" })
    case "shutdown":
      return cases.Freed.make({ reason: "the daemon is stopping" })
    case "handover":
      return cases.Freed.make({ reason: "handed over" })
  }
}

/** What went wrong in a line: all of it, with its trace, is for the log. */
export const causeText = (cause: Cause.Cause<unknown>): string => Cause.pretty(cause).split("\n", 1)[0] ?? ""

/** An outcome in a line, for the daemon's log. */
export const outcomeText = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Success":
      return "closed"
    case "Fault":
      return `failed (${outcome.code}): ${outcome.message.split("\n", 1)[0]}`
    case "Freed":
      return `freed: ${outcome.reason}`
    case "Refused":
      return `refused: ${outcome.reason}`
    case "Canceled":
      return `canceled: ${outcome.reason}`
    case "Lost":
      return `lost: ${outcome.reason}`
  }
}
