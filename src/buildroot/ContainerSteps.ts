/**
 * One recorded container: its intent in the journal before the engine hears of it, each of its transitions as it
 * happens, its output in a capture of its own and in the logs that people know.
 */

import { stat } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Exit, HashMap, Option, Schema } from "effect"
import { order } from "../core/AttemptCommand.ts"
import { type AttemptState, containersLeft } from "../core/AttemptState.ts"
import { ContainerName, StepPath } from "../core/Ids.ts"
import { type Capture, captureTo, continueCapture } from "../engine/Capture.ts"
import type { Capabilities, Network, VolumeMount } from "../engine/ContainerSpec.ts"
import { ContainerExit, ContainerSpec } from "../engine/ContainerSpec.ts"
import { type ContainerEvent, Engine, type EngineError, leaveRunning, type OutputSink } from "../engine/Engine.ts"
import { containerLabels, containerName } from "../engine/Labels.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { GiveBack, RefuseTask, type TaskFailure } from "../koji/Fault.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { failedRootImage } from "./FailedRoot.ts"
import { containerLog, KojiLogs } from "./KojiLogs.ts"
import { mockStatus } from "./MockStatus.ts"
import { Workspace } from "./Workspace.ts"

/** What a step says of its container; everything else follows from the attempt and the settings. */
export interface ContainerRequest {
  /** The path of the step that this container is the work of. */
  readonly step: string
  /** Which container of the step, where it has several. */
  readonly part: string | null
  readonly image: string
  readonly command: ReadonlyArray<string>
  readonly environment: Readonly<Record<string, string>>
  readonly user: "root" | "build"
  readonly capabilities: Capabilities
  readonly network: Network
  readonly mounts: ReadonlyArray<VolumeMount>
  readonly workingDirectory: string
  /** Where the output goes besides the capture: names of Koji's logs. */
  readonly logs: ReadonlyArray<string>
  readonly wallSeconds: number
  readonly commit: ContainerSpec["commit"]
  /** Its root is kept when it fails, which it does not with one of these exit codes. */
  readonly keepFailed?: { readonly unless: ReadonlyArray<number> }
}

const encodeSpec = Schema.encodeSync(Schema.toCodecJson(ContainerSpec))
const encodeExit = Schema.encodeSync(Schema.toCodecJson(ContainerExit))

const decodeExit = Schema.decodeUnknownEffect(Schema.toCodecJson(ContainerExit))

/** The capture's file, below the attempt's captures; each further run of a container has one of its own. */
const captureName = (step: string, part: string | null, run: number): string => {
  const name = [step, ...(part === null ? [] : [part])].join("/").replaceAll("/", "-")
  return run === 1 ? `${name}.out` : `${name}.${run}.out`
}

/**
 * What is asked of the engine for a container, of what the program would ask: a recorded build that is run again asks for
 * what was recorded. The default changes nothing.
 */
export const asAsked = Context.Reference<(spec: ContainerSpec) => ContainerSpec>(
  "adjutant/buildroot/ContainerSteps/asAsked",
  { defaultValue: () => (spec) => spec }
)

/** How a container ended, and the file that holds what it put out. */
export type Ended = ContainerExit & { readonly capture: string }

/** What has to be done when a container is made, and not when one is taken over. */
export interface Preparation<R> {
  /** Makes the container's directories ready. `again` when an earlier run may have left something in them. */
  readonly prepare?: (again: boolean) => Effect.Effect<unknown, TaskFailure, R>
  /** The command of a further run, where it differs. */
  readonly commandAgain?: ReadonlyArray<string>
}

/** How often a container is run whose end nobody saw, before the task is given back. */
const runsMax = 3

/**
 * A builder's disk that others fill says nothing of the task: it is another builder's turn, or this one's in a while.
 * It is not given away so for ever: what finds no room in the third attempt here, whatever became of those before, may
 * want more than there is, and its owner is told.
 */
const attemptsWithoutRoomMax = 3

/**
 * The end of a step's container. It is gone from the engine, and from the journal's books, on return.
 *
 * What an earlier process began is taken over: the end that it recorded, or the container that still runs or has ended
 * meanwhile. One whose end nobody can know is run again from its image, its output following in the same logs.
 */
