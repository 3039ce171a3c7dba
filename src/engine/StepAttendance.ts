/**
 * Stays with a running step until it has ended: output, limits, engine outages, and at the end what became of it.
 *
 * Two things go on side by side. One waits for the container's end, or kills it for a limit; waiting begins after the
 * start and asks for "not running", which is right at once, while "next exit" can miss it. The other follows the log.
 * A follow that the engine ends by itself after the exit may still lack the last lines on Docker, and may never end at
 * all on Podman, so it gets a short time after the exit, and then the log is read on to its end without following:
 * on Docker from a time stamp taken a while ago, on Podman, whose stamps are seconds, from its start, passing over
 * what we have. Nothing is read twice if Podman's follow came to its own end: it reads to the end of the file first.
 *
 * An engine that goes away is waited for. Whether a command that ended meanwhile by a signal did so by itself nobody
 * knows then; an exit code is believed, for no engine makes one up while our stop signal is SIGKILL.
 */
import { Clock, Deferred, Effect, Result, Schedule, Stream } from "effect"
import type { ContainerExit, ContainerSpec } from "./ContainerSpec.ts"
import { dockerLogBytes } from "./CreateBody.ts"
import { overBudget } from "./DiskBudget.ts"
import type { EngineClient } from "./DockerodeClient.ts"
import type { OutputSink } from "./Engine.ts"
import { EngineError } from "./Engine.ts"
import { type ContainerAnswer, milliseconds } from "./EngineAnswers.ts"
import { readEnding } from "./ExitReading.ts"
import { killedForMemory } from "./KernelLog.ts"
import { label } from "./Labels.ts"
import { makeLogCursor } from "./LogCursor.ts"
import { makeLogFrames } from "./LogFrames.ts"
import { firstLimit, type LimitReached } from "./StepLimits.ts"
import { makeStepOutput, type StepOutput } from "./StepOutput.ts"

/** The machine that the engine is on. */
export interface Machine {
  /** Different after every start of the machine. */
  readonly bootId: string
  /** Whether there is something at this path. */
  exists(path: string): Effect.Effect<boolean>
}

/** The engine, and the machine that it is on. */
export interface Host extends Machine {
  readonly client: EngineClient
  readonly kind: "docker" | "podman"
  readonly dataRoot: string
}

/** How long an engine may be away, as attempts half a second apart. */
const reconnectAttempts = 120
const reconnectInterval = "500 millis"
/**
 * How long a follow may be quiet after the exit before it is cut. Podman's ends half a second late: a small log is
 * read again in less than that, a large one (it reads 5 MB a second) is worth waiting for.
 */
const quietMillis = (bytes: number): number => Math.min(2000, 50 + bytes / 20_000)
/** Pauses between looks at a follow that ended although the container runs. */
const followInterval = "1 second"
/** How much of its log an engine may keep on disk: four times the limit holds any text with lines of 16 bytes. */
const engineLogBytes = (outputBytes: number): number => 4 * outputBytes + 64 * 1024 * 1024

const sigkill = 128 + 9

/** The end of a step whose container has been started. `seenEnd`: it had ended before we came. */
export const attend = Effect.fnUntraced(function* (
  host: Host,
  started: ContainerAnswer,
  spec: ContainerSpec,
  sink: OutputSink,
  held: { readonly stdout: number; readonly stderr: number },
  seenEnd: boolean
): Effect.fn.Return<ContainerExit, EngineError> {
  const { client } = host
  const id = started.Id
  const startedAt = milliseconds(started.State.StartedAt)
  const output = yield* makeStepOutput({ sink, output: spec.output, bytesMax: spec.limits.outputBytes, held })
  const ended = yield* Deferred.make<LimitReached | undefined>()
  let doubt = seenEnd ? "it ended while nobody watched" : undefined

  const patiently = <A>(effect: Effect.Effect<A, EngineError>) =>
    effect.pipe(
      Effect.tapError(({ reason, message }) =>
        Effect.sync(() => {
          if (reason === "unreachable") doubt ??= `the engine was away while it ran: ${message}`
        })
      ),
      Effect.retry({
        while: ({ reason }) => reason === "unreachable",
        times: reconnectAttempts,
        schedule: Schedule.spaced(reconnectInterval)
      })
    )

  const guard = Effect.gen(function* () {
    const limit = yield* Effect.raceFirst(
      Effect.as(patiently(client.waitContainer(id)), undefined),
      firstLimit(spec.limits, startedAt, output, overBudget(budgetOf(host, started, spec)))
    )
    if (limit !== undefined) {
      yield* patiently(client.killContainer(id))
      yield* patiently(client.waitContainer(id))
    }
    yield* Deferred.succeed(ended, limit)
    return limit
  })
  const [limit] = yield* Effect.all([guard, readLog(host, id, output, ended, patiently)], {
    concurrency: 2
  })

  const { State } = yield* patiently(client.inspectContainer(id))
  const finishedAt = milliseconds(State.FinishedAt)
  const outOfMemory = State.OOMKilled || (yield* podmanOutOfMemory(host, id, State.ExitCode, limit))
  if (State.ExitCode === sigkill && limit === undefined && !outOfMemory) {
    const told = yield* Effect.result(client.killedThroughEngine(id, startedAt, finishedAt))
    if (Result.isFailure(told)) doubt ??= `the engine went away when it ended: ${told.failure.message}`
    else if (told.success) doubt ??= "somebody told the engine to kill it"
  }
  const bootId = started.Config.Labels?.[label.bootId]
  const rebooted = bootId !== undefined && bootId !== host.bootId
  return {
    reason: readEnding({ exitCode: State.ExitCode, outOfMemory, limit, doubt, rebooted }, spec.limits),
    startedAt,
    finishedAt,
    outputBytes: output.bytes(),
    missingBytes: output.missing(),
    committed: null
  }
})

