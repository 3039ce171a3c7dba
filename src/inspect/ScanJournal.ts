/**
 * Reading a journal from its beginning to its end, with one line in memory at a time.
 *
 * It may come from anywhere: the state directory of this host, a mail, the hub's copy of it under the name
 * `adjutant-events.log`, which ends before the last event. Unlike the daemon's store, which refuses a damaged stream, a
 * reader wants what can still be believed, and to be told loudly where that ends. So damage is a value here; only what
 * is no journal at all is an error.
 */
import { Effect, Predicate, Result, Schema, Stream } from "effect"
import { AttemptEvent } from "../core/AttemptEvent.ts"
import { DaemonEvent } from "../core/DaemonEvent.ts"
import { decodeEvent } from "../journal/DecodeEvent.ts"
import {
  beginsWithLine,
  chainStart,
  lineBytesMax,
  lineVersion,
  parseLine,
  type StoredEvent,
  verifyBytes
} from "../journal/Line.ts"
import { daemonStream, type StreamName, streamOfFile } from "../journal/StreamName.ts"
import { type JournalSource, JournalUnreadable } from "./JournalSource.ts"
import { lineSplitter } from "./LineSplitter.ts"
import { beginning, misfit, nameOfStream, type Problem, streamOfEvent, unknownEvent } from "./Problem.ts"
import { bytes as inBytes } from "./Units.ts"

/** What a reader does with the events, in their order, as far as they can be believed. */
export interface JournalVisitor {
  attempt?(event: AttemptEvent, at: number): void
  daemon?(event: DaemonEvent, at: number): void
}

/** A journal that has been read. */
export interface JournalScan {
  readonly file: string
  readonly stream: StreamName
  /** How many events have been visited. */
  readonly events: number
  readonly problem: Problem | null
  /** How many lines are not believed for the problem's sake. */
  readonly lostLines: number
  /** Bytes of an unfinished last line: a daemon that is writing now, or one that fell over. */
  readonly tornBytes: number
}

/**
 * What a reader may have to keep in memory of a journal: everything but how far logs have come. An attempt that runs for
 * a week stays far below.
 */
export const keptBytesMax = 1024 ** 3

/** Reads all of it. Fails when it is no journal, or one that this version cannot read at all. */
export const scanJournal = Effect.fn("scanJournal")(function* (source: JournalSource, visitor: JournalVisitor) {
  const scanner = journalScanner(source.name, visitor)
  yield* Stream.runForEach(source.bytes, (piece) => Effect.fromResult(scanner.push(piece)))
  return yield* Effect.fromResult(scanner.end())
})

