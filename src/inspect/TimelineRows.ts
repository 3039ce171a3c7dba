/** The lines of a timeline's table: steps, their containers, and what came between, in the order of their beginning. */
import type { ExitReason } from "../engine/ContainerSpec.ts"
import type { Tone } from "./Columns.ts"
import { badEnd } from "./FailedIn.ts"
import { failureOfOutcome, failureText } from "./Failure.ts"
import type { ContainerSpan, Mark, StepSpan, Timeline } from "./Timeline.ts"
import { bytes, duration } from "./Units.ts"

export interface Row {
  /** Milliseconds since the epoch; null for a line that belongs to the one above. */
  readonly at: number | null
  /** Milliseconds; null for what takes no time. */
  readonly took: number | null
  /** In a word, at most nine characters. */
  readonly how: string
  readonly tone: Tone
  readonly text: string
  readonly textTone: Tone
  readonly depth: number
  /** Cut at the end of the line instead of going on in the next. */
  readonly onOneLine: boolean
  /** The step that the reader is looking for. */
  readonly lookHere: boolean
}

const plainRow: Row = {
  at: null,
  took: null,
  how: "",
  tone: "plain",
  text: "",
  textTone: "plain",
  depth: 0,
  onOneLine: false,
  lookHere: false
}

export const rowsOf = (timeline: Timeline): ReadonlyArray<Row> => {
  const rows = timeline.steps.flatMap((step) => stepRows(step, timeline))
  for (const row of [...timeline.marks.map(markRow), ...endRows(timeline)]) {
    const at = row.at ?? timeline.lastAt
    const next = rows.findIndex((other) => other.at !== null && other.at > at)
    rows.splice(next === -1 ? rows.length : next, 0, row)
  }
  return rows
}

const stepRows = (step: StepSpan, timeline: Timeline): ReadonlyArray<Row> => {
  const end = step.settledAt ?? timeline.decided?.at ?? null
  const [how, tone]: readonly [string, Tone] =
    step.outcome === "succeeded"
      ? ["ok", "good"]
      : step.outcome === "failed"
        ? ["FAILED", "bad"]
        : [timeline.decided === null ? "open" : "cut short", "warn"]
  const row: Row = {
    ...plainRow,
    at: step.intendedAt,
    took: end === null ? null : end - step.intendedAt,
    how,
    tone,
    text: step.path,
    lookHere: timeline.failedIn?.step === step.path
  }
  const failure: ReadonlyArray<Row> =
    step.failure === null ? [] : [{ ...plainRow, text: failureText(step.failure), textTone: "bad", depth: 1 }]
  return [row, ...step.containers.flatMap((container) => containerRows(container, timeline)), ...failure]
}

const containerRows = (container: ContainerSpan, timeline: Timeline): ReadonlyArray<Row> => {
  const at = container.startedAt ?? container.createdAt ?? container.intendedAt
  const end = container.exitedAt ?? container.removedAt
  const bad = badEnd(container)
  const limit = container.exit === null ? null : limitText(container.exit.reason)
  return [
    {
      ...plainRow,
      at,
      took: end === null ? null : end - at,
      how: container.exit === null ? unfinished(container, timeline) : exitWord(container.exit.reason),
      tone: bad || container.exit === null ? "warn" : "quiet",
      text: commandLine(container.command),
      textTone: bad ? "plain" : "quiet",
      depth: 1,
      onOneLine: true
    },
    ...(limit === null ? [] : [{ ...plainRow, text: limit, textTone: "bad" as const, depth: 2 }]),
    { ...plainRow, text: containerFacts(container), textTone: "quiet", depth: 2 }
  ]
}

const containerFacts = ({ image, exit }: ContainerSpan): string => {
  const facts = [`image ${image === null ? "not recorded" : shortImage(image)}`]
  if (exit !== null) facts.push(`${bytes(exit.outputBytes)} of output`)
  if ((exit?.missingBytes ?? 0) > 0) facts.push(`${bytes(exit?.missingBytes ?? 0)} of it lost`)
  if (exit !== null && exit.committed !== null) facts.push(`made ${shortImage(exit.committed)}`)
  return facts.join(", ")
}

