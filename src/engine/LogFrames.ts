/**
 * Takes an engine's log stream apart: frames of `{type, 0, 0, 0, length (big endian)}` and a payload, an entry each.
 *
 * Incremental: it may be given any slices of the stream, and keeps no more of it than it must. Back-pressure is the
 * caller's: nothing is read here. Two ways of passing payloads on:
 * - `plain`: as they come, a frame of any length in parts;
 * - `stamped`: each payload begins with a time stamp and a space, which are taken off, and is passed on whole. Then
 *   `accept` decides about every frame by its stamp, so that a reader can pass over what it has already seen.
 *
 * Neighbouring payloads of the same stream are joined: a log of a million lines makes a few thousand writes.
 */
import { Result, Schema } from "effect"
import { makeLineMender } from "./LineMender.ts"
import type { Verdict } from "./LogCursor.ts"

/** The stream is none that an engine sends, or the engine put an error of its own into it. */
export class BadFrame extends Schema.TaggedError<BadFrame>()("BadFrame", { message: Schema.String }) {}

/** Some bytes that the step wrote, in the order in which it wrote them. */
export interface Piece {
  readonly from: "stdout" | "stderr"
  readonly bytes: Uint8Array
}

export type FrameMode =
  | { readonly _tag: "plain" }
  | { readonly _tag: "stamped"; readonly accept: (stamp: string) => Verdict }

export interface LogFrames {
  /** The next slice of the stream, of any length. After a failure nothing more may be pushed. */
  push(slice: Uint8Array): Result.Result<ReadonlyArray<Piece>, BadFrame>
  /** Whether the stream stands between two frames, where it may end. */
  readonly atBoundary: () => boolean
  /** Whether the last line of a stream may have lost its end (stamped only; see LineMender). */
  readonly mayLackLineEnd: (from: Piece["from"]) => boolean
}

const headerBytes = 8
/** Docker cuts lines at 16 KiB and stamps have 31 bytes; a frame that must be kept whole and is beyond this is none. */
const keptFrameBytesMax = 1024 * 1024
const space = 0x20
const lineEnd = 0x0a
/** The engine's own errors come as frames of this type (`systemerr`). */
const typeEngineError = 3

export const makeLogFrames = (mode: FrameMode): LogFrames => {
  const header = new Uint8Array(headerBytes)
  const mender = makeLineMender()
  let headerFilled = 0
  let type = 0
  let remaining = 0
  /** The parts of a frame that must be whole before it is passed on. */
  let kept: Array<Uint8Array> = []

  const keeps = () => mode._tag === "stamped" || type === typeEngineError

  const push = (slice: Uint8Array): Result.Result<ReadonlyArray<Piece>, BadFrame> => {
    const pieces: Array<Piece> = []
    let from: Piece["from"] = "stdout"
    let parts: Array<Uint8Array> = []
    const flush = () => {
      if (parts.length > 0) pieces.push({ from, bytes: joined(parts) })
      parts = []
    }
    const pass = (bytes: Uint8Array) => {
      const next = source(type)
      if (next !== from) flush()
      from = next
      if (bytes.length > 0) parts.push(bytes)
    }
    const endFrame = (): BadFrame | undefined => {
      headerFilled = 0
      if (!keeps()) return undefined
      const frame = joined(kept)
      kept = []
      if (type === typeEngineError) return new BadFrame({ message: `the engine says: ${text(frame)}` })
      const end = frame.indexOf(space)
      if (end < 0) return new BadFrame({ message: "a frame without its time stamp" })
      const payload = frame.subarray(end + 1)
      const missing = mender.endMissingBefore(source(type), payload)
      const verdict = mode._tag === "stamped" ? mode.accept(text(frame.subarray(0, end))) : "new"
      if (verdict === "gap") return new BadFrame({ message: "the log begins after what is known of it" })
      if (verdict === "known") return undefined
      if (missing) pass(oneLineEnd)
      pass(payload)
      return undefined
    }

    let at = 0
    while (at < slice.length) {
      if (headerFilled < headerBytes) {
        const taken = slice.subarray(at, at + headerBytes - headerFilled)
        header.set(taken, headerFilled)
        headerFilled += taken.length
        at += taken.length
        if (headerFilled < headerBytes) break
        type = header[0] ?? 0
        remaining = new DataView(header.buffer).getUint32(4)
        if (type > typeEngineError || header[1] !== 0 || header[2] !== 0 || header[3] !== 0) {
          return Result.fail(new BadFrame({ message: `not a log frame: ${[...header].join(" ")}` }))
        }
        if (keeps() && remaining > keptFrameBytesMax) {
          return Result.fail(new BadFrame({ message: `a frame of ${remaining} bytes` }))
        }
      } else {
        const payload = slice.subarray(at, at + remaining)
        at += payload.length
        remaining -= payload.length
        if (keeps()) kept.push(payload)
        else pass(payload)
      }
      if (headerFilled === headerBytes && remaining === 0) {
        const bad = endFrame()
        if (bad !== undefined) return Result.fail(bad)
      }
    }
    flush()
    return Result.succeed(pieces)
  }

  return { push, atBoundary: () => headerFilled === 0, mayLackLineEnd: mender.mayLackEnd }
}

const oneLineEnd = Uint8Array.of(lineEnd)

const source = (type: number): Piece["from"] => (type === 2 ? "stderr" : "stdout")

const joined = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1")
