/** One event in one line, for lists of them. */
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import { bytes } from "./Units.ts"

/** What happened, and to what; not yet made harmless. */
export const eventText = (event: AttemptEvent): string => {
  switch (event._tag) {
    case "Accepted":
      return `accepted: ${event.method} for ${event.arch}, by version ${event.version}`
    case "Resumed":
      return `taken over by version ${event.version}`
    case "StepIntended":
      return `${event.step} begins`
    case "StepSucceeded":
      return `${event.step} is done`
    case "StepFailed":
      return `${event.step} has failed`
    case "ContainerIntended":
      return `${event.step} wants the container ${event.container}`
    case "ContainerCreated":
      return `${event.container} is made`
    case "ContainerStarted":
      return `${event.container} runs`
    case "ContainerExited":
      return `${event.container} has ended`
    case "ContainerRemoved":
      return `${event.container} is removed`
    case "LogWritten":
      return `words of ours in ${event.logs.join(", ")}`
    case "LogAdvanced":
      return `${event.name} at the hub: ${bytes(event.offset)} so far`
    case "FileUploaded":
      return `${event.name} at the hub: whole, ${bytes(event.bytes)}`
    case "StopRequested":
      return `told to stop: ${event.reason}${event.detail === "" ? "" : `, ${event.detail}`}`
    case "Noted":
      return `note: ${event.text}`
    case "ResultDecided":
      return `decided: ${event.outcome._tag}`
    case "Concluded":
      return `ended: ${event.how}${event.note === "" ? "" : `, ${event.note}`}`
  }
}