const unfinished = (container: ContainerSpan, timeline: Timeline): string =>
  container.removedAt !== null ? "removed" : timeline.decided !== null ? "lost" : "running"

/** How a command ended, in a word. */
export const exitWord = (reason: ExitReason): string => {
  switch (reason._tag) {
    case "Exited":
      return `exit ${reason.code}`
    case "Signaled":
      return `signal ${reason.signal}`
    case "OutOfMemory":
      return "memory"
    case "LimitReached":
      return reason.limit
    case "Uncertain":
      return "unseen"
  }
}

/** Which limit ended it, and what the limit was; null when none did. */
export const limitText = (reason: ExitReason): string | null => {
  switch (reason._tag) {
    case "Exited":
    case "Signaled":
      return null
    case "OutOfMemory":
      return `ended for memory: the limit is ${bytes(reason.memoryBytes)}`
    case "LimitReached":
      switch (reason.limit) {
        case "wall":
          return `ended for time: the limit is ${duration(reason.value * 1000)}`
        case "silence":
          return `ended for silence: no output for ${duration(reason.value * 1000)}`
        case "output":
          return `ended for output: the limit is ${bytes(reason.value)}`
        case "disk":
          return `ended for disk space: the budget is ${bytes(reason.value)}`
        case "space":
          return `ended for disk space: the builder had less than ${bytes(reason.value)} left`
      }
      break
    case "Uncertain":
      return `nobody saw its end: ${reason.detail}`
  }
}

const markRow = (mark: Mark): Row => ({
  ...plainRow,
  at: mark.at,
  tone: "warn",
  how: marks[mark._tag],
  text: markText(mark)
})

const marks = { Note: "note", StopRequested: "STOP", Resumed: "resumed" } as const

/** What happened between steps, in words. */
export const markText = (mark: Mark): string => {
  switch (mark._tag) {
    case "Note":
      return mark.text
    case "StopRequested":
      return mark.detail === "" ? mark.reason : `${mark.reason}: ${mark.detail}`
    case "Resumed":
      return `taken over by version ${mark.version} after ${duration(mark.silentFor)} without a record`
  }
}

const endRows = (timeline: Timeline): ReadonlyArray<Row> => {
  const { decided, concluded } = timeline
  const rows: Array<Row> = []
  if (decided !== null) {
    const failure = failureOfOutcome(decided.outcome)
    const tone = failure === null ? "good" : decided.outcome._tag === "Fault" ? "bad" : "warn"
    rows.push({ ...plainRow, at: decided.at, how: "decided", tone, text: failure?.name ?? "success" })
  }
  if (concluded !== null) {
    const note = concluded.note === "" ? "" : `; ${concluded.note}`
    rows.push({ ...plainRow, at: concluded.at, how: "end", text: `${ends[concluded.how]}${note}` })
  }
  return rows
}

/** What became of the task at the hub. */
const ends = {
  closed: "the task is closed",
  failed: "the task has failed",
  freed: "the task is free again",
  refused: "the task was refused",
  canceled: "the task was canceled",
  lost: "the task is not ours any more"
} as const

/** The first digits of an image's digest, as engines show it; other references as they are. */
export const shortImage = (image: string): string => {
  const [, digits] = /^(?:sha256:)?([0-9a-f]{12})[0-9a-f]{52}$/.exec(image) ?? []
  return digits ?? image
}

/** A command as one would type it, with scripts named by their size instead of shown. */
export const commandLine = (command: ReadonlyArray<string>): string =>
  command.length === 0 ? "a command not recorded" : command.map(word).join(" ")

const word = (argument: string): string => {
  const lines = argument.split("\n").filter((line) => line.trim() !== "").length
  if (lines > 1) return `{script of ${lines} lines}`
  return /^[\w@%+=:,./-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`
}
