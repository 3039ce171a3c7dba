/**
 * Reading a journal that may come from anywhere: the state directory of this host, a mail, the hub's copy of it under
 * the name `adjutant-events.log`.
 *
 * Unlike the daemon's store, which refuses a damaged stream, a reader wants what can still be believed, and to be told
 * loudly where that ends. So damage is a value here; only what is no journal at all is an error.
 */
import { join } from "node:path"
import { Effect, Result, Schema } from "effect"
import { AttemptEvent } from "../core/AttemptEvent.ts"
import { DaemonEvent } from "../core/DaemonEvent.ts"
import { AttemptNumber, TaskId } from "../core/Ids.ts"
import { type DamageReason, lineVersion, parseLine, type StoredEvent, verifyLines } from "../journal/Line.ts"
import { daemonStream, type StreamName, streamOfFile } from "../journal/StreamName.ts"
import { streamBytesMax } from "../journal/StreamWriter.ts"
import { namesIn, readWhole } from "./Files.ts"

/** There is nothing to read: why, in words for the one who asked. */
export class JournalUnreadable extends Schema.TaggedError<JournalUnreadable>()("JournalUnreadable", {
  file: Schema.String,
  reason: Schema.Literals(["missing", "unreadable", "not-a-file", "empty", "too-large", "not-a-journal", "newer"]),
  message: Schema.String
}) {}

/** The first thing that is wrong with a journal. `line` counts from 1; nothing from there on is believed. */
export interface Problem {
  readonly line: number
  readonly kind: DamageReason | "schema" | "invariant" | "place"
  readonly message: string
}

/** A journal as far as it can be believed. */
export interface JournalRead {
  readonly file: string
  readonly stream: StreamName
  readonly lines: ReadonlyArray<StoredEvent>
  readonly problem: Problem | null
  /** Bytes of an unfinished last line: a daemon that is writing now, or one that fell over. */
  readonly tornBytes: number
}

/** Reads and checks the chain of a journal: `tasks/<task>/<attempt>.jsonl`, `daemon.jsonl`, or a copy of one of them. */
export const readJournal = Effect.fn("readJournal")(function* (file: string) {
  const fail = (reason: JournalUnreadable["reason"], message: string) =>
    new JournalUnreadable({ file, reason, message })
  const bytes = yield* readWhole(file, streamBytesMax).pipe(
    Effect.mapError((error) => fail(error.reason, error.message))
  )
  if (bytes.length === 0) return yield* fail("empty", "the file is empty: nothing was ever recorded in it")
  const first = parseLine(firstLine(bytes))
  if (Result.isFailure(first)) {
    const { reason, message } = first.failure
    if (reason === "version" && writtenVersion(bytes) > lineVersion) {
      return yield* fail("newer", `${message}: read it with the version that wrote it, or a later one`)
    }
    // The first bytes of a line whose writing was interrupted are nothing to judge by.
    if (!looksLikeJournal(bytes)) return yield* fail("not-a-journal", "this is not a journal")
  }
  const inside = Result.isSuccess(first) ? streamOfEvent(first.success.event) : undefined
  const place = streamOfFile(file)
  const stream = place ?? inside
  if (stream === undefined) {
    return yield* fail("not-a-journal", "neither its name nor its first line says whose journal this is")
  }
  const read = believed(stream, bytes)
  // A journal under another one's name is whole in itself: say so instead of calling it changed.
  if (place !== undefined && inside !== undefined && read.lines.length === 0 && read.problem?.kind === "hash") {
    const other = believed(inside, bytes)
    if (other.lines.length > 0) {
      const message = `the file's name says ${nameOfStream(place)}, its contents are those of ${nameOfStream(inside)}`
      return { file, ...other, problem: { line: 1, kind: "place", message } } satisfies JournalRead
    }
  }
  return { file, ...read } satisfies JournalRead
})

