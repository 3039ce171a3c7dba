/**
 * Takes the file apart in which Podman keeps a container's output (`k8s-file`): lines of
 * `2026-01-31T16:29:15.123456789+00:00 stdout F some text`, where `F` is the end of a line of the output and `P` a part
 * of one, whose line break is the file's and not the output's. What is after the third space is exact, whatever it is.
 *
 * Incremental: it may be given any slices of the file, and keeps nothing but the head of a line. A part of a line that
 * is still being written is passed on as it is. Newer versions of conmon end an output that lacks a last line break with a
 * line of `F` alone; the first of them forgot the space, which tells that the line break is not the output's.
 *
 * Whatever else a file holds (a disk that was full left half a line in its middle) is refused: what follows it could not
 * be told from output.
 */
import { Result, Schema } from "effect"
import type { Piece } from "./LogFrames.ts"

export class BadLogLine extends Schema.TaggedError<BadLogLine>()("BadLogLine", { message: Schema.String }) {}

export interface LogLines {
  /** The next slice of the file, of any length. After a failure nothing more may be pushed. */
  push(slice: Uint8Array): Result.Result<ReadonlyArray<Piece>, BadLogLine>
  /** Whether the file stands between two lines, where it may end. */
  readonly atBoundary: () => boolean
}

const head = /^\d+-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) (stdout|stderr) (?:(F|P) |F\n)$/
const headBytesMax = 64
const space = 0x20
const lineEnd = 0x0a

export const makeLogLines = (): LogLines => {
  const headBytes = Buffer.alloc(headBytesMax)
  let headFilled = 0
  let spaces = 0
  /** The line whose text is being read. */
  let line: { readonly from: Piece["from"]; readonly part: boolean } | undefined
  let position = 0

  /** False: it is none. Undefined: the line has no text. */
  const endHead = (): typeof line | false => {
    const [matched, from, tag] = head.exec(headBytes.toString("latin1", 0, headFilled)) ?? []
    headFilled = 0
    spaces = 0
    if (matched === undefined || (from !== "stdout" && from !== "stderr")) return false
    return tag === undefined ? undefined : { from, part: tag === "P" }
  }
  const bad = (bytes: Buffer, at: number): Result.Result<never, BadLogLine> => {
    const found = JSON.stringify(bytes.toString("latin1", at, at + headBytesMax))
    return Result.fail(new BadLogLine({ message: `no line of a log before byte ${position + at}, but ${found}` }))
  }

  const push = (slice: Uint8Array): Result.Result<ReadonlyArray<Piece>, BadLogLine> => {
    const bytes = Buffer.from(slice.buffer, slice.byteOffset, slice.length)
    const texts = Buffer.allocUnsafeSlow(bytes.length)
    const pieces: Array<Piece> = []
    let from: Piece["from"] = "stdout"
    let begun = 0
    let filled = 0
    const flush = () => {
      if (filled > begun) pieces.push({ from, bytes: texts.subarray(begun, filled) })
      begun = filled
    }

    let at = 0
    while (at < bytes.length) {
      if (line === undefined) {
        const byte = bytes[at++] ?? lineEnd
        headBytes[headFilled++] = byte
        if (byte === space) spaces++
        if (spaces === 3 || byte === lineEnd || headFilled === headBytesMax) {
          const next = endHead()
          if (next === false) return bad(bytes, at)
          line = next
        }
      } else {
        const found = bytes.indexOf(lineEnd, at)
        const end = found < 0 ? bytes.length : line.part ? found : found + 1
        if (line.from !== from) flush()
        from = line.from
        filled += bytes.copy(texts, filled, at, end)
        at = found < 0 ? bytes.length : found + 1
        if (found >= 0) line = undefined
      }
    }
    flush()
    position += bytes.length
    return Result.succeed(pieces)
  }

  return { push, atBoundary: () => line === undefined && headFilled === 0 }
}
