/** A running step's log, from its beginning to its very end or to the limit. Each engine is read in its own way. */
import { Deferred, Effect } from "effect"
import { readDockerLog } from "./DockerLog.ts"
import type { EngineError } from "./Engine.ts"
import type { LogReading } from "./LogReading.ts"
import { readPodmanLog } from "./PodmanLog.ts"

/** Returns when the sink has everything, or as much as the limit. */
export const readLog = (reading: LogReading): Effect.Effect<void, EngineError> => {
  const { output, ended } = reading
  /** More than the limit was written, here or in the engine's own log: what we have is enough. */
  const enough = Effect.raceFirst(
    output.full,
    Effect.flatMap(Deferred.await(ended), (limit) => (limit?.limit === "output" ? Effect.void : Effect.never))
  )
  return Effect.raceFirst(reading.kind === "podman" ? readPodmanLog(reading) : readDockerLog(reading), enough)
}