export const runContainer = Effect.fn("runContainer")(function* <R = never>(
  request: ContainerRequest,
  preparation: Preparation<R> = {}
) {
  const engine = yield* Engine
  const journal = yield* AttemptJournal
  const logs = yield* KojiLogs
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace
  const asked = yield* asAsked

  const place = request.part === null ? request.step : `${request.step}/${request.part}`
  const identity = { instance: settings.instance, task: journal.task, attempt: journal.attempt, step: place }
  const name = ContainerName.make(containerName(identity))
  const step = StepPath.make(request.step)
  const names = [...request.logs, containerLog]
  const specOf = (command: ReadonlyArray<string>): ContainerSpec => ({
    name,
    image: request.image,
    command,
    environment: request.environment,
    user: request.user === "root" ? "0:0" : "1000:135",
    workingDirectory: request.workingDirectory,
    hostname: "mock",
    // The operator's come first: ours are never overwritten.
    labels: {
      ...settings.labels,
      ...containerLabels({ ...identity, workerId: settings.workerId, bootId: settings.bootId })
    },
    mounts: request.network === "none" ? request.mounts : [...request.mounts, ...settings.installMounts],
    tmpfs: {},
    network: request.network,
    capabilities: request.capabilities,
    readOnlyRoot: false,
    limits: { ...settings.limits, wallSeconds: request.wallSeconds },
    output: "joined",
    commit: request.commit,
    ...(request.keepFailed === undefined || settings.failedRootBytesMax === 0
      ? {}
      : { commitFailed: { ...failedRootImage(settings.instance, journal), ...request.keepFailed } })
  })
  const captureOf = (run: number) => captureName(request.step, request.part, run)

  const record = (command: Parameters<typeof journal.submit>[0]) =>
    journal.submit(command).pipe(Effect.orDie, Effect.asVoid)
  const watch = (event: ContainerEvent) => {
    switch (event._tag) {
      case "Created":
        return record(order.ConfirmCreated.make({ container: name, id: event.id }))
      case "Started":
        return record(order.ConfirmStarted.make({ container: name, startedAt: event.startedAt }))
      case "Exited":
        return record(order.ConfirmExited.make({ container: name, exit: encodeExit(event.exit) }))
      case "Removed":
        return record(order.ConfirmRemoved.make({ container: name }))
    }
  }
  const into = (capture: Capture): OutputSink => ({
    // Both or neither: a log is made again from its capture.
    write: (from, bytes) =>
      Effect.uninterruptible(capture.write(from, bytes).pipe(Effect.andThen(logs.output(names, bytes))))
  })
  /** Removed once more, also if it was never made: what cannot be removed stays in the books as left. */
  const removed = engine.remove(name).pipe(
    Effect.andThen(record(order.ConfirmRemoved.make({ container: name }))),
    Effect.catch((error) => record(order.Note.make({ text: `${name} could not be removed: ${error.message}` }))),
    Effect.ignoreCause
  )
  const gone = <A, E, R2>(use: Effect.Effect<A, E, R2>) =>
    Effect.onExit(use, (exit) =>
      Effect.gen(function* () {
        const handedOver = Exit.isFailure(exit) && (yield* yield* leaveRunning)
        if (!handedOver) yield* removed
      })
    )

  const run = Effect.fnUntraced(function* (nth: number) {
    if (preparation.prepare !== undefined) yield* preparation.prepare(nth > 1)
    const capture = captureOf(nth)
    const sink = into(yield* captureTo(join(workspace.captures, capture)))
    const first = asked(specOf(request.command))
    const { commandAgain } = preparation
    const spec = nth > 1 && commandAgain !== undefined ? { ...first, command: commandAgain } : first
    yield* record(order.IntendContainer.make({ container: name, step, spec: encodeSpec(spec), capture, logs: names }))
    return yield* gone(engine.run(spec, sink, watch))
  }, Effect.scoped)

  /** Undefined when there is nothing to take over. */
  const adopt = Effect.fnUntraced(function* (nth: number) {
    const capture = yield* continueCapture(join(workspace.captures, captureOf(nth)))
    const held = { stdout: yield* capture.bytes, stderr: 0 }
    return yield* gone(engine.adopt(asked(specOf(request.command)), into(capture), watch, held)).pipe(
      Effect.catchIf(
        (error) => error._tag === "EngineError" && error.reason === "missing",
        () => Effect.succeed(undefined)
      )
    )
  }, Effect.scoped)

  const last = containerOf(yield* journal.state, name)
  let nth = last?.run ?? 0
  let exit: ContainerExit | undefined
  if (last !== undefined) {
    exit = last.exit === null ? undefined : yield* decodeExit(last.exit).pipe(Effect.orDie)
    if (exit !== undefined && last.phase !== "removed") yield* removed
    if (exit === undefined && last.phase !== "removed") {
      exit = yield* adopt(nth).pipe(Effect.catchTag("EngineError", asTaskFailure))
    }
  }
  while (exit === undefined || exit.reason._tag === "Uncertain") {
    const why = exit?.reason._tag === "Uncertain" ? exit.reason.detail : "its container is gone"
    if (nth >= runsMax) return yield* new GiveBack({ message: `nobody saw how ${place} ended, ${nth} times: ${why}` })
    // When nothing of it is in the logs, there is nothing to explain in them.
    if (nth > 0 && (yield* holdsOutput(join(workspace.captures, captureOf(nth))))) {
      yield* logs.append(names, `\nWARNING adjutant:  ${why}: running it again from its image\n`)
    }
    nth++
    exit = yield* run(nth).pipe(Effect.catchTag("EngineError", asTaskFailure))
  }
  const { detail } = mockStatus(exit.reason)
  if (detail !== "") yield* logs.append(names, `\nERROR adjutant:  ${detail}\n`)
  const hasNoRoom = exit.reason._tag === "LimitReached" && exit.reason.limit === "space"
  if (hasNoRoom && journal.attempt < attemptsWithoutRoomMax) {
    return yield* new RefuseTask({ soft: true, message: `no room for ${place}: ${detail}` })
  }
  return { ...exit, capture: join(workspace.captures, captureOf(nth)) } satisfies Ended
})

