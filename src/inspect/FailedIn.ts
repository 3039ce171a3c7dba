/**
 * Which step to look at first, and why that one.
 *
 * A handler may go on after a failed step, and may fail for what a step that succeeded has told it (rpmbuild's status
 * is a value), so the last failed step need not be the one. The evidence is taken in the order of its strength.
 */
import type { Outcome } from "../core/AttemptEvent.ts"
import type { ExitReason } from "../engine/ContainerSpec.ts"
import { failureOfOutcome } from "./Failure.ts"
import type { Mark, StepSpan } from "./Timeline.ts"

export interface FailedIn {
  readonly step: string
  /** The container to look at, when the step had one. */
  readonly container: string | null
  readonly because: "its failure is the task's" | "its command failed" | "it was running" | "it failed" | "it came last"
}

/** Null for a success, for an attempt without steps, and for one that goes on without trouble. */
export const failedIn = (
  steps: ReadonlyArray<StepSpan>,
  marks: ReadonlyArray<Mark>,
  outcome: Outcome | null
): FailedIn | null => {
  if (outcome?._tag === "Success") return null
  const at = (step: StepSpan | undefined, because: FailedIn["because"]): FailedIn | null =>
    step === undefined
      ? null
      : {
          step: step.path,
          container: (step.containers.findLast(badEnd) ?? step.containers.at(-1))?.name ?? null,
          because
        }
  const running = steps.findLast((step) => step.outcome === "open")
  // Who was told to stop, or vanished, failed in nothing: what matters is what was going on.
  const stopped = marks.findLast((mark) => mark._tag !== "Note")?._tag === "StopRequested"
  if (outcome === null || stopped) return at(running, "it was running")
  const failure = failureOfOutcome(outcome)
  return (
    at(
      steps.findLast((step) => step.failure !== null && step.failure.message === failure?.message),
      "its failure is the task's"
    ) ??
    at(
      steps.findLast((step) => step.containers.some(badEnd)),
      "its command failed"
    ) ??
    at(
      steps.findLast((step) => step.outcome === "failed"),
      "it failed"
    ) ??
    at(running, "it was running") ??
    at(steps.at(-1), "it came last")
  )
}

/** Whether a command ended in another way than by saying that all is well. */
export const badEnd = (container: StepSpan["containers"][number]): boolean =>
  container.exit !== null && !isSuccess(container.exit.reason)

const isSuccess = (reason: ExitReason): boolean => reason._tag === "Exited" && reason.code === 0
