/**
 * Which orders an attempt may carry out, and what each of them makes happen.
 *
 * Every rule about an attempt's life is here: nothing else may write its journal. An order that repeats what is
 * already so makes nothing happen and succeeds, so that whoever gives it twice (after a crash, say) is not punished;
 * an order that contradicts the history is rejected with a reason that a person can read.
 */
import { HashMap, Option, Result, Schema } from "effect"
import type { AttemptCommand } from "./AttemptCommand.ts"
import { type AttemptEvent, happened, type Outcome } from "./AttemptEvent.ts"
import { type AttemptState, type ContainerPhase, containersLeft } from "./AttemptState.ts"
import type { ContainerName, StepPath } from "./Ids.ts"

/** The order contradicts the history. `Diverged` is kept apart: the program is not the one that was recorded. */
export class Rejected extends Schema.TaggedError<Rejected>()("Rejected", {
  command: Schema.String,
  state: Schema.String,
  message: Schema.String
}) {}

export type Decision = Result.Result<ReadonlyArray<AttemptEvent>, Rejected>

export const decide = (state: AttemptState, command: AttemptCommand): Decision => {
  if (command._tag === "Accept") {
    const { _tag, ...accepted } = command
    return state._tag === "Unknown"
      ? so(happened.Accepted.make(accepted))
      : rejected(state, command, "the attempt has been accepted before")
  }
  if (state._tag === "Unknown") return rejected(state, command, "the attempt has not been accepted")
  if (command._tag === "Resume") {
    const { _tag, ...resumed } = command
    return state._tag === "Ended"
      ? rejected(state, command, "the attempt has ended")
      : so(happened.Resumed.make(resumed))
  }
  if (command._tag === "Note") {
    return state._tag === "Ended" ? nothing : so(happened.Noted.make({ text: command.text }))
  }
  if (command._tag === "WriteLog") {
    const { _tag, ...written } = command
    return state._tag === "Ended" ? nothing : so(happened.LogWritten.make(written))
  }
  if (command._tag === "Conclude") {
    if (state._tag === "Ended") return nothing
    if (state._tag === "Running") return rejected(state, command, "no result has been decided")
    return so(happened.Concluded.make({ how: howOf(state.outcome), note: command.note }))
  }
  if (command._tag === "DecideResult") {
    // The first decision stands: a cancel that comes late must not overwrite a result.
    return state._tag === "Running" ? decideResult(state, command.outcome) : nothing
  }
  // Removing a container is never too late, and never wrong.
  if (command._tag === "ConfirmRemoved") return moveContainer(state, command, "removed")
  if (state._tag !== "Running") return rejected(state, command, "the result has been decided")
  switch (command._tag) {
    case "IntendStep":
      return intendStep(state, command)
    case "SucceedStep":
      return settleStep(state, command, happened.StepSucceeded.make({ step: command.step, value: command.value }))
    case "FailStep":
      return settleStep(state, command, happened.StepFailed.make({ step: command.step, error: command.error }))
    case "IntendContainer":
      return intendContainer(state, command)
    case "ConfirmCreated":
      return moveContainer(state, command, "created")
    case "ConfirmStarted":
      return moveContainer(state, command, "started")
    case "ConfirmExited":
      return moveContainer(state, command, "exited")
    case "AdvanceLog":
      return advanceLog(state, command)
    case "ConfirmUpload": {
      const { _tag, ...uploaded } = command
      return so(happened.FileUploaded.make(uploaded))
    }
    case "RequestStop":
      // Whoever interrupts records the reason first; the first reason stands.
      return state.stop === null
        ? so(happened.StopRequested.make({ reason: command.reason, detail: command.detail }))
        : nothing
  }
}

type Running = Extract<AttemptState, { _tag: "Running" }>
type Live = Exclude<AttemptState, { _tag: "Unknown" }>
type Order<Tag extends AttemptCommand["_tag"]> = Extract<AttemptCommand, { _tag: Tag }>

const nothing: Decision = Result.succeed([])
const so = (event: AttemptEvent): Decision => Result.succeed([event])
const rejected = (state: AttemptState, command: AttemptCommand, message: string): Decision =>
  Result.fail(new Rejected({ command: command._tag, state: state._tag, message }))

const intendStep = (state: Running, command: Order<"IntendStep">): Decision => {
  const before = Option.getOrUndefined(HashMap.get(state.steps, command.step))
  if (before !== undefined && before.input !== command.input) {
    return rejected(state, command, `diverged: ${command.step} was recorded with another input`)
  }
  if (before?._tag === "Open") return nothing
  if (before !== undefined) return rejected(state, command, `${command.step} has its outcome`)
  if (state.stop !== null) return rejected(state, command, `the attempt is being stopped (${state.stop})`)
  return so(happened.StepIntended.make({ step: command.step, rule: command.rule, input: command.input }))
}

