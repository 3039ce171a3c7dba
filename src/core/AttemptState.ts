/**
 * What an attempt adds up to: the fold of its events, and nothing else.
 *
 * `evolve` is the only reader of events that decides anything. It is total: an event that makes no sense in a state
 * leaves the state as it was, since a history is judged by `decide` before it is written and by the invariants when
 * it is read, never here.
 */
import { HashMap, Option, type Schema } from "effect"
import type { AttemptEvent, Outcome, SettlementRule, StepValue, StopReason } from "./AttemptEvent.ts"
import type { AttemptNumber, ContainerName, StepPath, TaskId } from "./Ids.ts"

export type StepRecord =
  | { readonly _tag: "Open"; readonly rule: SettlementRule; readonly input: string }
  | { readonly _tag: "Succeeded"; readonly input: string; readonly value: StepValue }
  | { readonly _tag: "Failed"; readonly input: string; readonly error: unknown }

export type ContainerPhase = "intended" | "created" | "started" | "exited" | "removed"
export interface ContainerRecord {
  readonly step: StepPath
  /** What was asked of the engine. */
  readonly spec: Schema.Json
  readonly capture: string
  readonly phase: ContainerPhase
  /** Which run of its step this is, from 1: a step whose end nobody saw is run again under the same name. */
  readonly run: number
  /** How it ended, once that is known. */
  readonly exit: Schema.Json | null
}

export interface UploadRecord {
  readonly offset: number
  readonly whole: boolean
}

export interface Progress {
  readonly task: TaskId
  readonly attempt: AttemptNumber
  readonly method: string
  readonly steps: HashMap.HashMap<StepPath, StepRecord>
  readonly containers: HashMap.HashMap<ContainerName, ContainerRecord>
  readonly uploads: HashMap.HashMap<string, UploadRecord>
  readonly stop: StopReason | null
}

export type AttemptState =
  | { readonly _tag: "Unknown" }
  | ({ readonly _tag: "Running" } & Progress)
  | ({ readonly _tag: "Decided"; readonly outcome: Outcome } & Progress)
  | ({ readonly _tag: "Ended"; readonly outcome: Outcome } & Progress)

export const initial: AttemptState = { _tag: "Unknown" }

/** Containers that exist, or may exist, on the engine. */
export const containersLeft = (state: AttemptState): ReadonlyArray<ContainerName> =>
  state._tag === "Unknown"
    ? []
    : HashMap.toEntries(state.containers).flatMap(([name, record]) => (record.phase === "removed" ? [] : [name]))

export const evolve = (state: AttemptState, event: AttemptEvent): AttemptState => {
  if (state._tag === "Unknown") {
    if (event._tag !== "Accepted") return state
    const { task, attempt, method } = event
    const nothing = { steps: HashMap.empty(), containers: HashMap.empty(), uploads: HashMap.empty(), stop: null }
    return { _tag: "Running", task, attempt, method, ...nothing }
  }
  switch (event._tag) {
    case "Accepted":
    case "LogWritten":
    case "Noted":
      return state
    case "Resumed":
      return { ...state, stop: null }
    case "StepIntended":
      return withStep(state, event.step, { _tag: "Open", rule: event.rule, input: event.input })
    case "StepSucceeded":
      return withStep(state, event.step, { _tag: "Succeeded", input: inputOf(state, event.step), value: event.value })
    case "StepFailed":
      return withStep(state, event.step, { _tag: "Failed", input: inputOf(state, event.step), error: event.error })
    case "ContainerIntended":
      return withContainer(state, event.container, {
        step: event.step,
        spec: event.spec,
        capture: event.capture,
        phase: "intended",
        run: runsOf(state, event.container) + 1,
        exit: null
      })
    case "ContainerCreated":
      return withPhase(state, event.container, "created")
    case "ContainerStarted":
      return withPhase(state, event.container, "started")
    case "ContainerExited":
      return withPhase(state, event.container, "exited", event.exit)
    case "ContainerRemoved":
      return withPhase(state, event.container, "removed")
    case "LogAdvanced":
      return { ...state, uploads: HashMap.set(state.uploads, event.name, { offset: event.offset, whole: false }) }
    case "FileUploaded":
      return { ...state, uploads: HashMap.set(state.uploads, event.name, { offset: event.bytes, whole: true }) }
    case "StopRequested":
      return { ...state, stop: event.reason }
    case "ResultDecided":
      return { ...state, _tag: "Decided", outcome: event.outcome }
    case "Concluded":
      return state._tag === "Decided" ? { ...state, _tag: "Ended" } : state
  }
}

export const replay = (history: Iterable<AttemptEvent>): AttemptState => {
  let state: AttemptState = initial
  for (const event of history) state = evolve(state, event)
  return state
}

type Live = Exclude<AttemptState, { _tag: "Unknown" }>

const withStep = (state: Live, step: StepPath, record: StepRecord): AttemptState => ({
  ...state,
  steps: HashMap.set(state.steps, step, record)
})

const inputOf = (state: Live, step: StepPath): string =>
  Option.match(HashMap.get(state.steps, step), { onNone: () => "", onSome: (record) => record.input })

/** How often this container has been intended so far. */
export const runsOf = (state: AttemptState, container: ContainerName): number =>
  state._tag === "Unknown"
    ? 0
    : Option.match(HashMap.get(state.containers, container), { onNone: () => 0, onSome: ({ run }) => run })

const withContainer = (state: Live, container: ContainerName, record: ContainerRecord): AttemptState => ({
  ...state,
  containers: HashMap.set(state.containers, container, record)
})

const withPhase = (state: Live, container: ContainerName, phase: ContainerPhase, exit?: Schema.Json): AttemptState => ({
  ...state,
  containers: HashMap.modify(state.containers, container, (record) => ({
    ...record,
    phase,
    exit: exit === undefined ? record.exit : exit
  }))
})
