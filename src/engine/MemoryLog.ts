/** The log and the terminal of a container in memory, read as the engine would let them be read. */
import { Deferred, Effect, Stream } from "effect"
import type { LogRequest } from "./DockerodeClient.ts"
import type { EngineError } from "./Engine.ts"
import type { MemoryEngineOptions } from "./MemoryEngine.ts"
import type { LogEntry, MemoryContainer } from "./MemoryModel.ts"

/** As Podman's: a follow drops entries from the middle, another reading ends with half of an entry while the step runs. */
export const logOf = (
  options: MemoryEngineOptions,
  found: MemoryContainer,
  request: LogRequest
): Stream.Stream<LogEntry, EngineError> => {
  const podman = options.kind === "podman"
  const kept = request.follow ? (options.followLosesLast ?? 0) : 0
  const next = (at: number): Effect.Effect<readonly [LogEntry, number] | undefined, EngineError> =>
    Effect.suspend(() => {
      const entry = found.log[at]
      const torn = podman && !request.follow && found.state === "running" && at + 1 === found.log.length
      if (entry !== undefined && torn) return Effect.succeed([halfOf(entry), Number.POSITIVE_INFINITY] as const)
      if (entry !== undefined && found.log.length - at > kept) {
        return Effect.succeed([entry, podman && request.follow && at % 7 === 6 ? at + 2 : at + 1] as const)
      }
      if (!request.follow || found.state !== "running") {
        return request.follow && options.followNeverEnds ? Effect.never : Effect.succeed(undefined)
      }
      return Effect.flatMap(Deferred.await(found.changed), () => next(at))
    })
  const first = request.tail === undefined ? 0 : Math.max(0, found.log.length - request.tail)
  return Stream.unfold(first, next).pipe(Stream.filter(({ stamp }) => since(stamp, request.since)))
}

/** What a container says, from its start to its end, as it says it. */
export const terminalOf = (found: MemoryContainer): Stream.Stream<Uint8Array, EngineError> => {
  const next = (at: number): Effect.Effect<readonly [Uint8Array, number] | undefined> =>
    Effect.suspend(() => {
      const entry = found.log[at]
      if (entry !== undefined) return Effect.succeed([entry.bytes, at + 1] as const)
      if (found.state === "exited") return Effect.succeed(undefined)
      return Effect.flatMap(Deferred.await(found.changed), () => next(at))
    })
  return Stream.unfold(0, next)
}

/** `since` is inclusive, in `seconds.nanoseconds`. */
const since = (stamp: string, from: string | undefined): boolean => {
  if (from === undefined) return true
  const [seconds = "", nanoseconds = ""] = from.split(".")
  const start = `${new Date(1000 * Number(seconds)).toISOString().slice(0, 19)}.${nanoseconds}Z`
  return stamp >= start
}

/** An entry as it goes over the wire. */
export const frame = (entry: LogEntry, stamped: boolean): Uint8Array => {
  const stamp = stamped ? new TextEncoder().encode(`${entry.stamp} `) : new Uint8Array()
  const bytes = new Uint8Array(8 + stamp.length + entry.bytes.length)
  bytes[0] = entry.from === "stderr" ? 2 : 1
  new DataView(bytes.buffer).setUint32(4, stamp.length + entry.bytes.length)
  bytes.set(stamp, 8)
  bytes.set(entry.bytes, 8 + stamp.length)
  return bytes
}

const halfOf = (entry: LogEntry): LogEntry => {
  const half = entry.bytes.subarray(0, Math.floor(entry.bytes.length / 2))
  return { ...entry, bytes: Buffer.concat([half, Uint8Array.of(0x0a)]) }
}

/** What Podman writes into a log that it cannot go on with: its JSON, where a frame should be. */
export const spoiled = new TextEncoder().encode(
  '{"cause":"container is gone","message":"container is gone","response":500}\n'
)
