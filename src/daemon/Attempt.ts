/**
 * One attempt, from acceptance to its terminal event: the only place that tells the hub how a task ended.
 *
 * Order matters here more than anywhere (design, "The way of a task"): the stream opens before the hub is asked to open
 * the task; the handler runs in a scope of its own, so that when it is left its containers are gone; logs and results
 * have arrived before the result is decided; the decision is in the journal before the hub hears it.
 */

import { join } from "node:path"
import { Cause, Effect, Exit, Layer, Schedule, type Schema, Scope } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { DaemonControl } from "../buildroot/DaemonControl.ts"
import { hubFailure } from "../buildroot/HubSteps.ts"
import { KojiLogs } from "../buildroot/KojiLogs.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { removeWorkspace, Workspace, workspaceRoot } from "../buildroot/Workspace.ts"
import { Door, type World } from "../buildroot/World.ts"
import { order } from "../core/AttemptCommand.ts"
import { Outcome } from "../core/AttemptEvent.ts"
import { containersLeft } from "../core/AttemptState.ts"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import { Engine, leaveRunning } from "../engine/Engine.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { HubSession } from "../hub/HubSession.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { recording } from "../journal/Door.ts"
import { GiveBack, RefuseTask, type TaskFailure } from "../koji/Fault.ts"
import type { PythonValue } from "../koji/PythonRepr.ts"
import type { BoundParameters } from "../koji/TaskParameters.ts"
import { taskStateName, taskStates } from "../koji/TaskState.ts"
import type { HandlerResult, TaskType } from "../tasks/Task.ts"
import { uploadEvents } from "./EventsLog.ts"
import { dropRoot, keepRoot, unpinImages } from "./KeepRoot.ts"
import { isOpen, open, stillOurs, supersededNote } from "./Opening.ts"
import { causeText, outcomeOf, outcomeText, stoppedBy, type TaskResult } from "./Outcome.ts"
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
  /** A later attempt of the task has begun: this one has only to end. */
  readonly isSuperseded?: boolean
}

/**
 * Runs an attempt that has begun, or goes on with one that an earlier process began. Succeeds with how it ended;
 * `undefined` when it is left to another process. It ends in one way only: decided, reported, concluded. The handler
 * alone may be interrupted, and what comes before it.
 */
export const runAttempt = Effect.fn("runAttempt")(
  (request: AttemptRequest) => Effect.ensuring(toItsEnd(request), dropWorkspace(request)),
  Effect.uninterruptible
)

const toItsEnd = Effect.fnUntraced(function* (request: AttemptRequest) {
  const journal = yield* AttemptJournal
  const daemonSession = yield* HubSession
  const before = yield* journal.state
  if (before._tag === "Decided") return yield* finish(request, before.outcome, true)
  const scope = yield* Scope.make()
  const opened = yield* Effect.exit(
    Effect.interruptible(isOpen(before) || request.isSuperseded === true ? stillOurs(request) : open(request))
  )
  if (Exit.isSuccess(opened) && opened.value !== null) {
    yield* sweep
    yield* dropRoot(request)
    return yield* conclude(request, opened.value)
  }
  const foreground = request.type.foreground === true
  const session = yield* Effect.interruptible(
    foreground ? Effect.succeed(daemonSession) : daemonSession.subsession
  ).pipe(Scope.provide(scope), Effect.mapError(hubFailure), Effect.exit)
  // What goes wrong before the handler runs is no fault of the task's: it is given back.
  const exit: Exit.Exit<TaskResult, TaskFailure> = Exit.isFailure(opened)
    ? Exit.fail(new GiveBack({ message: `the task could not be opened: ${Cause.pretty(opened.cause)}` }))
    : Exit.isFailure(session)
      ? Exit.fail(new GiveBack({ message: `no session for the task: ${Cause.pretty(session.cause)}` }))
      : yield* handle(request).pipe(Effect.provideService(HubSession, session.value), Effect.exit)
  const state = yield* journal.state
  const stop = state._tag === "Unknown" ? null : state.stop
  if (yield* isLeft) return yield* Effect.as(Scope.close(scope, Exit.void), undefined)
  yield* sweep
  return yield* conclude(request, outcomeOf(exit, stop)).pipe(
    Effect.tap((outcome) => (outcome?._tag === "Fault" ? Effect.void : dropRoot(request))),
    Effect.provideService(HubSession, Exit.isSuccess(session) ? session.value : daemonSession),
    Effect.ensuring(Scope.close(scope, Exit.void))
  )
})

/** Writes the attempt's first event, or that this process goes on with it. */
export const beginAttempt = Effect.fnUntraced(function* ({ task, attempt, type, arch, request }: AttemptRequest) {
  const journal = yield* AttemptJournal
  const { instance, bootId, version } = yield* BuilderSettings
  const { method } = type
  yield* journal
    .submit(
      journal.history.length > 0
        ? order.Resume.make({ instance, bootId, version })
        : order.Accept.make({ task, attempt, method, arch, request, instance, bootId, version })
    )
    .pipe(Effect.orDie)
})

/**
 * Whether the attempt is left to the next process as it is: it was handed over, or its journal cannot be written, and
 * then nothing may be done that has to be written down.
 */
const isLeft = Effect.gen(function* () {
  const journal = yield* AttemptJournal
  const state = yield* journal.state
  return (state._tag !== "Unknown" && state.stop === "handover") || (yield* journal.poisoned)
})

/** Whether nobody has told it to stop: then somebody will read its logs. */
const isWanted = Effect.gen(function* () {
  const journal = yield* AttemptJournal
  const state = yield* journal.state
  return state._tag !== "Unknown" && state.stop === null
})

