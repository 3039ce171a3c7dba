/**
 * Stays with a running step until it has ended: output, limits, engine outages, and at the end what became of it.
 *
 * Two things go on side by side: one waits for the container's end, or kills it for a limit; the other reads its log.
 * Waiting begins after the start and asks for "not running", which is right at once; "next exit" could miss it.
 *
 * An engine that goes away is waited for. Whether a command that ended by a signal later on did so by itself nobody
 * knows then; an exit code is believed, for no engine makes one up while our stop signal is SIGKILL. But of a command that
 * ended while Docker was away the last lines are lost, whatever its code: Docker itself reads what its containers say.
 * Podman does not, its service is nobody's reader. Whether Docker was there when we were not, its events tell.
 */
import { Deferred, Effect, Result, type Scope } from "effect"
import type { ContainerExit, ContainerSpec } from "./ContainerSpec.ts"
import { logMaximumBytes } from "./CreateBody.ts"
import { overBudget } from "./DiskBudget.ts"
import type { EngineClient } from "./DockerodeClient.ts"
import type { EngineError, OutputSink } from "./Engine.ts"
import { type ContainerAnswer, milliseconds } from "./EngineAnswers.ts"
import { readEnding } from "./ExitReading.ts"
import type { GrowingFile } from "./GrowingFile.ts"
import { label } from "./Labels.ts"
import type { Patience } from "./Patience.ts"
import { firstLimit, type LimitReached } from "./StepLimits.ts"
import { readLog } from "./StepLog.ts"
import { makeStepOutput } from "./StepOutput.ts"

/** The machine that the engine is on. */
export interface Machine {
  /** Different after every start of the machine. */
  readonly bootId: string
  /** Whether there is something at this path. */
  exists(path: string): Effect.Effect<boolean>
  /** The length of a file; 0 if it is not there or not for us. */
  fileBytes(path: string): Effect.Effect<number>
  /** A file that somebody else writes; undefined if it is not there or not for us. */
  openGrowing(path: string): Effect.Effect<GrowingFile | undefined, never, Scope.Scope>
  /** Whether the kernel's log says that it killed something in this container for want of memory. */
  killedForMemory(containerId: string): Effect.Effect<boolean>
  /** Succeeds when there is hardly any room left and the container, which writes to these paths, has taken much of it. */
  outOfSpace(containerId: string, paths: ReadonlyArray<string>): Effect.Effect<LimitReached>
}

/** The engine, and the machine that it is on. */
export interface Host extends Machine {
  readonly client: EngineClient
  readonly patience: Patience
  readonly kind: "docker" | "podman"
  readonly dataRoot: string
}

/** How much of its log an engine may keep on disk: four times the limit holds any text with lines of 16 bytes. */
const engineLogBytes = (outputBytes: number): number => 4 * outputBytes + 64 * 1024 * 1024

const sigkill = 128 + 9
/** Engines note a kill after they have sent it. */
const eventLagMillis = 2000

/** How much of the output the sink has had before. */
export interface Held {
  readonly stdout: number
  readonly stderr: number
}

