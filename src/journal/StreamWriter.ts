/**
 * The appending end of one stream: numbers, chains, writes, syncs.
 *
 * Appends that arrive while another is on the disk share the next write and the next sync (group commit). There is no
 * writer in the background: an append queues its lines and waits for its turn; whoever has the turn writes everything
 * that is queued, and those whose lines went with it find them done. So a lone append costs one write and one sync
 * and no hand-over, and n at once cost about two.
 */
import { Clock, Effect, Result, Semaphore } from "effect"
import type { DiskFile } from "./Disk.ts"
import { EntryRefused, type JournalError } from "./JournalError.ts"
import { encodeLine, type StoredEvent } from "./Line.ts"
import type { Poison } from "./Poison.ts"

/** A stream that has grown to this takes no more: no honest attempt comes near it, and every start reads it whole. */
export const streamBytesMax = 256 * 1024 * 1024

/** Where a stream ends: the number of the next line, what it follows, and where it begins in the file. */
export interface StreamEnd {
  readonly seq: number
  readonly lastHash: string
  readonly bytes: number
}

/** Lines that have their place in the chain and wait for the disk. */
interface Waiting {
  readonly text: string
  readonly durable: boolean
  done: boolean
}

/** The writer of a file that ends with `end`; see `JournalStream.append` for what `append` promises. */
export const makeStreamWriter = (file: DiskFile, end: StreamEnd, poison: Poison) => {
  const turn = Semaphore.makeUnsafe(1)
  let { seq, lastHash, bytes } = end
  let queue: Array<Waiting> = []
  let unsynced = false
  let closed = false

  /** Gives all the events their place, or none. */
  const enqueue = (events: ReadonlyArray<unknown>, at: number, durable: boolean) => {
    // The descriptor is gone, and its number may be another file's by now.
    if (closed) return Result.fail(new EntryRefused({ message: "the stream is closed" }))
    const stored: Array<StoredEvent> = []
    let previous = lastHash
    let text = ""
    for (const event of events) {
      const line = encodeLine(previous, seq + stored.length, at, event)
      if (Result.isFailure(line)) return Result.fail(new EntryRefused({ message: line.failure }))
      stored.push(line.success.stored)
      previous = line.success.stored.hash
      text += `${line.success.text}\n`
    }
    const size = Buffer.byteLength(text)
    if (bytes + size > streamBytesMax) {
      return Result.fail(new EntryRefused({ message: `the stream would grow above ${streamBytesMax} bytes` }))
    }
    seq += stored.length
    lastHash = previous
    bytes += size
    const waiting: Waiting = { text, durable, done: false }
    queue.push(waiting)
    return Result.succeed({ stored, waiting })
  }

  const writeQueue = Effect.fnUntraced(function* () {
    const batch = queue
    queue = []
    const lines = batch.map((waiting) => waiting.text).join("")
    if (lines !== "") {
      unsynced = true
      yield* file.append(Buffer.from(lines))
    }
    if (unsynced && batch.some((waiting) => waiting.durable)) {
      yield* file.datasync
      unsynced = false
    }
    for (const waiting of batch) waiting.done = true
  }, poison.guard)

  /** Returns when somebody, perhaps this caller, has written the queue with `waiting` in it. */
  const written = (waiting: Waiting) =>
    turn.withPermits(1)(Effect.suspend(() => (waiting.done ? Effect.void : Effect.andThen(poison.check, writeQueue()))))

  const append = Effect.fnUntraced(function* (
    events: ReadonlyArray<unknown>,
    durable: boolean
  ): Effect.fn.Return<ReadonlyArray<StoredEvent>, JournalError> {
    const at = yield* Clock.currentTimeMillis
    const { stored, waiting } = yield* Effect.fromResult(enqueue(events, at, durable))
    yield* written(waiting)
    return stored
  }, Effect.uninterruptible)

  /** Takes no more, and syncs what nobody has waited for. */
  const close = Effect.suspend(() => {
    closed = true
    const last: Waiting = { text: "", durable: true, done: false }
    queue.push(last)
    return written(last)
  })

  return { append, close }
}