/** Follows the log until `ended`, and then reads it to its very end. */
const readLog = Effect.fnUntraced(function* (
  host: Host,
  id: string,
  output: StepOutput,
  ended: Deferred.Deferred<LimitReached | undefined>,
  patiently: <A>(effect: Effect.Effect<A, EngineError>) => Effect.Effect<A, EngineError>
) {
  const stamped = host.kind === "docker"
  const cursor = makeLogCursor()
  const read = (follow: boolean) =>
    Effect.gen(function* () {
      if (!stamped) yield* output.readAgain
      const since = stamped ? cursor.reopen() : undefined
      const frames = makeLogFrames(stamped ? { _tag: "stamped", accept: cursor.accept } : { _tag: "plain" })
      yield* Stream.runForEach(host.client.containerLog(id, { follow, timestamps: stamped, since }), (slice) => {
        const pieces = frames.push(slice)
        // What the cursor has counted must be written: a reading may be cut, but not in here.
        return Result.isSuccess(pieces)
          ? Effect.uninterruptible(Effect.forEach(pieces.success, output.write, { discard: true }))
          : Effect.fail(badLog(id, pieces.failure.message))
      })
      if (!frames.atBoundary)
        yield* new EngineError({ ...about(id), reason: "unreachable", message: "the log broke off" })
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
  let whole = false
  while (!whole) {
    const how = yield* Effect.raceAllFirst([
      // An outage is the guard's to wait for; the log is taken up again where it broke off.
      patiently(read(true)).pipe(
        Effect.as("read" as const),
        Effect.catchIf(isGone, () => Effect.succeed("cut" as const))
      ),
      cut,
      enough
    ])
    if (how === "enough") return
    if (how === "cut") break
    // The engine ended the follow: because of the exit, of which we hear at the same time, or for reasons of its own.
    yield* Effect.raceFirst(Deferred.await(ended), Effect.sleep(followInterval))
    whole = yield* Deferred.isDone(ended)
  }
  yield* Deferred.await(ended)
  if (!whole || stamped) yield* Effect.raceFirst(patiently(read(false)), enough)
})

const isGone = ({ reason }: EngineError): boolean => reason === "missing"

const about = (id: string) => ({ operation: "logs", subject: id })
const badLog = (id: string, message: string) => new EngineError({ ...about(id), reason: "refused", message })

const podmanOutOfMemory = (host: Host, id: string, exitCode: number, limit: LimitReached | undefined) =>
  host.kind === "podman" && exitCode !== 0 && limit === undefined ? killedForMemory(id) : Effect.succeed(false)

const budgetOf = (host: Host, started: ContainerAnswer, spec: ContainerSpec) => {
  const layer = started.GraphDriver?.Data?.["UpperDir"]
  const writable = (started.Mounts ?? []).flatMap(({ Source, RW }) => (RW && Source ? [Source] : []))
  const local =
    host.kind === "docker" ? `${host.dataRoot}/containers/${started.Id}/local-logs/container.log` : started.LogPath
  const bytesMax = Math.min(engineLogBytes(spec.limits.outputBytes), dockerLogBytes(spec.limits.outputBytes))
  return {
    paths: layer === undefined ? writable : [layer, ...writable],
    diskBytes: spec.limits.diskBytes,
    log: local ? { path: local, bytesMax, outputBytes: spec.limits.outputBytes } : null
  }
}
