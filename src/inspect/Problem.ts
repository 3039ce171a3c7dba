/** What is wrong with a journal, and how it is told to the one who wanted to read it. */
import { Predicate, Result, Schema } from "effect"
import { AttemptNumber, TaskId } from "../core/Ids.ts"
import { type DamageReason, type LineFault, parseLine } from "../journal/Line.ts"
import { daemonStream, type StreamName, shellStream } from "../journal/StreamName.ts"
import { cut } from "./Columns.ts"
import { harmless } from "./Harmless.ts"

/** The first thing that is wrong with a journal. `line` counts from 1; nothing from there on is believed. */
export interface Problem {
  readonly line: number
  readonly kind: DamageReason | "schema" | "invariant" | "place"
  readonly message: string
}

export const nameOfStream = (stream: StreamName): string => {
  switch (stream.kind) {
    case "attempt":
      return `task ${stream.task}, attempt ${stream.attempt}`
    case "daemon":
      return "the daemon"
    case "shell":
      return "shells"
  }
}

const First = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Accepted"), task: TaskId, attempt: AttemptNumber }),
  Schema.Struct({ _tag: Schema.Literal("Started") }),
  Schema.Struct({ _tag: Schema.Literal("ShellOpened") })
])
const decodeFirst = Schema.decodeUnknownResult(First)

/** The stream that begins with this event, if one does. */
export const streamOfEvent = (event: unknown): StreamName | undefined => {
  const first = Result.getOrUndefined(decodeFirst(event))
  if (first === undefined) return undefined
  switch (first._tag) {
    case "Accepted":
      return { kind: "attempt", task: first.task, attempt: first.attempt }
    case "Started":
      return daemonStream
    case "ShellOpened":
      return shellStream
  }
}

/** What a file that is no journal begins with, for one who took the wrong one. */
export const beginning = (text: string): string => {
  const [line = ""] = text.split("\n", 1)
  return line === "" ? "" : `; it begins with "${cut(harmless(line.slice(0, shownMax * 2)), shownMax)}"`
}
const shownMax = 60

/** Why a line does not follow the one before. One that is whole in itself may be the first of another journal: somebody joined two. */
export const misfit = (line: Uint8Array, fault: LineFault): string => {
  const parsed = parseLine(new TextDecoder().decode(line))
  if (fault.reason !== "sequence" || Result.isFailure(parsed) || parsed.success.seq !== 0) return fault.message
  const other = streamOfEvent(parsed.success.event)
  return other === undefined ? fault.message : `${fault.message}: the journal of ${nameOfStream(other)} begins here`
}

/** Why an event was not understood. `known` are the events of this version, `writer` is who wrote it. */
export const unknownEvent = (event: unknown, known: object, error: Schema.SchemaError, writer: string): string => {
  if (!Predicate.hasProperty(event, "_tag") || !Predicate.isString(event._tag))
    return `it has no event: ${error.message}`
  return Object.hasOwn(known, event._tag)
    ? `${event._tag} is not as this version knows it: ${error.message}`
    : `an event that this version does not know: ${event._tag}; it was written by a newer one (${writer})`
}