/** The file of a task's newest attempt, or of the one given, below a state directory. */
export const findAttempt = Effect.fn("findAttempt")(function* (stateDirectory: string, task: TaskId, attempt?: number) {
  const directory = join(stateDirectory, "tasks", String(task))
  const fail = (reason: JournalUnreadable["reason"], message: string) =>
    new JournalUnreadable({ file: directory, reason, message })
  const names = yield* namesIn(directory).pipe(
    Effect.mapError((error) =>
      error.reason === "missing"
        ? fail("missing", `no attempt of task ${task} is recorded below ${stateDirectory}`)
        : fail(error.reason, error.message)
    )
  )
  const attempts = names.flatMap((name) => /^([1-9]\d{0,8})\.jsonl$/.exec(name)?.[1] ?? []).map(Number)
  const chosen = attempt ?? Math.max(...attempts)
  if (attempts.length === 0)
    return yield* fail("missing", `no attempt of task ${task} is recorded below ${stateDirectory}`)
  if (!attempts.includes(chosen)) {
    const known = attempts.sort((a, b) => a - b).join(", ")
    return yield* fail("missing", `task ${task} has no attempt ${chosen} here; recorded: ${known}`)
  }
  return join(directory, `${chosen}.jsonl`)
})

export const nameOfStream = (stream: StreamName): string =>
  stream.kind === "daemon" ? "the daemon" : `task ${stream.task}, attempt ${stream.attempt}`

/** As many lines as hold together, and what is wrong with the next one. */
const believed = (stream: StreamName, bytes: Uint8Array): Omit<JournalRead, "file"> => {
  const whole = verifyLines(stream, bytes)
  if (Result.isSuccess(whole)) {
    return { stream, lines: whole.success.events, problem: null, tornBytes: whole.success.torn.length }
  }
  const { line, reason, message } = whole.failure
  const before = verifyLines(stream, bytes.subarray(0, startOfLine(bytes, line)))
  const lines = Result.isSuccess(before) ? before.success.events : []
  return { stream, lines, problem: { line, kind: reason, message }, tornBytes: 0 }
}

const lineBreak = 0x0a

const startOfLine = (bytes: Uint8Array, line: number): number => {
  let start = 0
  for (let count = 1; count < line; count++) start = bytes.indexOf(lineBreak, start) + 1
  return start
}

const firstLine = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(lineBreak)
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end))
}

const writtenVersion = (bytes: Uint8Array): number => Number(/^\{"v":(\d{1,9})/.exec(firstLine(bytes))?.[1] ?? 0)
const looksLikeJournal = (bytes: Uint8Array): boolean => firstLine(bytes).startsWith(`{"v":${lineVersion},"seq":`)

const First = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Accepted"), task: TaskId, attempt: AttemptNumber }),
  Schema.Struct({ _tag: Schema.Literal("Started") })
])
const decodeFirst = Schema.decodeUnknownResult(First)

const streamOfEvent = (event: unknown): StreamName | undefined => {
  const first = Result.getOrUndefined(decodeFirst(event))
  if (first === undefined) return undefined
  return first._tag === "Started" ? daemonStream : { kind: "attempt", task: first.task, attempt: first.attempt }
}

/** Events with their times, up to the first that this version does not understand. */
export interface Decoded<Event> {
  readonly events: ReadonlyArray<{ readonly at: number; readonly event: Event }>
  readonly problem: Problem | null
}

const decodeWith =
  <Event>(decode: (event: unknown) => Result.Result<Event, Schema.SchemaError>) =>
  (read: JournalRead): Decoded<Event> => {
    const events: Array<{ readonly at: number; readonly event: Event }> = []
    for (const line of read.lines) {
      const event = decode(line.event)
      if (Result.isFailure(event)) {
        const message = `an event that this version does not know: ${event.failure.message}`
        return { events, problem: { line: line.seq + 1, kind: "schema", message } }
      }
      events.push({ at: line.at, event: event.success })
    }
    return { events, problem: read.problem }
  }

export const attemptEvents = decodeWith(Schema.decodeUnknownResult(AttemptEvent))
export const daemonEvents = decodeWith(Schema.decodeUnknownResult(DaemonEvent))
