/**
 * One attempt, from acceptance to its terminal event: the only place that tells the hub how a task ended.
 *
 * Order matters here more than anywhere (design, "The way of a task"): the stream opens before the hub is asked to open
 * the task; the handler runs in a scope of its own, so that when it is left its containers are gone; logs and results
 * have arrived before the result is decided; the decision is in the journal before the hub hears it.
 */

import { join } from "node:path"
import { Cause, type Context, Effect, Exit, Layer, Schedule, Schema, Scope } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { hubFailure } from "../buildroot/HubSteps.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { KojiLogs } from "../buildroot/KojiLogs.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { Workspace } from "../buildroot/Workspace.ts"
import { Door, type World } from "../buildroot/World.ts"
import { order } from "../core/AttemptCommand.ts"
import { Outcome } from "../core/AttemptEvent.ts"
import { containersLeft } from "../core/AttemptState.ts"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import { Engine } from "../engine/Engine.ts"
import { openTask, setTaskWeight } from "../hub/calls/host.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { HubSession } from "../hub/HubSession.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { recording } from "../journal/Door.ts"
import { GiveBack, type TaskFailure } from "../koji/Fault.ts"
import type { PythonValue } from "../koji/PythonRepr.ts"
import type { BoundParameters } from "../koji/TaskParameters.ts"
import { taskStates } from "../koji/TaskState.ts"
import { weightOf } from "../tasks/Registry.ts"
import type { HandlerResult, TaskType } from "../tasks/Task.ts"
import { outcomeOf, stoppedBy, type TaskResult } from "./Outcome.ts"
import { report } from "./Report.ts"

export interface AttemptRequest {
  readonly task: TaskId
  readonly attempt: AttemptNumber
  readonly arch: string
  readonly type: TaskType
  /** As the hub gave it, for the journal; credentials in URLs already removed. */
  readonly request: Schema.Json
  /** The parameters, or why they do not fit the method. */
  readonly parameters: Effect.Effect<BoundParameters<PythonValue>, TaskFailure>
  readonly hostId: number
}

/** Runs the attempt. Succeeds with how it ended; `undefined` when the hub did not give us the task. */
export const runAttempt = Effect.fn("runAttempt")(function* (request: AttemptRequest) {
  const journal = yield* AttemptJournal
  const settings = yield* BuilderSettings
  const daemonSession = yield* HubSession
  const record = (command: Parameters<typeof journal.submit>[0]) =>
    journal.submit(command).pipe(Effect.orDie, Effect.asVoid)

  yield* record(
    order.Accept.make({
      task: request.task,
      attempt: request.attempt,
      method: request.type.method,
      arch: request.arch,
      request: request.request,
      instance: settings.instance,
      bootId: settings.bootId,
      version: settings.version
    })
  )

  // From here on the attempt ends in one way only: decided, reported, concluded. The handler alone may be interrupted.
  return yield* Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const opened = yield* Effect.exit(restore(open(request)))
      if (Exit.isSuccess(opened) && !opened.value) {
        return yield* conclude(Outcome.cases.Lost.make({ reason: "the hub did not give us the task" }), daemonSession)
      }
      const session = yield* restore(daemonSession.subsession).pipe(
        Scope.provide(scope),
        Effect.mapError(hubFailure),
        Effect.exit
      )
      // What goes wrong before the handler runs is no fault of the task's: it is given back.
      const exit: Exit.Exit<TaskResult, TaskFailure> = Exit.isFailure(opened)
        ? Exit.fail(new GiveBack({ message: `the task could not be opened: ${Cause.pretty(opened.cause)}` }))
        : Exit.isFailure(session)
          ? Exit.fail(new GiveBack({ message: `no session for the task: ${Cause.pretty(session.cause)}` }))
          : yield* handle(request, restore).pipe(Effect.provideService(HubSession, session.value), Effect.exit)
      const state = yield* journal.state
      const outcome = outcomeOf(exit, state._tag === "Unknown" ? null : state.stop)
      yield* sweep
      return yield* conclude(outcome, Exit.isSuccess(session) ? session.value : daemonSession).pipe(
        Effect.ensuring(Scope.close(scope, Exit.void))
      )
    })
  )
})

