/**
 * What an attempt did, when, and how long each part took: the reading side of its journal.
 *
 * The state of `core` says what is so now and forgets the way there; a timeline keeps the way. It is a plain value,
 * made of events and their times and nothing else, so that text, JSON and a page can be made of the same one.
 */
import { Option, Schema } from "effect"
import type { AttemptEvent, Outcome, StopReason } from "../core/AttemptEvent.ts"
import { ContainerSpec, ExitReason } from "../engine/ContainerSpec.ts"
import { type FailedIn, failedIn } from "./FailedIn.ts"
import { type Failure, failureOf } from "./Failure.ts"

/** An event and when it was recorded, in milliseconds since the epoch. */
export interface TimedEvent {
  readonly at: number
  readonly event: AttemptEvent
}

/** How a container ended, as far as a reader wants to know; what a version of the daemon did not record is left out. */
const ExitSpan = Schema.Struct({
  reason: ExitReason,
  outputBytes: Schema.Int,
  /** Output that is lost: the engine no longer had it. */
  missingBytes: Schema.optionalKey(Schema.Int),
  /** The image that was made of it. */
  committed: Schema.NullOr(Schema.String)
})
export type ExitSpan = typeof ExitSpan.Type

/** One container of a step, by the times of its records; null is what was not recorded. */
export interface ContainerSpan {
  readonly name: string
  /** Which run of this container it is, from 1: one whose end nobody saw is run again under the same name. */
  readonly run: number
  readonly intendedAt: number
  readonly createdAt: number | null
  readonly startedAt: number | null
  readonly exitedAt: number | null
  readonly removedAt: number | null
  readonly image: string | null
  readonly command: ReadonlyArray<string>
  /** Everything else that was asked of the engine. */
  readonly spec: ContainerSpec | null
  /** The file that its output was captured in, and the logs that it went into from there. */
  readonly capture: string | null
  readonly logs: ReadonlyArray<string>
  readonly exit: ExitSpan | null
}

/** One step. One that never got an outcome was interrupted, or goes on. */
export interface StepSpan {
  readonly path: string
  readonly rule: string
  readonly intendedAt: number
  readonly settledAt: number | null
  readonly outcome: "succeeded" | "failed" | "open"
  readonly failure: Failure | null
  readonly containers: ReadonlyArray<ContainerSpan>
}

/** What happened between steps. */
export type Mark =
  | { readonly _tag: "Note"; readonly at: number; readonly text: string }
  | { readonly _tag: "StopRequested"; readonly at: number; readonly reason: StopReason; readonly detail: string }
  /** `silentFor` is the time since the event before, in milliseconds: the daemon was away. */
  | { readonly _tag: "Resumed"; readonly at: number; readonly version: string; readonly silentFor: number }

/** A file at the hub; `whole` once it was confirmed, else as far as it has grown. */
export interface UploadSpan {
  readonly name: string
  readonly bytes: number
  readonly at: number
  readonly whole: boolean
  /** Of the whole file. */
  readonly sha256: string | null
}

type Ending = Extract<AttemptEvent, { _tag: "Concluded" }>["how"]

export interface Timeline {
  readonly task: number
  readonly attempt: number
  readonly method: string
  readonly arch: string
  readonly version: string
  readonly instance: string
  readonly request: Schema.Json
  readonly acceptedAt: number
  /** The time of the last event, whatever it was. */
  readonly lastAt: number
  readonly events: number
  readonly steps: ReadonlyArray<StepSpan>
  readonly marks: ReadonlyArray<Mark>
  readonly uploads: ReadonlyArray<UploadSpan>
  readonly decided: { readonly at: number; readonly outcome: Outcome } | null
  readonly concluded: { readonly at: number; readonly how: Ending; readonly note: string } | null
  /** Where to look first when it did not succeed. */
  readonly failedIn: FailedIn | null
}

type Growing<A> = { -readonly [Key in keyof A]: A[Key] }
type GrowingStep = Growing<Omit<StepSpan, "containers">> & { readonly containers: Array<Growing<ContainerSpan>> }

/** What a reader wants of a container's specification; the rest may be of any version. */
const Shown = Schema.Struct({ image: ContainerSpec.fields.image, command: ContainerSpec.fields.command })
const decodeShown = Schema.decodeUnknownOption(Shown)
const decodeSpec = Schema.decodeUnknownOption(ContainerSpec)
const decodeExit = Schema.decodeUnknownOption(ExitSpan)

