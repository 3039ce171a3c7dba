/**
 * Whether an event is one that the core could have produced: for each kind of event there is one order that makes it
 * happen, and in the state before, `decide` must take that order and make exactly this event of it.
 *
 * So a recorded history is judged by the rules themselves, not by a second statement of them. The invariants are that
 * second statement; what passes here and breaks one of them is a mistake in the program.
 */
import { Equal, Result } from "effect"
import { type AttemptCommand, order } from "./AttemptCommand.ts"
import { decide } from "./AttemptDecider.ts"
import type { AttemptEvent } from "./AttemptEvent.ts"
import type { AttemptState } from "./AttemptState.ts"

/** The order that makes this event happen, if anything does. */
export const orderBehind = (event: AttemptEvent): AttemptCommand => {
  switch (event._tag) {
    case "Accepted":
      return order.Accept.make(without(event))
    case "Resumed":
      return order.Resume.make(without(event))
    case "StepIntended":
      return order.IntendStep.make(without(event))
    case "StepSucceeded":
      return order.SucceedStep.make(without(event))
    case "StepFailed":
      return order.FailStep.make(without(event))
    case "ContainerIntended":
      return order.IntendContainer.make(without(event))
    case "ContainerCreated":
      return order.ConfirmCreated.make(without(event))
    case "ContainerStarted":
      return order.ConfirmStarted.make(without(event))
    case "ContainerExited":
      return order.ConfirmExited.make(without(event))
    case "ContainerRemoved":
      return order.ConfirmRemoved.make(without(event))
    case "LogWritten":
      return order.WriteLog.make(without(event))
    case "LogAdvanced":
      return order.AdvanceLog.make(without(event))
    case "FileUploaded":
      return order.ConfirmUpload.make(without(event))
    case "StopRequested":
      return order.RequestStop.make(without(event))
    case "Noted":
      return order.Note.make(without(event))
    case "ResultDecided":
      return order.DecideResult.make(without(event))
    case "Concluded":
      // How it ended follows from the decision, and is compared below.
      return order.Conclude.make({ note: event.note })
  }
}

/** Nothing, or why this event cannot have happened in this state. */
export const couldHappen = (state: AttemptState, event: AttemptEvent): Result.Result<void, string> => {
  const decision = decide(state, orderBehind(event))
  if (Result.isFailure(decision)) return Result.fail(`${event._tag}: ${decision.failure.message}`)
  const [made, ...more] = decision.success
  if (made === undefined) return Result.fail(`${event._tag}: it was so already, and would not have been recorded again`)
  if (more.length > 0 || !Equal.equals(made, event)) {
    return Result.fail(`${event._tag}: the core would have recorded ${JSON.stringify(decision.success)}`)
  }
  return Result.void
}

const without = <Event extends { readonly _tag: string }>(event: Event): Omit<Event, "_tag"> => {
  const { _tag, ...members } = event
  return members
}
