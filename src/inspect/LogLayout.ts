/**
 * Where in Koji's logs the output of each container stands.
 *
 * A log is made of words of ours and of what containers put out, in the order of the journal, which has the length of
 * each piece. Before the first comes a line or two that every log begins with; so a log that is known to its last byte
 * has the first piece where its length, less that of all pieces, is.
 */
import { Option, Schema } from "effect"
import type { AttemptEvent } from "../core/AttemptEvent.ts"

/** A stretch of a log. */
export interface Stretch {
  readonly log: string
  readonly from: number
  readonly length: number
}

interface Piece {
  /** Null for words of ours. */
  readonly container: string | null
  /** Null as long as it is not known. */
  length: number | null
}

/** A log that is longer than its pieces by more than this is made of others. */
const headerBytesMax = 300
/** `2026-01-31 16:29:15,123 - ` and a line break, around a line that is stamped. */
const stampBytes = 27

const Exit = Schema.Struct({ outputBytes: Schema.Int })
const decodeExit = Schema.decodeUnknownOption(Exit)

export const logLayout = () => {
  const pieces = new Map<string, Array<Piece>>()
  const runs = new Map<string, number>()
  /** What is being put out now, by container. */
  const open = new Map<string, ReadonlyArray<Piece>>()
  /** Logs into which something else came between. */
  const mixed = new Set<string>()

  const addTo = (log: string, piece: Piece) => {
    const before = pieces.get(log)
    if (before === undefined) return pieces.set(log, [piece])
    if (before.at(-1)?.length === null) mixed.add(log)
    return before.push(piece)
  }

  const add = (event: AttemptEvent): void => {
    if (event._tag === "LogWritten") {
      const { text, at, logs } = event
      const length = text._tag === "Inline" ? Buffer.byteLength(text.text) : text.bytes
      for (const log of logs) addTo(log, { container: null, length: length + (at === null ? 0 : stampBytes) })
    } else if (event._tag === "ContainerIntended") {
      const run = (runs.get(event.container) ?? 0) + 1
      runs.set(event.container, run)
      const begun = new Map(event.logs.map((log) => [log, pieceOf(runKey(event.container, run))]))
      for (const [log, piece] of begun) addTo(log, piece)
      open.set(event.container, [...begun.values()])
    } else if (event._tag === "ContainerExited") {
      const exit = Option.getOrUndefined(decodeExit(event.exit))
      for (const piece of open.get(event.container) ?? []) piece.length = exit?.outputBytes ?? null
      open.delete(event.container)
    }
  }

  /** The stretch that this run of a container has in a log of so many bytes; undefined when that cannot be told. */
  const stretchIn = (log: string, bytes: number, container: string, run: number): Stretch | undefined => {
    const all = pieces.get(log)
    if (all === undefined || mixed.has(log)) return undefined
    const sum = all.reduce((total, piece) => total + (piece.length ?? Number.NaN), 0)
    let from = bytes - sum
    if (!(from >= 0 && from <= headerBytesMax)) return undefined
    for (const piece of all) {
      const length = piece.length ?? 0
      if (piece.container === runKey(container, run)) return { log, from, length }
      from += length
    }
    return undefined
  }
  return { add, stretchIn }
}
export type LogLayout = Pick<ReturnType<typeof logLayout>, "stretchIn">

const pieceOf = (container: string): Piece => ({ container, length: null })

/** One run of a container, as a key. */
export const runKey = (container: string, run: number): string => `${run} ${container}`
