/**
 * Reads a running step's log on Podman to its very end, and not a byte else.
 *
 * Podman's own follow is not used. It is a tail over the log's file, and when it comes upon a line of which only the
 * beginning is written yet, it takes that for a whole line and goes on at what is the end of the file by then: the rest
 * of the line, and all that was written meanwhile, is dropped from the middle of the log without a word. The busier the
 * machine, the more often.
 *
 * So we follow the file ourselves where we can see it: what is in it is exact and in order, and Podman says that a
 * container has ended only after all of its output is there.
 *
 * Where we cannot (Podman's files are not for us, or on another machine) the log is read whole, without following, again
 * and again, with rests that are several times as long as a reading took; what the sink has is passed over. Such a
 * reading may end with a line that was half written, to which Podman adds a line break: while the step runs, the last
 * byte of each reading is left to the next one that has more, or to the one after the end.
 */
import { Deferred, Duration, Effect, Result } from "effect"
import type { GrowingFile } from "./GrowingFile.ts"
import type { Piece } from "./LogFrames.ts"
import { isSpoilt, type LogReading, logProblem, readFrames, wholeLog } from "./LogReading.ts"
import { makeLogLines } from "./PodmanLogLines.ts"

/** The shortest rest between two readings, and how many times as long as a reading it is. */
const restMillis = 2000
const restFactor = 4
/** A step must not pass for silent because nobody listens: no rest is longer than this part of the limit. */
const silenceFactor = 4

/** Returns when the sink has everything. */
export const readPodmanLog = Effect.fnUntraced(function* (reading: LogReading) {
  const file = yield* reading.open
  if (file !== undefined) return yield* followFile(reading, file)
  yield* Effect.logDebug(`the log of ${reading.id} cannot be seen as a file: it is read through the engine, in turns`)
  yield* readInTurns(reading)
}, Effect.scoped)

const followFile = Effect.fnUntraced(function* ({ id, output, ended }: LogReading, file: GrowingFile) {
  const lines = makeLogLines()
  while (true) {
    // In this order: what was there at the end of the step is seen by a look that begins after it.
    const over = yield* Deferred.isDone(ended)
    const slice = yield* file.next
    if (slice.length === 0) {
      if (over) break
      yield* Effect.raceFirst(Deferred.await(ended), file.grows)
      continue
    }
    const pieces = lines.push(slice)
    if (Result.isFailure(pieces)) return yield* logProblem(id, "refused", pieces.failure.message)
    yield* Effect.forEach(pieces.success, output.write, { discard: true })
  }
  if (!lines.atBoundary())
    yield* Effect.logWarning(`the log of ${id} ends within a line: its last bytes may be missing`)
})

const readInTurns = Effect.fnUntraced(function* (reading: LogReading) {
  const { id, output, ended, patiently } = reading
  const over = Deferred.await(ended)
  const turn = Effect.suspend(() => readFrames(reading, { follow: false }, withoutLastByte(output.write))).pipe(
    Effect.catchIf(isSpoilt, (error) => Effect.logDebug(`reading the log of ${id}: ${error.message}`))
  )
  const restMillisMax = (1000 * reading.silenceSeconds) / silenceFactor
  while (!(yield* Deferred.isDone(ended))) {
    const [took] = yield* Effect.timed(Effect.raceFirst(Effect.asVoid(patiently(turn)), over))
    const rest = Math.max(restMillis, restFactor * Duration.toMillis(took))
    yield* Effect.raceFirst(over, Effect.sleep(Math.min(rest, restMillisMax)))
  }
  yield* wholeLog(reading)
})

/** Passes on all but the last byte of what it is given. */
const withoutLastByte = (write: (piece: Piece) => Effect.Effect<void>): ((piece: Piece) => Effect.Effect<void>) => {
  let kept: Piece | undefined
  return (piece) =>
    Effect.suspend(() => {
      const before = kept
      kept = { from: piece.from, bytes: piece.bytes.slice(-1) }
      const most = { from: piece.from, bytes: piece.bytes.subarray(0, -1) }
      return before === undefined ? write(most) : Effect.andThen(write(before), write(most))
    })
}