const journalScanner = (file: string, visitor: JournalVisitor) => {
  let stream: StreamName | undefined
  let refusal: JournalUnreadable | undefined
  let misplaced: Problem | null = null
  let damage: Problem | null = null
  let previous = ""
  let writer = "an unknown version"
  let lines = 0
  let events = 0
  let keptBytes = 0

  const refuse = (reason: JournalUnreadable["reason"], message: string) => {
    refusal ??= new JournalUnreadable({ file, reason, message })
  }
  const damaged = (kind: Problem["kind"], message: string) => {
    damage ??= { line: events + 1, kind, message }
  }

  const takeLine = (line: Uint8Array) => {
    lines++
    if (stream === undefined) begin(line)
    if (stream === undefined || refusal !== undefined || damage !== null) return
    if (line.length > lineBytesMax) return damaged("form", `a line of more than ${inBytes(lineBytesMax)}`)
    const read = verifyBytes(line, events, previous)
    if (Result.isFailure(read)) return damaged(read.failure.reason, misfit(line, read.failure))
    previous = read.success.hash
    visit(stream, read.success)
    if (damage !== null) return
    events++
    if (isKept(read.success.event)) keptBytes += line.length
    if (keptBytes > keptBytesMax) {
      refuse("too-large", `more than ${inBytes(keptBytesMax)} of it would have to be kept in memory`)
    }
  }

  /** Decides whose journal this is, by the file's name and by the first line. */
  const begin = (first: Uint8Array) => {
    const text = new TextDecoder().decode(first)
    const parsed = parseLine(text)
    if (Result.isFailure(parsed)) {
      if (parsed.failure.reason === "version" && writtenVersion(text) > lineVersion) {
        refuse("newer", `${parsed.failure.message}: read it with the version that wrote it, or a later one`)
        return
      }
      // The first bytes of a line whose writing was interrupted are nothing to judge by.
      if (!journalLine.test(text)) return refuse("not-a-journal", `this is not a journal${beginning(text)}`)
    }
    const inside = Result.isSuccess(parsed) ? streamOfEvent(parsed.success.event) : undefined
    const place = streamOfFile(file)
    stream = place ?? inside
    if (stream === undefined) {
      return refuse("not-a-journal", "neither its name nor its first line says whose journal this is")
    }
    // A journal under another one's name is whole in itself: say so instead of calling it changed.
    if (place !== undefined && inside !== undefined && !opens(place, first) && opens(inside, first)) {
      const message = `the file's name says ${nameOfStream(place)}, its contents are those of ${nameOfStream(inside)}`
      misplaced = { line: 1, kind: "place", message }
      stream = inside
    }
    previous = chainStart(stream)
  }

  const visit = ({ kind }: StreamName, { v, event, at }: StoredEvent) => {
    if (kind !== "attempt") {
      const decoded = decodeDaemonEvent(event)
      if (Result.isSuccess(decoded)) visitor.daemon?.(decoded.success, at)
      else damaged("schema", unknownEvent(event, DaemonEvent.cases, decoded.failure, writer))
    } else {
      const decoded = decodeEvent({ v, event })
      if (Result.isSuccess(decoded)) visitor.attempt?.(decoded.success, at)
      else damaged("schema", unknownEvent(event, AttemptEvent.cases, decoded.failure, writer))
    }
    if (Predicate.hasProperty(event, "version")) writer = `version ${event.version}`
  }

  const splitter = lineSplitter(lineBytesMax, takeLine)
  const asked = <A>(answer: () => A) => (refusal === undefined ? Result.succeed(answer()) : Result.fail(refusal))

  return {
    push: (piece: Uint8Array): Result.Result<void, JournalUnreadable> => {
      splitter.push(piece)
      // A file of gigabytes without a line break need not be read to its end.
      if (lines === 0 && splitter.rest().length > lineBytesMax) {
        refuse("not-a-journal", `this is not a journal: its first line is longer than ${inBytes(lineBytesMax)}`)
      }
      return asked(() => undefined)
    },
    end: (): Result.Result<JournalScan, JournalUnreadable> => {
      const torn = splitter.rest()
      if (lines === 0 && torn.length === 0) refuse("empty", "the file is empty: nothing was ever recorded in it")
      else if (stream === undefined) begin(torn)
      const joined = damage === null && beginsWithLine(torn, events, previous)
      if (joined) damaged("joined", "the line break behind it was changed")
      if (damage !== null && torn.length > 0) lines++
      return asked(() => ({
        file,
        stream: stream ?? daemonStream,
        events,
        problem: misplaced ?? damage,
        lostLines: lines - events,
        tornBytes: damage === null ? torn.length : 0
      }))
    }
  }
}

/** What a reader has to remember: not how far a log has come, of which only the last counts. */
const isKept = (event: unknown): boolean => !Predicate.isTagged(event, "LogAdvanced")

const decodeDaemonEvent = Schema.decodeUnknownResult(DaemonEvent)
const journalLine = /^\{"v":[1-9]\d{0,8},"seq":/
const writtenVersion = (text: string): number => Number(/^\{"v":(\d{1,9})/.exec(text)?.[1] ?? 0)
const opens = (stream: StreamName, line: Uint8Array): boolean =>
  Result.isSuccess(verifyBytes(line, 0, chainStart(stream)))