const settleStep = (state: Running, command: Order<"SucceedStep" | "FailStep">, event: AttemptEvent): Decision => {
  const step = Option.getOrUndefined(HashMap.get(state.steps, command.step))
  if (step === undefined) return rejected(state, command, `${command.step} was never intended`)
  if (step._tag !== "Open") return rejected(state, command, `${command.step} has its outcome`)
  const left = containersOf(state, command.step)
  return left.length === 0 ? so(event) : rejected(state, command, `${command.step} still has ${left.join(", ")}`)
}

const intendContainer = (state: Running, command: Order<"IntendContainer">): Decision => {
  const step = Option.getOrUndefined(HashMap.get(state.steps, command.step))
  if (step?._tag !== "Open") return rejected(state, command, `${command.step} is not open`)
  const before = Option.getOrUndefined(HashMap.get(state.containers, command.container))
  // A name may be used again once its container is gone: a step whose end nobody saw is run again.
  if (before !== undefined && before.phase !== "removed") return rejected(state, command, "the container exists")
  const { _tag, ...intended } = command
  return so(happened.ContainerIntended.make(intended))
}

/** Whoever takes a container over tells of its beginnings again. */
const isPast = (record: ContainerPhase, phase: ContainerPhase): boolean =>
  record === phase ||
  (phase === "created" && (record === "started" || record === "exited")) ||
  (phase === "started" && record === "exited")

const phasesBefore: Record<Exclude<ContainerPhase, "intended">, ReadonlyArray<ContainerPhase>> = {
  created: ["intended"],
  started: ["created"],
  exited: ["created", "started"],
  removed: ["intended", "created", "started", "exited"]
}

const moveContainer = (
  state: Live,
  command: Order<"ConfirmCreated" | "ConfirmStarted" | "ConfirmExited" | "ConfirmRemoved">,
  phase: Exclude<ContainerPhase, "intended">
): Decision => {
  const record = Option.getOrUndefined(HashMap.get(state.containers, command.container))
  if (record === undefined) return rejected(state, command, `${command.container} was never intended`)
  if (isPast(record.phase, phase)) return nothing
  if (!phasesBefore[phase].includes(record.phase)) {
    return rejected(state, command, `${command.container} is ${record.phase}`)
  }
  switch (command._tag) {
    case "ConfirmCreated":
      return so(happened.ContainerCreated.make({ container: command.container, id: command.id }))
    case "ConfirmStarted":
      return so(happened.ContainerStarted.make({ container: command.container, startedAt: command.startedAt }))
    case "ConfirmExited":
      return so(happened.ContainerExited.make({ container: command.container, exit: command.exit }))
    case "ConfirmRemoved":
      return so(happened.ContainerRemoved.make({ container: command.container }))
  }
}

const advanceLog = (state: Running, command: Order<"AdvanceLog">): Decision => {
  const before = Option.getOrUndefined(HashMap.get(state.uploads, command.name))
  if (before !== undefined && command.offset < before.offset) {
    return rejected(state, command, `${command.name} had reached ${before.offset}`)
  }
  if (before?.offset === command.offset) return nothing
  return so(happened.LogAdvanced.make({ name: command.name, offset: command.offset }))
}

const decideResult = (state: Running, outcome: Outcome): Decision => {
  const command = { _tag: "DecideResult", outcome } as const
  const left = containersLeft(state)
  if (left.length > 0) return rejected(state, command, `containers are left: ${left.join(", ")}`)
  if (outcome._tag === "Success") {
    if (state.stop !== null) return rejected(state, command, `the attempt is being stopped (${state.stop})`)
    const missing = outcome.files.filter((name) => !isWhole(state, name))
    if (missing.length > 0) return rejected(state, command, `not uploaded whole: ${missing.join(", ")}`)
  }
  return so(happened.ResultDecided.make({ outcome }))
}

const isWhole = (state: Running, name: string): boolean =>
  Option.match(HashMap.get(state.uploads, name), { onNone: () => false, onSome: (upload) => upload.whole })

const containersOf = (state: Running, step: StepPath): ReadonlyArray<ContainerName> =>
  containersLeft(state).filter((name) =>
    Option.match(HashMap.get(state.containers, name), { onNone: () => false, onSome: (record) => record.step === step })
  )

const howOf = (outcome: Outcome) => {
  switch (outcome._tag) {
    case "Success":
      return "closed"
    case "Fault":
      return "failed"
    case "Freed":
      return "freed"
    case "Refused":
      return "refused"
    case "Canceled":
      return "canceled"
    case "Lost":
      return "lost"
  }
}
