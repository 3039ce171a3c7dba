/**
 * One reading of a step's log through the engine's API, and the last one, after the step's end. How they make up the
 * whole differs between the engines (DockerLog, PodmanLog).
 *
 * A reading that breaks off because the engine went away is taken up where it broke off. So is one into which the
 * engine wrote an error of its own: Podman does that to a log that is asked for just as its container ends.
 */
import { type Deferred, Effect, Result, type Scope, Stream } from "effect"
import type { EngineClient } from "./DockerodeClient.ts"
import { EngineError } from "./Engine.ts"
import type { GrowingFile } from "./GrowingFile.ts"
import type { LogCursor } from "./LogCursor.ts"
import { type LogFrames, makeLogFrames, type Piece } from "./LogFrames.ts"
import type { LimitReached } from "./StepLimits.ts"
import type { StepOutput } from "./StepOutput.ts"

export interface LogReading {
  readonly client: EngineClient
  readonly kind: "docker" | "podman"
  readonly id: string
  /** Where the engine keeps the log, if it says so. */
  readonly file: string | null
  /** That file, if it is to be seen (Podman's). */
  readonly open: Effect.Effect<GrowingFile | undefined, never, Scope.Scope>
  readonly output: StepOutput
  /** After so much silence the step is ended. */
  readonly silenceSeconds: number
  /** The step's end, and the limit that ended it. */
  readonly ended: Deferred.Deferred<LimitReached | undefined>
  /** Waits for an engine that is away. */
  patiently<A>(effect: Effect.Effect<A, EngineError>): Effect.Effect<A, EngineError>
}

/** Times that the reading after the end is begun again when the engine spoils it. */
const lastReadingTries = 3

/** The log to its end, without following, after the step's. */
export const wholeLog = (reading: LogReading, cursor?: LogCursor): Effect.Effect<LogFrames, EngineError> => {
  const read = (from: "time" | "end") =>
    reading.patiently(readFrames(reading, { follow: false, cursor, from }, reading.output.write))
  return read("end").pipe(
    Effect.catchIf(isSpoilt, () => Effect.retry(read("time"), { times: lastReadingTries - 1, while: isSpoilt }))
  )
}

/** One reading through the API: on from the cursor, or from the start and over what the sink has. */
export const readFrames = Effect.fnUntraced(function* (
  { client, id, output }: LogReading,
  how: { readonly follow: boolean; readonly cursor?: LogCursor | undefined; readonly from?: "time" | "end" },
  write: (piece: Piece) => Effect.Effect<void>
) {
  const { follow, cursor, from = "time" } = how
  if (cursor === undefined) yield* output.readAgain
  const place = cursor?.reopen(from)
  const frames = makeLogFrames(cursor === undefined ? { _tag: "plain" } : { _tag: "stamped", accept: cursor.accept })
  const log = client.containerLog(id, { follow, timestamps: cursor !== undefined, ...place })
  yield* Stream.runForEach(log, (slice) => {
    const pieces = frames.push(slice)
    // What the cursor has counted must be written: a reading may be cut, but not in here.
    return Result.isSuccess(pieces)
      ? Effect.uninterruptible(Effect.forEach(pieces.success, write, { discard: true }))
      : Effect.fail(logProblem(id, "refused", pieces.failure.message))
  })
  if (!frames.atBoundary()) return yield* logProblem(id, "unreachable", "the log broke off in the middle of a frame")
  return frames
})

/** The engine answered, and with something that is no log. */
export const isSpoilt = ({ operation, reason }: EngineError): boolean => operation === "logs" && reason === "refused"

export const logProblem = (id: string, reason: EngineError["reason"], message: string) =>
  new EngineError({ operation: "logs", subject: id, reason, message })
