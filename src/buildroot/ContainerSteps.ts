/**
 * One recorded container: its intent in the journal before the engine hears of it, each of its transitions as it
 * happens, its output in a capture of its own and in the logs that people know.
 */

import { join } from "node:path"
import { Effect, Schema } from "effect"
import { order } from "../core/AttemptCommand.ts"
import { ContainerName, StepPath } from "../core/Ids.ts"
import { captureTo } from "../engine/Capture.ts"
import type { Capabilities, ExitReason, Network, VolumeMount } from "../engine/ContainerSpec.ts"
import { ContainerExit, ContainerSpec } from "../engine/ContainerSpec.ts"
import { type ContainerEvent, Engine, type EngineError, type OutputSink } from "../engine/Engine.ts"
import { containerLabels, containerName } from "../engine/Labels.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { GiveBack, RefuseTask, type TaskFailure } from "../koji/Fault.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { containerLog, KojiLogs } from "./KojiLogs.ts"
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
  readonly commit: (typeof ContainerSpec.Type)["commit"]
}

const encodeSpec = Schema.encodeSync(Schema.toCodecJson(ContainerSpec))
const encodeExit = Schema.encodeSync(Schema.toCodecJson(ContainerExit))

/** The capture's file, below the attempt's captures. */
export const captureName = (step: string, part: string | null): string =>
  `${[step, ...(part === null ? [] : [part])].join("/").replaceAll("/", "-")}.out`

/** Runs the container of a step to its end. It is gone from the engine, and from the journal's books, on return. */
export const runContainer = Effect.fn("runContainer")(function* (request: ContainerRequest) {
  const engine = yield* Engine
  const journal = yield* AttemptJournal
  const logs = yield* KojiLogs
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace

  const place = request.part === null ? request.step : `${request.step}/${request.part}`
  const identity = { instance: settings.instance, task: journal.task, attempt: journal.attempt, step: place }
  const name = ContainerName.make(containerName(identity))
  const step = StepPath.make(request.step)
  const spec: ContainerSpec = {
    name,
    image: request.image,
    command: request.command,
    environment: request.environment,
    user: request.user === "root" ? "0:0" : "1000:135",
    workingDirectory: request.workingDirectory,
    hostname: "mock",
    labels: containerLabels({ ...identity, workerId: settings.workerId, bootId: settings.bootId }),
    mounts: request.mounts,
    tmpfs: {},
    network: request.network,
    capabilities: request.capabilities,
    readOnlyRoot: false,
    limits: { ...settings.limits, wallSeconds: request.wallSeconds },
    output: "joined",
    commit: request.commit
  }

  const capture = yield* captureTo(join(workspace.captures, captureName(request.step, request.part)))
  const sink: OutputSink = {
    write: (from, bytes) =>
      capture.write(from, bytes).pipe(Effect.andThen(logs.append([...request.logs, containerLog], bytes)))
  }
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
  const record = (command: Parameters<typeof journal.submit>[0]) =>
    journal.submit(command).pipe(Effect.orDie, Effect.asVoid)

  yield* record(order.IntendContainer.make({ container: name, step, spec: encodeSpec(spec) }))
  const exit = yield* engine.run(spec, sink, watch).pipe(
    Effect.catchTag("EngineError", (error) => Effect.fail(engineFailure(error))),
    // Asked once more, also for one that was never made: what cannot be removed stays in the books as left.
    Effect.ensuring(
      engine.remove(name).pipe(
        Effect.andThen(record(order.ConfirmRemoved.make({ container: name }))),
        Effect.catch((error) => record(order.Note.make({ text: `${name} could not be removed: ${error.message}` }))),
        Effect.ignoreCause
      )
    )
  )
  if (exit.reason._tag === "Uncertain") {
    return yield* new GiveBack({ message: `nobody saw how ${request.step} ended: ${exit.reason.detail}` })
  }
  const { detail } = mockStatus(exit.reason)
  if (detail !== "") yield* logs.append([...request.logs, containerLog], `\nERROR adjutant:  ${detail}\n`)
  return exit
}, Effect.scoped)

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

/**
 * How a command ended, in mock's terms: a status, or a signal; with a word on the limit that ended it
 * (tasks.md 2A exit codes, 14.1).
 */
export type MockStatus =
  | { readonly _tag: "Status"; readonly status: number; readonly detail: string }
  | { readonly _tag: "Signal"; readonly signal: number; readonly detail: string }

export const failedStatus = (status: MockStatus): boolean => status._tag === "Signal" || status.status !== 0

const signalKill = 9
/** mock's status for a command that ran into `rpmbuild_timeout`. */
const statusTimeout = 11

export const mockStatus = (reason: ExitReason): MockStatus => {
  switch (reason._tag) {
    case "Exited":
      return { _tag: "Status", status: reason.code, detail: "" }
    case "Signaled":
      return { _tag: "Signal", signal: reason.signal, detail: "" }
    case "OutOfMemory":
      return { _tag: "Signal", signal: signalKill, detail: `memory limit of ${reason.memoryBytes} bytes reached` }
    case "LimitReached":
      switch (reason.limit) {
        case "wall":
          return { _tag: "Status", status: statusTimeout, detail: `time limit of ${reason.value} seconds reached` }
        case "silence":
          return { _tag: "Status", status: statusTimeout, detail: `no output for ${reason.value} seconds` }
        case "output":
          return { _tag: "Signal", signal: signalKill, detail: `log limit of ${reason.value} bytes reached` }
        case "disk":
          return { _tag: "Signal", signal: signalKill, detail: `disk budget of ${reason.value} bytes exceeded` }
      }
      break
    case "Uncertain":
      return { _tag: "Status", status: 20, detail: reason.detail }
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
