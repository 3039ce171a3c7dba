/**
 * Reads a running step's log on Docker to its very end.
 *
 * The log is followed while the step runs. When it has ended the follow gets a short time to end too, and is not
 * believed: it may lack the last lines. So the log is read once more to its end, without following, from a time stamp
 * taken a while ago.
 */
import { Clock, Deferred, Effect } from "effect"
import { lastLineEnded } from "./DockerLogFile.ts"
import { makeLogCursor } from "./LogCursor.ts"
import type { LogFrames } from "./LogFrames.ts"
import { isSpoilt, type LogReading, readFrames, wholeLog } from "./LogReading.ts"

/** How long a follow may be quiet after the exit before it is cut: the larger a log, the longer it takes to read again. */
const quietMillis = (bytes: number): number => Math.min(2000, 50 + bytes / 20_000)
/** Pauses between looks at a follow that ended although the container runs. */
const followInterval = "1 second"

/** Returns when the sink has everything. */
export const readDockerLog = Effect.fnUntraced(function* (reading: LogReading) {
  const { id, output, ended, patiently } = reading
  const cursor = makeLogCursor()
  const cut = Effect.gen(function* () {
    yield* Deferred.await(ended)
    const endedAt = yield* Clock.currentTimeMillis
    while ((yield* Clock.currentTimeMillis) - Math.max(endedAt, output.lastAt()) < quietMillis(output.bytes())) {
      yield* Effect.sleep("25 millis")
    }
  })
  const followed = readFrames(reading, { follow: true, cursor }, output.write).pipe(
    patiently,
    Effect.asVoid,
    Effect.catchIf(isSpoilt, (error) => Effect.logDebug(`following the log of ${id}: ${error.message}`))
  )
  while (!(yield* Deferred.isDone(ended))) {
    yield* Effect.raceFirst(followed, cut)
    // The engine ended the follow: because of the exit, of which we hear at the same time, or for reasons of its own.
    yield* Effect.raceFirst(Deferred.await(ended), Effect.sleep(followInterval))
  }
  yield* mendLastLine(reading, yield* wholeLog(reading, cursor))
})

const mendLastLine = Effect.fnUntraced(function* (reading: LogReading, frames: LogFrames) {
  for (const from of ["stdout", "stderr"] as const) {
    if (!frames.mayLackLineEnd(from)) continue
    const ended = reading.file === null ? undefined : yield* lastLineEnded(reading.file, from)
    // If the file cannot be seen: a long line without its end is rare, and one more line break harmless.
    if (ended ?? true) yield* reading.output.write({ from, bytes: Uint8Array.of(0x0a) })
  }
})