/** Opens the task at the hub; false when somebody else has it. */
const open = Effect.fnUntraced(function* (request: AttemptRequest) {
  const door = yield* recording<HubSession>()
  const opened = yield* door.step(
    { path: "openTask", rule: "ask", input: request.task },
    Schema.Boolean,
    openTask(request.task).pipe(
      Effect.flatMap((task) =>
        task !== null
          ? Effect.succeed(true)
          : // An answer that got lost opens the task all the same: ask whose it is.
            Effect.map(
              getTaskInfo(request.task),
              (info) => info?.state === taskStates.OPEN && info.host_id === request.hostId
            )
      ),
      Effect.mapError(hubFailure)
    )
  )
  if (!opened) return false
  yield* door.step(
    { path: "open/weight", rule: "repeat" },
    Schema.Null,
    setTaskWeight(request.task, weightOf(request.type.method)).pipe(Effect.as(null), Effect.mapError(hubFailure))
  )
  return true
})

/** Runs the handler in a scope of its own. When this returns nothing of it is left: no container, no directory. */
const handle = (
  request: AttemptRequest,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function* () {
    const settings = yield* BuilderSettings
    const images = yield* ImageStore
    const workspace = Workspace.layer(settings.stateDirectory, request.task, request.attempt)
    const containerLog = join(settings.logDirectory, String(request.task), "container.log")
    const logs = Layer.unwrap(Effect.map(Workspace, ({ logs }) => KojiLogs.layer(logs, settings.version, containerLog)))
    const world = TaskUploads.layer(request.task).pipe(Layer.provideMerge(logs), Layer.provideMerge(workspace))
    const program = Effect.gen(function* () {
      const uploads = yield* TaskUploads
      const journal = yield* AttemptJournal
      const door = yield* recording<World>()
      const parameters = yield* request.parameters
      const task = { id: request.task, method: request.type.method, arch: request.arch, parameters }
      const exit = yield* Effect.exit(
        restore(request.type.handler(task).pipe(Effect.provideService(Door, Door.of(door))))
      )
      // A failed task's logs are what its owner will read: they go to the hub before the task is closed.
      if (Exit.isFailure(exit)) {
        const state = yield* journal.state
        const tell = state._tag !== "Unknown" && state.stop === null
        if (tell) yield* restore(uploads.flushLogs).pipe(Effect.ignoreCause)
      }
      return yield* taskResult(yield* exit)
    })
    return yield* program.pipe(
      Effect.provide(world),
      Effect.ensuring(images.unpin(`${request.task}-${request.attempt}`))
    )
  })

const taskResult = (result: HandlerResult) =>
  Effect.gen(function* () {
    const journal = yield* AttemptJournal
    const value = yield* journal.putValue(result.value).pipe(Effect.orDie)
    return { value, files: result.files } satisfies TaskResult
  })

/** Scopes have removed every container by now. Should the engine have failed us there, it is asked once more. */
const sweep = Effect.gen(function* () {
  const engine = yield* Engine
  const journal = yield* AttemptJournal
  for (const container of containersLeft(yield* journal.state)) {
    yield* engine.remove(container).pipe(
      Effect.retry({ times: removalRetries, schedule: Schedule.spaced("2 seconds") }),
      Effect.andThen(journal.submit(order.ConfirmRemoved.make({ container }))),
      Effect.catchTag("EngineError", (error) =>
        // The engine is away for longer. The attempt must end; the reaper removes what it finds when there is one again.
        journal
          .submit(order.Note.make({ text: `${container} could not be removed: ${error.message}; left to the reaper` }))
          .pipe(Effect.andThen(journal.submit(order.ConfirmRemoved.make({ container }))))
      ),
      Effect.orDie
    )
  }
})
/** About a minute: an engine that is being restarted is back by then. */
const removalRetries = 30

/** Decides, tells the hub, and writes the last event. */
const conclude = Effect.fnUntraced(function* (outcome: Outcome, session: Context.Service.Shape<typeof HubSession>) {
  const journal = yield* AttemptJournal
  const state = yield* journal.submit(order.DecideResult.make({ outcome })).pipe(
    // A success that names a file which never arrived is no success.
    Effect.catchTag("Rejected", (rejected) =>
      Effect.flatMap(journal.state, (now) => {
        // A stop that was recorded a moment before the decision is what counts.
        const stop = now._tag === "Unknown" ? null : now.stop
        const instead =
          stop === null ? Outcome.cases.Fault.make({ code: 1, message: rejected.message }) : stoppedBy(stop)
        return journal.submit(order.DecideResult.make({ outcome: instead }))
      })
    ),
    Effect.orDie
  )
  const decided = state._tag === "Decided" || state._tag === "Ended" ? state.outcome : outcome
  const note = yield* report(journal.task, decided).pipe(Effect.provideService(HubSession, session))
  yield* journal.submit(order.Conclude.make({ note })).pipe(Effect.orDie)
  return decided
})
