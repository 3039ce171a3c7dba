/**
 * A shell in the kept root of a failed build: a container like the one that failed, with somebody in it.
 *
 * It begins with the image that was made of the failed container and has the same user, environment, mounts, limits and
 * rights, and no network. What is changed below the mounts stays in the kept root; the rest goes with the container. On
 * record before there is a container, and held by this process for as long as there is one.
 */
import { randomBytes } from "node:crypto"
import { mkdir, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Exit, Schema } from "effect"
import type { FailedRoot } from "../buildroot/FailedRoot.ts"
import { secondsMax } from "../config/KojidOptions.ts"
import { DaemonEvent, told } from "../core/DaemonEvent.ts"
import { ContainerName } from "../core/Ids.ts"
import { shellsBelow } from "../daemon/Shells.ts"
import type { ContainerSpec, ExitReason } from "../engine/ContainerSpec.ts"
import { Engine, EngineError, type OutputSink, type Terminal } from "../engine/Engine.ts"
import { containerLabels, containerName, label, shellLabels } from "../engine/Labels.ts"
import * as FileJournalStore from "../journal/FileJournalStore.ts"
import * as NodeDisk from "../journal/NodeDisk.ts"
import { holdDirectory } from "../journal/StateLock.ts"
import { shellStream } from "../journal/StreamName.ts"

export interface ShellRequest {
  readonly stateDirectory: string
  readonly root: FailedRoot
  /** With the rights that installing packages has, instead of the step's. */
  readonly asRoot: boolean
  /** Who asks, for the record. */
  readonly by: string
  /** A command whose output goes there; or somebody's terminal. */
  readonly what: { readonly command: string; readonly output: OutputSink } | { readonly terminal: Terminal }
}

/** Runs it to its end; the exit code, as a shell would have it. */
export const shellIn = Effect.fn("shellIn")(
  function* (request: ShellRequest) {
    const { root, asRoot, by, what, stateDirectory } = request
    const engine = yield* Engine
    const image = yield* engine.inspectImage(root.image)
    if (image === undefined) {
      const message = "the engine has it no more: nobody can look into this root"
      return yield* new EngineError({ operation: "run", subject: root.image, reason: "missing", message })
    }
    const instance = yield* firstLine(join(stateDirectory, "instance"))
    const spec = specOf(request, instance, yield* firstLine(bootIdFile))
    const container = ContainerName.make(spec.name)
    yield* heldPlace(join(shellsBelow(stateDirectory), spec.name))
    const command = "command" in what ? what.command : null
    const { task, attempt } = root
    yield* recorded(
      stateDirectory,
      told.ShellOpened.make({ task, attempt, container, image: root.image, by, asRoot, command })
    )
    const sit =
      "terminal" in what
        ? engine.interact(spec, what.terminal)
        : engine
            .run(spec, what.output, () => Effect.void)
            .pipe(Effect.flatMap(({ reason }) => exitCodeOf(spec.name, reason)))
    return yield* Effect.onExit(sit, (exit) =>
      recorded(stateDirectory, told.ShellClosed.make({ container, exitCode: Exit.isSuccess(exit) ? exit.value : null }))
    )
  },
  Effect.scoped,
  Effect.provide(NodeDisk.layer)
)

const bootIdFile = "/proc/sys/kernel/random/boot_id"
const firstLine = (path: string) => Effect.promise(async () => (await readFile(path, "utf8")).trim())

/** What is asked of the engine for it. */
const specOf = ({ root, asRoot, what }: ShellRequest, instance: string, bootId: string): ContainerSpec => {
  const { commitFailed: _, ...failed } = root.spec
  const step = `shell-${randomBytes(3).toString("hex")}`
  const identity = { instance, task: root.task, attempt: root.attempt, step }
  const shell = ["/bin/bash", "--login"]
  // Of this boot, not the failed step's: a root is kept over a restart of the machine.
  const place = { bootId, workerId: failed.labels[label.workerId] ?? "" }
  const personality = failed.command[0] === "linux32" ? ["linux32"] : []
  return {
    ...failed,
    name: containerName(identity),
    image: root.image,
    command: [...personality, ...shell, ...("command" in what ? ["-c", what.command] : ["-i"])],
    user: asRoot ? "0:0" : failed.user,
    capabilities: asRoot ? "install" : failed.capabilities,
    workingDirectory: "/builddir",
    network: "none",
    labels: { ...containerLabels({ ...identity, ...place }), ...shellLabels(instance) },
    limits: { ...failed.limits, wallSeconds: secondsMax, silenceSeconds: secondsMax },
    output: "apart",
    commit: null
  }
}

/** A directory that is this process's own for as long as the scope lives, and gone afterwards. */
const heldPlace = Effect.fnUntraced(function* (place: string) {
  yield* Effect.acquireRelease(
    Effect.promise(() => mkdir(place, { recursive: true, mode: 0o700 })),
    () => Effect.promise(() => rm(place, { recursive: true, force: true }))
  )
  yield* holdDirectory(place)
})

const encode = Schema.encodeSync(DaemonEvent)

/** Writes one event; durable when this returns. Several shells take turns. */
const recorded = (stateDirectory: string, event: DaemonEvent) =>
  Effect.gen(function* () {
    yield* holdDirectory(shellsBelow(stateDirectory))
    const store = yield* FileJournalStore.make({ directory: stateDirectory, visible: true })
    const stream = yield* store.open(shellStream)
    yield* stream.append([encode(event)], true)
  }).pipe(Effect.scoped, Effect.uninterruptible)

const signalled = 128
const sigkill = 9

/** As a shell would have it. Fails when nobody knows, or a limit ended it. */
export const exitCodeOf = (name: string, reason: ExitReason): Effect.Effect<number, EngineError> => {
  const ended = (message: string) =>
    Effect.fail(new EngineError({ operation: "run", subject: name, reason: "refused", message }))
  switch (reason._tag) {
    case "Exited":
      return Effect.succeed(reason.code)
    case "Signaled":
      return Effect.succeed(signalled + reason.signal)
    case "OutOfMemory":
      return Effect.succeed(signalled + sigkill)
    case "LimitReached":
      return ended(`it ran into the ${reason.limit} limit of ${reason.value} and was ended`)
    case "Uncertain":
      return ended(reason.detail)
  }
}
