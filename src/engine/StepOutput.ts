/**
 * What passes between an engine's log and a step's sink: it counts, it caps, and it passes over what the sink has.
 *
 * The counts are the sink's truth: a piece is handed over and counted in one go that is not interrupted, so that a log
 * that has to be read again is passed over to the byte.
 */
import { Clock, Deferred, Effect } from "effect"
import type { OutputSink } from "./Engine.ts"
import type { Piece } from "./LogFrames.ts"

export interface StepOutput {
  write(piece: Piece): Effect.Effect<void>
  /** The log is about to be read from its start: what the sink has is passed over. */
  readonly readAgain: Effect.Effect<void>
  /** Bytes that the sink has, of both streams. */
  readonly bytes: () => number
  /** When the last byte came that the sink did not have, or the step began: milliseconds since the epoch. */
  readonly lastAt: () => number
  /** Bytes that the sink has and the reading under way has not come to yet. */
  readonly missing: () => number
  /** Succeeds once there was more than the limit; the sink then has exactly as much as the limit. */
  readonly full: Effect.Effect<void>
  /** Whether there was more than the limit. */
  readonly isFull: () => boolean
}

export const makeStepOutput = Effect.fnUntraced(function* (options: {
  readonly sink: OutputSink
  readonly output: "joined" | "apart"
  readonly bytesMax: number
  readonly held: { readonly stdout: number; readonly stderr: number }
}) {
  const { sink, output, bytesMax, held } = options
  const full = yield* Deferred.make<void>()
  const has = output === "joined" ? { stdout: held.stdout + held.stderr, stderr: 0 } : { ...held }
  const over = { ...has }
  let lastAt = yield* Clock.currentTimeMillis
  const bytes = () => has.stdout + has.stderr

  const write = Effect.fnUntraced(function* (piece: Piece) {
    const from = output === "joined" ? "stdout" : piece.from
    const passed = Math.min(over[from], piece.bytes.length)
    over[from] -= passed
    const room = bytesMax - bytes()
    const fresh = piece.bytes.subarray(passed, passed + room)
    if (fresh.length > 0) {
      lastAt = yield* Clock.currentTimeMillis
      yield* sink.write(from, fresh)
      has[from] += fresh.length
    }
    if (piece.bytes.length - passed > room) yield* Deferred.succeed(full, undefined)
  }, Effect.uninterruptible)

  const stepOutput: StepOutput = {
    write,
    readAgain: Effect.sync(() => Object.assign(over, has)),
    bytes,
    lastAt: () => lastAt,
    missing: () => over.stdout + over.stderr,
    full: Deferred.await(full),
    isFull: () => Deferred.isDoneUnsafe(full)
  }
  return stepOutput
})