/** A process that goes on with the attempt needs it, so it stays until there is no going on. */
const dropWorkspace = Effect.fnUntraced(function* ({ task, attempt }: AttemptRequest) {
  const journal = yield* AttemptJournal
  const { stateDirectory } = yield* BuilderSettings
  if ((yield* journal.state)._tag === "Ended") yield* removeWorkspace(workspaceRoot(stateDirectory, task, attempt))
})

/**
 * Runs the handler in a scope of its own. When this returns no container of it is left, unless the attempt is left to
 * another process.
 */
const handle = (request: AttemptRequest) =>
  Effect.gen(function* () {
    const settings = yield* BuilderSettings
    const left = Effect.provideService(isLeft, AttemptJournal, yield* AttemptJournal)
    const workspace = Workspace.layer(settings.stateDirectory, request.task, request.attempt)
    const containerLog = join(settings.logDirectory, String(request.task), "container.log")
    const logs = Layer.unwrap(
      Effect.map(Workspace, ({ logs: directory, captures }) =>
        KojiLogs.layer({ directory, captures, container: containerLog }, settings.version)
      )
    )
    const world = TaskUploads.layer(request.task).pipe(
      Layer.provideMerge(logs),
      Layer.provideMerge(workspace),
      Layer.catchCause((cause) =>
        Layer.effectContext(
          Effect.andThen(Effect.logError(`task ${request.task} has no place here`, cause), Effect.fail(noPlace(cause)))
        )
      )
    )
    const program = Effect.gen(function* () {
      const uploads = yield* TaskUploads
      const door = yield* recording<World>()
      const parameters = yield* request.parameters
      const task = { id: request.task, method: request.type.method, arch: request.arch, parameters }
      const exit = yield* Effect.exit(
        Effect.interruptible(request.type.handler(task).pipe(Effect.provideService(Door, Door.of(door))))
      )
      // A failed task's logs are what its owner will read: they go to the hub before the task is closed.
      if (Exit.isFailure(exit) && !(yield* left)) {
        if (yield* isWanted) yield* Effect.interruptible(uploads.flushLogs).pipe(Effect.ignoreCause)
        if (yield* isWanted) yield* uploads.noteGaps
        const { attempt, arch } = request
        yield* keepRoot({ task: task.id, attempt, method: task.method, arch }, exit.cause)
      } else if (Exit.isSuccess(exit)) yield* uploads.noteGaps
      return yield* taskResult(yield* exit)
    })
    return yield* program.pipe(
      Effect.provide(world),
      Effect.provideService(leaveRunning, left),
      Effect.onExit(() => Effect.flatMap(left, (is) => (is ? Effect.void : unpinImages(request))))
    )
  })

/** No directory for it here, or no logs: a builder's trouble, and another builder's turn. */
const noPlace = (cause: Cause.Cause<unknown>) =>
  new RefuseTask({ soft: true, message: `this builder has no place for the task: ${causeText(cause)}` })

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
const conclude = Effect.fnUntraced(function* (request: AttemptRequest, outcome: Outcome) {
  const journal = yield* AttemptJournal
  const state = yield* journal.submit(order.DecideResult.make({ outcome })).pipe(
    // A success that names a file which never arrived is no success.
    Effect.catchTag("Rejected", (rejected) =>
      Effect.flatMap(journal.state, (now) => {
        // A stop that was recorded a moment before the decision is what counts.
        const stop = now._tag === "Unknown" ? null : now.stop
        if (stop === "handover") return Effect.succeed(now)
        const instead =
          stop === null ? Outcome.cases.Fault.make({ code: 1, message: rejected.message }) : stoppedBy(stop)
        return journal.submit(order.DecideResult.make({ outcome: instead }))
      })
    ),
    Effect.orDie
  )
  if (state._tag !== "Decided") return undefined
  return yield* finish(request, state.outcome, false)
})

/** Tells the hub what was decided. `again`: an earlier process decided it, and may have told the hub. */
const finish = Effect.fnUntraced(function* (request: AttemptRequest, outcome: Outcome, again: boolean) {
  const journal = yield* AttemptJournal
  const { task, hostId } = request
  yield* Effect.log(`task ${task}, attempt ${journal.attempt}: ${outcomeText(outcome)}`)
  if (request.isSuperseded === true) {
    yield* journal.submit(order.Conclude.make({ note: supersededNote })).pipe(Effect.orDie)
    return outcome
  }
  const info = again ? yield* Effect.result(getTaskInfo(task)) : undefined
  const knows =
    info?._tag === "Success" && !(info.success?.state === taskStates.OPEN && info.success.host_id === hostId)
  const note = knows
    ? `the hub had heard of it before: the task is ${taskStateName(info.success?.state ?? -1) ?? "unknown"}`
    : yield* uploadEvents(task, outcome).pipe(
        Effect.andThen(pendRestart(request, outcome)),
        Effect.andThen(report(task, outcome)),
        Effect.tap((unheard) =>
          unheard === "" ? Effect.void : Effect.logWarning(`task ${task}: the hub did not take this: ${unheard}`)
        )
      )
  yield* journal.submit(order.Conclude.make({ note })).pipe(Effect.orDie)
  return outcome
})

/** Before the hub hears of the task's end: nothing may be taken between the two. */
const pendRestart = Effect.fnUntraced(function* ({ task, type }: AttemptRequest, outcome: Outcome) {
  const { restart } = yield* DaemonControl
  if (type.restarts === true && outcome._tag === "Success") yield* restart(`task ${task} (${type.method})`)
})
