/**
 * One event is one line of JSON:
 *
 *     {"v":2,"seq":0,"at":1700000000000,"event":{"_tag":"Accepted",...},"hash":"5d41402abc4b2a76b9719d911017c592"}
 *
 * The hash is taken over the hash of the line before and the very bytes of this line up to its hash; the first line
 * follows a value made from the stream's name. So a changed, lost, added, moved or foreign line breaks the chain where
 * it stands. The chain finds damage and mixing, not a forger, who can recompute all of it: 128 bits of SHA-256 are
 * plenty for that and leave the line readable.
 *
 * A line is taken only in exactly this form, the form `encodeLine` gives it. JSON escapes every line break and quote
 * inside strings, and `event` must be one JSON value by itself, so nothing inside an event can look like another
 * line, or like another member of its own.
 */
import { hash } from "node:crypto"
import { Result, Schema } from "effect"
import { fileOfStream, type StreamName } from "./StreamName.ts"

/**
 * The schema version of the lines this program writes, and the newest it reads. Older ones are read as they were written
 * and brought up to date by `Upcast.ts`.
 *
 * 1: the first. 2: containers name their capture and logs; words of ours in logs are events.
 */
export const lineVersion = 2
/** Larger values have no place in an event: outcomes above 64 KiB have files of their own. */
export const lineBytesMax = 8 * 1024 * 1024

/** An event as it stands in a stream. `seq` counts from 0 without gaps; `at` is in milliseconds since the epoch. */
export interface StoredEvent {
  readonly v: number
  readonly seq: number
  readonly at: number
  readonly event: unknown
  readonly hash: string
}

export const DamageReason = Schema.Literals(["not-utf8", "not-json", "form", "version", "sequence", "hash", "joined"])
export type DamageReason = typeof DamageReason.Type

/** The first line of a stream that cannot be believed. `line` counts from 1, `lost` is how many lines are not trusted from there on. */
export class DamagedLine extends Schema.TaggedError<DamagedLine>()("DamagedLine", {
  stream: Schema.String,
  line: Schema.Int,
  reason: DamageReason,
  lost: Schema.Int,
  message: Schema.String
}) {}

/** Why one line by itself is none of ours. */
export interface LineFault {
  readonly reason: DamageReason
  readonly message: string
}

/** What the first line of a stream follows. */
export const chainStart = (stream: StreamName): string => digest(`koji-adjutant journal: ${fileOfStream(stream)}`)

