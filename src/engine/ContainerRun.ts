/**
 * A step's container from its creation to its removal, which are written together: whatever happens in between, the
 * container is gone afterwards, unless whoever interrupts says that it is handed over.
 *
 * An engine that is away is waited for at every call. One of them is carried out at times and its answer lost: what may
 * have been created is removed before it is created again, and what may have been started is looked at first.
 */

import { Effect, Exit, Schedule } from "effect"
import type { Commit, ContainerExit, ContainerSpec } from "./ContainerSpec.ts"
import { createBody, objection } from "./CreateBody.ts"
import { type ContainerEvent, EngineError, leaveRunning, type OutputSink } from "./Engine.ts"
import { type ContainerAnswer, type ImageAnswer, milliseconds } from "./EngineAnswers.ts"
import { checkLabels } from "./ImageWork.ts"
import { label } from "./Labels.ts"
import { attend, type Host } from "./StepAttendance.ts"

/** A removal that the engine refuses (a busy mount, one already under way) or that finds it away is tried again. */
const removalAttempts = 15
const removalInterval = "1 second"

type Watch<E> = (event: ContainerEvent) => Effect.Effect<void, E>

/** Runs a step in a container of its own. */
export const runStep = <E>(
  host: Host,
  init: boolean,
  spec: ContainerSpec,
  sink: OutputSink,
  watch: Watch<E>
): Effect.Effect<ContainerExit, EngineError | E> =>
  Effect.gen(function* () {
    const image = yield* host.patience.ask(host.client.inspectImage(spec.image))
    yield* check(host, spec, image)
    const begin = Effect.fnUntraced(function* (id: string) {
      yield* watch({ _tag: "Created", name: spec.name, id })
      const { started, unseen } = yield* start(host, id)
      return yield* seeOut(host, spec, started, sink, watch, { stdout: 0, stderr: 0 }, unseen)
    })
    let made = false
    let tried = false
    const create = Effect.gen(function* () {
      if (tried) yield* removeContainer(host, spec.name)
      tried = true
      const id = yield* createContainer(host, init, spec, image, "log")
      made = true
      return id
    })
    const whole = Effect.acquireUseRelease(create, begin, release(host, spec, watch))
    // What fails after the creation has been patient by itself.
    return yield* host.patience.ask(whole, () => !made)
  })

/** Starts it, unless the engine has done so and could not say it. `unseen`: it had ended by the time it was looked at. */
const start = Effect.fnUntraced(function* ({ client, patience }: Host, id: string) {
  let tries = 0
  const started = yield* patience.ask(
    Effect.gen(function* () {
      const before = tries++ === 0 ? undefined : yield* client.inspectContainer(id)
      if (before !== undefined && !neverStarted.includes(before.State.Status)) return before
      yield* client.startContainer(id)
      return yield* client.inspectContainer(id)
    })
  )
  return { started, unseen: tries > 1 && !started.State.Running }
})

/** Takes over a step that an earlier process began. */
export const adoptStep = <E>(
  host: Host,
  spec: ContainerSpec,
  sink: OutputSink,
  watch: Watch<E>,
  held: { readonly stdout: number; readonly stderr: number }
): Effect.Effect<ContainerExit, EngineError | E> =>
  Effect.gen(function* () {
    const found = yield* host.patience.ask(host.client.inspectContainer(spec.name))
    if (found.Config.Labels?.[label.instance] !== spec.labels[label.instance]) {
      return yield* problem("adopt", spec.name, "conflict", "it belongs to another instance")
    }
    if (neverStarted.includes(found.State.Status)) {
      yield* removeContainer(host, found.Id)
      return yield* problem("adopt", spec.name, "missing", "it was created and never started")
    }
    const goOn = Effect.fnUntraced(function* () {
      yield* watch({ _tag: "Created", name: spec.name, id: found.Id })
      return yield* seeOut(host, spec, found, sink, watch, held, !found.State.Running)
    })
    return yield* Effect.acquireUseRelease(Effect.succeed(found.Id), goOn, release(host, spec, watch))
  })

const seeOut = Effect.fnUntraced(function* <E>(
  host: Host,
  spec: ContainerSpec,
  started: ContainerAnswer,
  sink: OutputSink,
  watch: Watch<E>,
  held: { readonly stdout: number; readonly stderr: number },
  seenEnd: boolean
) {
  yield* watch({ _tag: "Started", name: spec.name, startedAt: milliseconds(started.State.StartedAt) })
  const seen = yield* attend(host, started, spec, sink, held, seenEnd).pipe(
    Effect.catchIf(
      ({ reason }) => reason === "missing",
      (error) => Effect.succeed(vanished(started, error))
    )
  )
  const exit = { ...seen, committed: yield* commit(host, started.Id, spec, seen) }
  yield* watch({ _tag: "Exited", name: spec.name, exit })
  return exit
})