/** The end of a step whose container has been started. `unseen`: it had ended before we came. */
export const attend = Effect.fnUntraced(function* (
  host: Host,
  started: ContainerAnswer,
  spec: ContainerSpec,
  sink: OutputSink,
  held: Held,
  unseen: boolean
): Effect.fn.Return<ContainerExit, EngineError> {
  const { client } = host
  const { limits } = spec
  const id = started.Id
  const startedAt = milliseconds(started.State.StartedAt)
  const output = yield* makeStepOutput({ sink, output: spec.output, bytesMax: limits.outputBytes, held })
  const ended = yield* Deferred.make<LimitReached | undefined>()
  const file = logFile(host, started)
  const vigil = host.patience.vigil()
  const patiently = vigil.ask

  const guard = Effect.gen(function* () {
    const writable = writablePaths(started)
    const disk = overBudget({
      paths: writable,
      diskBytes: limits.diskBytes,
      log:
        file === null
          ? null
          : {
              bytes: host.fileBytes(file),
              bytesMax: logBytesMax(limits.outputBytes),
              outputBytes: limits.outputBytes
            }
    })
    const limit = yield* Effect.raceFirst(
      Effect.as(patiently(client.waitContainer(id, host.kind)), undefined),
      firstLimit(limits, startedAt, output, Effect.raceFirst(disk, host.outOfSpace(id, writable)))
    )
    if (limit !== undefined) {
      yield* patiently(client.killContainer(id))
      yield* patiently(client.waitContainer(id, host.kind))
    }
    yield* Deferred.succeed(ended, limit)
    return limit
  })
  const open = file === null ? Effect.succeed(undefined) : host.openGrowing(file)
  const { silenceSeconds } = limits
  const reading = readLog({ client, kind: host.kind, id, file, open, output, silenceSeconds, ended, patiently })
  const [reached] = yield* Effect.all([guard, reading], { concurrency: 2 })
  // A command may have ended before we came to what it wrote beyond the limit.
  const limit: LimitReached | undefined =
    reached ?? (output.isFull() ? { limit: "output", value: limits.outputBytes } : undefined)

  const { State } = yield* patiently(client.inspectContainer(id))
  const exitCode = State.ExitCode
  // Podman takes it from a file's time, which the kernel sets a few milliseconds early.
  const finishedAt = Math.max(startedAt, milliseconds(State.FinishedAt))
  const asksKernel = exitCode !== 0 && limit === undefined && !State.OOMKilled
  const missed = vigil.firstMissed()
  let doubt = unseen ? "it ended while nobody watched" : undefined
  if (missed !== undefined) doubt ??= `the engine was away while it ran: ${missed}`
  const outOfMemory = State.OOMKilled || (asksKernel && (yield* host.killedForMemory(id)))
  if (exitCode === sigkill && limit === undefined && !outOfMemory) {
    const told = yield* Effect.result(client.sawHappen(id, host.kind, "kill", startedAt, finishedAt + eventLagMillis))
    if (Result.isFailure(told)) doubt ??= `the engine went away when it ended: ${told.failure.message}`
    else if (told.success) doubt ??= "somebody told the engine to kill it"
  }
  // A Docker that comes back dates what it finds ended to its own start.
  const unread =
    host.kind === "docker" &&
    (vigil.wasAwayAt(finishedAt) ||
      (unseen && !(yield* patiently(client.sawHappen(id, host.kind, "die", startedAt, finishedAt + eventLagMillis)))))
  const bootId = started.Config.Labels?.[label.bootId]
  const rebooted = bootId !== undefined && bootId !== host.bootId
  return {
    reason: readEnding({ exitCode, outOfMemory, limit, doubt, endedUnread: unread, rebooted }, limits),
    startedAt,
    finishedAt,
    outputBytes: output.bytes(),
    missingBytes: output.missing(),
    committed: null
  }
})

/** Where the engine keeps the container's log, if it says so or we know; Podman's path has the container's id in it. */
const logFile = (host: Host, { Id, LogPath }: ContainerAnswer): string | null => {
  if (host.kind === "docker") return `${host.dataRoot}/containers/${Id}/local-logs/container.log`
  return LogPath?.split("/").includes(Id) ? LogPath : null
}

const logBytesMax = (outputBytes: number): number => Math.min(engineLogBytes(outputBytes), logMaximumBytes(outputBytes))

/** The container's own layer, and what is mounted to be written. */
const writablePaths = ({ GraphDriver, Mounts }: ContainerAnswer): ReadonlyArray<string> => {
  const layer = GraphDriver?.Data?.["UpperDir"]
  const mounts = (Mounts ?? []).flatMap(({ Source, RW }) => (RW && Source ? [Source] : []))
  return layer === undefined ? mounts : [layer, ...mounts]
}
