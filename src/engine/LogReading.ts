/**
 * Reads a running step's log to its very end, through whatever the engine does meanwhile.
 *
 * The log is followed while the step runs. When it has ended the follow gets a short time to end too, for Podman's
 * never may, and is not believed: Docker's may lack the last lines, Podman's drops lines when the reader is slow. So
 * the log is read once more to its end, without following. On Docker that begins at a time stamp taken a while ago; on
 * Podman, whose stamps are seconds, it would begin at the start and pass over what we have, and is spared if the
 * engine's file is just as long as what we have read would make it.
 *
 * A reading that breaks off because the engine went away is taken up where it broke off. So is one into which the
 * engine wrote an error of its own: Podman does that to a log that is asked for just as its container ends.
 */
import { Clock, Deferred, Effect, Result, Stream } from "effect"
import { lastLineEnded } from "./DockerLogFile.ts"
import type { EngineClient } from "./DockerodeClient.ts"
import { EngineError } from "./Engine.ts"
import { makeLogCursor } from "./LogCursor.ts"
import { type LogFrames, makeLogFrames } from "./LogFrames.ts"
import type { LimitReached } from "./StepLimits.ts"
import type { StepOutput } from "./StepOutput.ts"

export interface LogReading {
  readonly client: EngineClient
  readonly id: string
  /** Docker's entries have stamps to the nanosecond; Podman's are of no use. */
  readonly stamped: boolean
  /** Where the engine keeps the log, if it is to be seen. */
  readonly file: string | null
  fileBytes(path: string): Effect.Effect<number>
  readonly output: StepOutput
  /** The step's end, and the limit that ended it. */
  readonly ended: Deferred.Deferred<LimitReached | undefined>
  /** Waits for an engine that is away. */
  patiently<A>(effect: Effect.Effect<A, EngineError>): Effect.Effect<A, EngineError>
}

/**
 * How long a follow may be quiet after the exit before it is cut. Podman's ends half a second late: a small log is
 * read again in less than that, a large one (it reads 5 MB a second) is worth waiting for.
 */
const quietMillis = (bytes: number): number => Math.min(2000, 50 + bytes / 20_000)
/** Pauses between looks at a follow that ended although the container runs. */
const followInterval = "1 second"
/** What a line of Podman's `k8s-file` has besides the output: `2026-01-31T16:29:15.123456789+00:00 stdout F `. */
const podmanLineBytes = 45

/** Times that the reading after the end is begun again when the engine spoils it. */
const lastReadingTries = 3

/** Returns when the sink has everything, or as much as the limit. */
export const readLog = Effect.fnUntraced(function* (reading: LogReading) {
  const { id, stamped, output, ended, patiently } = reading
  const cursor = makeLogCursor()

  const read = (follow: boolean) =>
    Effect.gen(function* () {
      if (!stamped) yield* output.readAgain
      const since = stamped ? cursor.reopen() : undefined
      const frames = makeLogFrames(stamped ? { _tag: "stamped", accept: cursor.accept } : { _tag: "plain" })
      yield* Stream.runForEach(reading.client.containerLog(id, { follow, timestamps: stamped, since }), (slice) => {
        const pieces = frames.push(slice)
        // What the cursor has counted must be written: a reading may be cut, but not in here.
        return Result.isSuccess(pieces)
          ? Effect.uninterruptible(Effect.forEach(pieces.success, output.write, { discard: true }))
          : Effect.fail(problem(id, "refused", pieces.failure.message))
      })
      if (!frames.atBoundary()) return yield* problem(id, "unreachable", "the log broke off in the middle of a frame")
      return frames
    })

  const cut = Effect.gen(function* () {
    yield* Deferred.await(ended)
    const endedAt = yield* Clock.currentTimeMillis
    while ((yield* Clock.currentTimeMillis) - Math.max(endedAt, output.lastAt()) < quietMillis(output.bytes())) {
      yield* Effect.sleep("25 millis")
    }
    return "cut" as const
  })
  /** More than the limit was written, here or in the engine's own log: what we have is enough. */
  const enough = Effect.raceFirst(
    output.full,
    Effect.flatMap(Deferred.await(ended), (limit) => (limit?.limit === "output" ? Effect.void : Effect.never))
  ).pipe(Effect.as("enough" as const))

  const followed = Effect.catchIf(patiently(read(true)), isSpoilt, (error) =>
    Effect.as(Effect.logDebug(`following the log of ${id}: ${error.message}`), "spoilt" as const)
  )

  while (true) {
    const how = yield* Effect.raceAllFirst([followed, cut, enough])
    if (how === "enough") return
    if (how === "cut") break
    // The engine ended the follow: because of the exit, of which we hear at the same time, or for reasons of its own.
    yield* Effect.raceFirst(Deferred.await(ended), Effect.sleep(followInterval))
    if (!(yield* Deferred.isDone(ended))) continue
    if (how !== "spoilt" && !stamped && (yield* isWhole(reading, how))) return
    break
  }
  const wholeLog = Effect.retry(patiently(read(false)), { times: lastReadingTries, while: isSpoilt })
  const last = yield* Effect.raceFirst(wholeLog, enough)
  if (last !== "enough" && stamped) yield* mendLastLine(reading, last)
})

/** Whether Podman's file is just as long as what went by would make it. Any doubt costs a reading, no more. */
const isWhole = Effect.fnUntraced(function* (reading: LogReading, frames: LogFrames) {
  if (reading.file === null) return false
  const { entries, unended, bytes } = frames.passed()
  return (yield* reading.fileBytes(reading.file)) === entries * podmanLineBytes + unended + bytes
})

const mendLastLine = Effect.fnUntraced(function* (reading: LogReading, frames: LogFrames) {
  for (const from of ["stdout", "stderr"] as const) {
    if (!frames.mayLackLineEnd(from)) continue
    const ended = reading.file === null ? undefined : yield* lastLineEnded(reading.file, from)
    // If the file cannot be seen: a long line without its end is rare, and one more line break harmless.
    if (ended ?? true) yield* reading.output.write({ from, bytes: Uint8Array.of(0x0a) })
  }
})

/** The engine answered, and with something that is no log. */
const isSpoilt = ({ operation, reason }: EngineError): boolean => operation === "logs" && reason === "refused"

const problem = (id: string, reason: EngineError["reason"], message: string) =>
  new EngineError({ operation: "logs", subject: id, reason, message })