/** The id of the new container. Not interrupted; if the answer does not come, whatever was made is removed. */
export const createContainer = Effect.fnUntraced(function* (
  host: Host,
  init: boolean,
  spec: ContainerSpec,
  image: ImageAnswer,
  ends: "log" | "terminal"
) {
  const body = (withInit: boolean) =>
    createBody(spec, {
      ends,
      engine: host.kind,
      imageEnvironment: image.Config?.Env ?? [],
      imageHealthcheck: (image.Config?.Healthcheck ?? null) !== null,
      init: withInit
    })
  return yield* host.client.createContainer(spec.name, body(init)).pipe(
    Effect.catchIf(
      (error) => init && noInit.test(error.message),
      (error) =>
        Effect.logWarning(`the engine has no init: orphans of a step are not reaped (${error.message})`).pipe(
          Effect.andThen(host.client.createContainer(spec.name, body(false)))
        )
    ),
    Effect.tapError(({ reason }) =>
      reason === "timeout" || reason === "unreachable" ? Effect.ignore(removeContainer(host, spec.name)) : Effect.void
    )
  )
})

/** Docker says `created`, Podman has three words for it. */
const neverStarted = ["created", "configured", "initialized"]

/** Podman's words when `catatonit` is not installed. */
const noInit = /container-init binary not found|catatonit/

const release =
  <E>(host: Host, spec: ContainerSpec, watch: Watch<E>) =>
  (id: string, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void, EngineError | E> =>
    Effect.gen(function* () {
      if (Exit.isFailure(exit) && (yield* yield* leaveRunning)) return
      const remove = removeContainer(host, id)
      // What has come to its end is not begun again for want of an engine; who is told to leave does not wait for one.
      yield* Exit.isSuccess(exit) ? host.patience.ask(remove) : remove
      yield* watch({ _tag: "Removed", name: spec.name })
    })

/** Kills and removes; true if there was something to remove. */
export const removeContainer = (host: Host, nameOrId: string): Effect.Effect<boolean, EngineError> =>
  Effect.suspend(() => {
    // What cannot be removed at first is there. Podman removes at times, and complains.
    let wasThere = false
    return host.client.removeContainer(nameOrId).pipe(
      Effect.tapError(({ reason }) =>
        Effect.sync(() => {
          wasThere ||= reason === "conflict" || reason === "refused"
        })
      ),
      Effect.retry({
        while: ({ reason }) => reason !== "missing",
        times: removalAttempts,
        schedule: Schedule.spaced(removalInterval)
      }),
      Effect.as(true),
      Effect.catchIf(
        ({ reason }) => reason === "missing",
        () => Effect.succeed(wasThere)
      )
    )
  })

/** The image that the spec wants of a container that has ended so, if it wants one. */
const commit = (host: Host, id: string, spec: ContainerSpec, { reason }: ContainerExit) => {
  const made = (wanted: Commit) => {
    // The container's labels would go into the image, and from there onto whatever people start from it.
    const emptied = Object.fromEntries(Object.keys(spec.labels).map((name) => [name, ""]))
    return host.patience.ask(host.client.commitContainer(id, wanted.reference, { ...emptied, ...wanted.labels }))
  }
  const code = reason._tag === "Exited" ? reason.code : null
  if (code === 0) return spec.commit === null ? Effect.succeed(null) : made(spec.commit)
  const { commitFailed } = spec
  if (
    commitFailed === undefined ||
    reason._tag === "Uncertain" ||
    // There is no room for it.
    (reason._tag === "LimitReached" && reason.limit === "space") ||
    (code !== null && commitFailed.unless.includes(code))
  )
    return Effect.succeed(null)
  return made(commitFailed).pipe(
    Effect.timeout(`${failedCommitSeconds} seconds`),
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`${spec.name} failed, and its root is not kept: ${error.message}`), null)
    )
  )
}

/** A failure is not kept from its owner for longer than this. */
const failedCommitSeconds = 60

/** Refuses what cannot be asked for, or must not be. */
export const check = Effect.fnUntraced(function* (host: Host, spec: ContainerSpec, image: ImageAnswer) {
  const reason = objection(spec, Object.keys(image.Config?.Volumes ?? {}))
  if (reason !== undefined) return yield* problem("create", spec.name, "refused", reason)
  for (const wanted of [spec.commit, spec.commitFailed]) {
    if (wanted != null) yield* checkLabels("commit", spec.name, wanted.labels)
  }
  // Docker makes a directory of a bind source that is not there, Podman of some; a typing error must not become one.
  for (const { source } of spec.mounts) {
    if (!(yield* host.exists(source))) {
      return yield* problem("create", spec.name, "refused", `nothing to mount at ${source}`)
    }
  }
})

/** Somebody removed the container under our hands. */
const vanished = (started: ContainerAnswer, error: EngineError): ContainerExit => ({
  reason: { _tag: "Uncertain", detail: `the container is gone: ${error.message}` },
  startedAt: milliseconds(started.State.StartedAt),
  finishedAt: milliseconds(started.State.StartedAt),
  outputBytes: 0,
  missingBytes: 0,
  committed: null
})

export const problem = (operation: string, subject: string, reason: EngineError["reason"], message: string) =>
  new EngineError({ operation, subject, reason, message })