const holdsOutput = (capture: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    stat(capture).then(
      ({ size }) => size > 0,
      () => false
    )
  )

/**
 * Removes what earlier runs of a step left running, for a step whose outcome came in another way (another attempt had
 * made the image that it was about to make).
 */
export const dropContainers = Effect.fnUntraced(function* (step: string) {
  const engine = yield* Engine
  const journal = yield* AttemptJournal
  const state = yield* journal.state
  for (const container of containersLeft(state)) {
    if (containerOf(state, container)?.step !== step) continue
    yield* engine.remove(container).pipe(Effect.mapError(engineFailure))
    yield* journal.submit(order.ConfirmRemoved.make({ container })).pipe(Effect.orDie)
  }
})

const asTaskFailure = (error: EngineError) => Effect.fail(engineFailure(error))

const containerOf = (state: AttemptState, name: ContainerName) =>
  state._tag === "Unknown" ? undefined : Option.getOrUndefined(HashMap.get(state.containers, name))

/** What an engine's refusal means for the task: given back, or refused so that another host takes it. */
export const engineFailure = (error: EngineError): TaskFailure => {
  const message = `container engine: ${error.operation} ${error.subject}: ${error.message}`
  switch (error.reason) {
    case "unreachable":
    case "timeout":
    case "conflict":
      return new GiveBack({ message })
    case "missing":
    case "refused":
    case "wrong-architecture":
      return new RefuseTask({ soft: true, message })
  }
}

/** A directory of the attempt's own, writable inside. */
export const own = (source: string, target: string, relabel: boolean): VolumeMount => ({
  source,
  target,
  readOnly: false,
  relabel: relabel ? "private" : "none"
})

/** Something a step only reads. */
export const reads = (source: string, target: string, relabel: boolean): VolumeMount => ({
  ...own(source, target, relabel),
  readOnly: true
})