const digest = (text: string): string => hash("sha256", text, "hex").slice(0, hashLength)
const hashLength = 32
const tailLength = `,"hash":"`.length + hashLength + `"}`.length
const tail = /,"hash":"[0-9a-f]{32}"\}$/y
const head = /^\{"v":([1-9]\d{0,8}),"seq":(0|[1-9]\d{0,14}),"at":(0|[1-9]\d{0,14}),"event":/
const version = /^\{"v":([1-9]\d{0,8})[,}]/

/**
 * The line (without its line break) that comes after one with the hash `previous`, and the event as a reader will
 * find it. Fails with the reason when the event is no JSON or too large.
 */
export const encodeLine = (
  previous: string,
  seq: number,
  at: number,
  event: unknown
): Result.Result<{ readonly text: string; readonly stored: StoredEvent }, string> => {
  const payload = toJson(event)
  if (Result.isFailure(payload)) return Result.fail(payload.failure)
  // Broken machines have clocks that stand before 1970 or beyond all digits; the form has room for neither.
  const time = Math.min(Math.max(0, Math.trunc(at)), 1e15 - 1)
  const body = `{"v":${lineVersion},"seq":${seq},"at":${time},"event":${payload.success}`
  const own = digest(`${previous}\n${body}`)
  const text = `${body},"hash":"${own}"}`
  // A UTF-16 unit takes at most three bytes of UTF-8: most texts need not be measured.
  if (text.length * 3 > lineBytesMax && Buffer.byteLength(text) > lineBytesMax) {
    return Result.fail(`an event of ${Buffer.byteLength(text)} bytes is above the limit of ${lineBytesMax}`)
  }
  return Result.succeed({
    text,
    stored: {
      v: lineVersion,
      seq,
      at: time,
      event: JSON.parse(payload.success),
      hash: own
    }
  })
}

const toJson = (event: unknown): Result.Result<string, string> => {
  try {
    const text = JSON.stringify(event)
    return text === undefined ? Result.fail("the event is no JSON value") : Result.succeed(text)
  } catch (error) {
    return Result.fail(`the event is no JSON value: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Reads one line by itself (without its line break): its form, not its place in the chain. */
export const parseLine = (text: string): Result.Result<StoredEvent, LineFault> => {
  const found = head.exec(text)
  // A newer version may have another form.
  const written = Number((found ?? version.exec(text))?.[1] ?? lineVersion)
  if (written > lineVersion) {
    const message = `written by a newer version of this program (schema ${written}; this one reads up to ${lineVersion})`
    return Result.fail({ reason: "version", message })
  }
  const own = hashAtEnd(text)
  if (found === null || own === undefined || text.length < found[0].length + tailLength) {
    return Result.fail({ reason: "form", message: "not a journal line" })
  }
  const [start, , seq, at] = found
  try {
    const event: unknown = JSON.parse(text.slice(start.length, -tailLength))
    return Result.succeed({
      v: written,
      seq: Number(seq),
      at: Number(at),
      event,
      hash: own
    })
  } catch {
    return Result.fail({
      reason: "not-json",
      message: "its event is not JSON"
    })
  }
}

/** What a line gives as its hash; undefined when it does not end as one. */
const hashAtEnd = (text: string): string | undefined => {
  tail.lastIndex = text.length - tailLength
  return tail.test(text) ? text.slice(-hashLength - `"}`.length, -`"}`.length) : undefined
}

/** Reads one line and holds it against its place: its number and the hash of the line before. */
export const verifyLine = (text: string, seq: number, previous: string): Result.Result<StoredEvent, LineFault> => {
  const parsed = parseLine(text)
  if (Result.isFailure(parsed)) return parsed
  const stored = parsed.success
  if (stored.seq !== seq) {
    return Result.fail({
      reason: "sequence",
      message: `numbered ${stored.seq} where ${seq} belongs`
    })
  }
  if (stored.hash !== digest(`${previous}\n${text.slice(0, -tailLength)}`)) {
    return Result.fail({
      reason: "hash",
      message: "its hash does not follow: it was changed, or belongs elsewhere"
    })
  }
  return parsed
}

/** A stream that holds together, and what a crash left unfinished at its end. */
export interface VerifiedLines {
  readonly events: ReadonlyArray<StoredEvent>
  /** The bytes of whole lines; what follows them was never acknowledged. */
  readonly wholeBytes: number
  /** The bytes after the last line break: a line that was being written. Empty after a clean end. */
  readonly torn: Uint8Array
  /** What the next line follows. */
  readonly lastHash: string
}

/**
 * Reads a whole stream. Only what has no line break behind it counts as torn: a bad line that has one may have been
 * acknowledged, so it is damage, wherever it stands, and so is an unfinished end that begins with a whole line.
 */
export const verifyLines = (stream: StreamName, bytes: Uint8Array): Result.Result<VerifiedLines, DamagedLine> => {
  const events: Array<StoredEvent> = []
  let lastHash = chainStart(stream)
  let from = 0
  const damaged = (fault: LineFault) =>
    new DamagedLine({
      stream: fileOfStream(stream),
      line: events.length + 1,
      reason: fault.reason,
      lost: countLines(bytes.subarray(from)),
      message: fault.message
    })
  for (let end = bytes.indexOf(lineBreak); end !== -1; end = bytes.indexOf(lineBreak, from)) {
    const stored = verifyBytes(bytes.subarray(from, end), events.length, lastHash)
    if (Result.isFailure(stored)) return Result.fail(damaged(stored.failure))
    events.push(stored.success)
    lastHash = stored.success.hash
    from = end + 1
  }
  const torn = bytes.slice(from)
  if (beginsWithLine(torn, events.length, lastHash)) {
    return Result.fail(
      damaged({
        reason: "joined",
        message: "the line break behind it was changed"
      })
    )
  }
  return Result.succeed({ events, wholeBytes: from, torn, lastHash })
}

const lineBreak = 0x0a
const countLines = (bytes: Uint8Array): number =>
  bytes.reduce((lines, byte) => (byte === lineBreak ? lines + 1 : lines), bytes.at(-1) === lineBreak ? 0 : 1)

/** The same as `verifyLine`, for the bytes of a line as they stand in a file. */
export const verifyBytes = (
  bytes: Uint8Array,
  seq: number,
  previous: string
): Result.Result<StoredEvent, LineFault> => {
  try {
    return verifyLine(strict.decode(bytes), seq, previous)
  } catch {
    return Result.fail({ reason: "not-utf8", message: "not UTF-8 text" })
  }
}
// A byte order mark is kept, so that no two texts of bytes are taken for one.
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** Whether a whole line is followed by something other than its line break, which no interrupted write leaves behind. */
export const beginsWithLine = (torn: Uint8Array, seq: number, previous: string): boolean => {
  const text = Buffer.from(torn.buffer, torn.byteOffset, torn.byteLength).toString("latin1")
  for (const found of text.matchAll(/,"hash":"[0-9a-f]{32}"\}/g)) {
    const end = found.index + tailLength
    if (end < torn.length && Result.isSuccess(verifyBytes(torn.subarray(0, end), seq, previous))) return true
  }
  return false
}