/** The timeline of a history; null when it does not begin with an acceptance. Total: odd events change nothing. */
export const timelineOf = (history: Iterable<TimedEvent>): Timeline | null => {
  const builder = timelineBuilder()
  for (const timed of history) builder.add(timed)
  return builder.timeline()
}

/** The same, of a history that comes event by event and is not held. */
export const timelineBuilder = () => {
  let accepted: { readonly at: number; readonly event: Extract<AttemptEvent, { _tag: "Accepted" }> } | null = null
  let events = 0
  const steps = new Map<string, GrowingStep>()
  const containers = new Map<string, Growing<ContainerSpan>>()
  const uploads = new Map<string, UploadSpan>()
  const marks: Array<Mark> = []
  let decided: Timeline["decided"] = null
  let concluded: Timeline["concluded"] = null
  let lastAt = 0

  const add = ({ at, event }: TimedEvent): void => {
    if (events++ === 0 && event._tag === "Accepted") accepted = { at, event }
    switch (event._tag) {
      case "Accepted":
        break
      case "Resumed":
        marks.push({ _tag: "Resumed", at, version: event.version, silentFor: at - lastAt })
        break
      case "StepIntended":
        steps.set(event.step, {
          path: event.step,
          rule: event.rule,
          intendedAt: at,
          settledAt: null,
          outcome: "open",
          failure: null,
          containers: []
        })
        break
      case "StepSucceeded":
      case "StepFailed": {
        const step = steps.get(event.step)
        if (step === undefined) break
        step.settledAt = at
        step.outcome = event._tag === "StepSucceeded" ? "succeeded" : "failed"
        if (event._tag === "StepFailed") step.failure = failureOf(event.error)
        break
      }
      case "ContainerIntended": {
        const shown = Option.getOrUndefined(decodeShown(event.spec))
        const container: Growing<ContainerSpan> = {
          name: event.container,
          run: (containers.get(event.container)?.run ?? 0) + 1,
          intendedAt: at,
          createdAt: null,
          startedAt: null,
          exitedAt: null,
          removedAt: null,
          image: shown?.image ?? null,
          command: shown?.command ?? [],
          spec: Option.getOrNull(decodeSpec(event.spec)),
          capture: event.capture === "" ? null : event.capture,
          logs: event.logs,
          exit: null
        }
        containers.set(event.container, container)
        steps.get(event.step)?.containers.push(container)
        break
      }
      case "ContainerCreated":
        touch(containers.get(event.container), { createdAt: at })
        break
      case "ContainerStarted":
        touch(containers.get(event.container), { startedAt: at })
        break
      case "ContainerExited":
        touch(containers.get(event.container), { exitedAt: at, exit: Option.getOrNull(decodeExit(event.exit)) })
        break
      case "ContainerRemoved":
        touch(containers.get(event.container), { removedAt: at })
        break
      case "LogWritten":
        break
      case "LogAdvanced":
        uploads.set(event.name, { name: event.name, bytes: event.offset, at, whole: false, sha256: null })
        break
      case "FileUploaded":
        uploads.set(event.name, { name: event.name, bytes: event.bytes, at, whole: true, sha256: event.sha256 })
        break
      case "StopRequested":
        marks.push({ _tag: "StopRequested", at, reason: event.reason, detail: event.detail })
        break
      case "Noted":
        marks.push({ _tag: "Note", at, text: event.text })
        break
      case "ResultDecided":
        decided = { at, outcome: event.outcome }
        break
      case "Concluded":
        concluded = { at, how: event.how, note: event.note }
        break
    }
    lastAt = at
  }

  const timeline = (): Timeline | null => {
    if (accepted === null) return null
    const { task, attempt, method, arch, version, instance, request } = accepted.event
    const all = [...steps.values()]
    return {
      task,
      attempt,
      method,
      arch,
      version,
      instance,
      request,
      acceptedAt: accepted.at,
      lastAt,
      events,
      steps: all,
      marks,
      uploads: [...uploads.values()],
      decided,
      concluded,
      failedIn: failedIn(all, marks, decided?.outcome ?? null)
    }
  }
  return { add, timeline }
}

const touch = (container: Growing<ContainerSpan> | undefined, change: Partial<ContainerSpan>): void => {
  if (container !== undefined) Object.assign(container, change)
}
