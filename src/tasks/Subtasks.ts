/** Handing work to child tasks, and waiting for them (tasks.md 1.6, 1.7). */
import { Clock, Effect, Option, Schema } from "effect"
import { hubFailure, hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import {
  cancelTaskChildren,
  getTaskChildren,
  getTaskInfo,
  getTaskResult,
  subtask as makeSubtask,
  taskSetWait,
  taskWait,
  taskWaitResults
} from "../hub/calls/tasks.ts"
import { TaskAlerts } from "../hub/TaskAlerts.ts"
import type { Struct, Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { taskStates } from "../koji/TaskState.ts"
import type { TaskContext } from "./Task.ts"

/** How long a waiting task goes without asking: the daemon wakes it, again and again while there is something to hear. */
const pollSeconds = 120

export interface SubtaskRequest {
  readonly method: string
  readonly arguments: ReadonlyArray<Value>
  /** What makes creation repeatable: the same parent and label is the same task. Null for `waitrepo`, as kojid. */
  readonly label: string | null
  readonly arch?: string
  /** The hub's other options: `assign`, `channel`, `priority`. */
  readonly options?: Struct
  /** Where its step stands, for one of several that have no label: which one, and the others so far. */
  readonly among?: { readonly place: string; readonly others: ReadonlyArray<number> }
}

/** The child of this label: made, or found if an earlier attempt made it. */
export const subtask = (task: TaskContext, request: SubtaskRequest) =>
  hubStep(
    `subtask/${request.among?.place ?? request.label ?? request.method}`,
    Schema.Int,
    makeSubtask({
      ...request.options,
      method: request.method,
      arglist: request.arguments,
      parent: task.id,
      ...(request.label === null ? {} : { label: request.label }),
      ...(request.arch === undefined ? {} : { arch: request.arch })
    }),
    request.label === null ? { ask: unlabelled(task, request) } : {}
  )

/** The child that an earlier process made of this request, if the hub knows one: it has no label to be found by. */
const unlabelled = (task: TaskContext, request: SubtaskRequest) =>
  Effect.map(getTaskChildren(task.id, { request: true }), (children) => {
    const asked = pythonRepr(request.arguments)
    const same = children.filter(
      ({ method, request: given }) =>
        method === request.method && given !== null && given !== undefined && pythonRepr(given) === asked
    )
    const others = request.among?.others ?? []
    return Option.fromNullishOr(same.findLast(({ id }) => !others.includes(id))?.id)
  })

export interface WaitOptions {
  /** Children whose fault is a result like any other: `{faultCode, faultString}`. */
  readonly canFail?: ReadonlyArray<number>
  /** After so long the children are canceled, and the wait fails. */
  readonly timeoutSeconds?: number | null
}

/**
 * Waits for all of these children and returns their results by id. With `failAny` the first one that fails ends the
 * wait: its siblings are canceled and its fault is ours. Waiting is one step; its polls are none.
 */
export const waitFor = Effect.fn("waitFor")(function* (
  task: TaskContext,
  name: string,
  children: ReadonlyArray<number>,
  failAny: boolean,
  { canFail = [], timeoutSeconds = null }: WaitOptions = {}
) {
  const door = yield* Door
  const began =
    timeoutSeconds === null
      ? null
      : yield* door.step({ path: `wait/${name}/began`, rule: "repeat" }, Schema.Int, Clock.currentTimeMillis)
  const results = yield* door.step(
    { path: `wait/${name}`, rule: "repeat", input: [...children] },
    Schema.Array(Schema.Tuple([Schema.Int, Schema.Json])),
    Effect.gen(function* () {
      yield* taskSetWait(task.id, children)
      const checked = new Set<number>()
      for (;;) {
        const [finished, unfinished] = yield* taskWait(task.id)
        // Once all have finished the results themselves raise the first fault.
        if (unfinished.length === 0) break
        if (failAny)
          yield* failFirst(
            task,
            finished.filter((id) => !checked.has(id) && !canFail.includes(id))
          )
        for (const id of finished) checked.add(id)
        const left = began === null ? Number.POSITIVE_INFINITY : yield* timeLeft(task, began, timeoutSeconds ?? 0)
        const alerts = yield* TaskAlerts
        yield* Effect.raceFirst(alerts.next(task.id), Effect.sleep(`${Math.min(left, 1000 * pollSeconds)} millis`))
      }
      return yield* taskWaitResults(task.id, children, canFail.length === 0 ? null : canFail)
    }).pipe(
      Effect.tapErrorTag("HubFault", () => unlessCanceled(task)),
      Effect.catchTag(["HubFault", "HubUnavailable", "HubNonsense"], (error) => Effect.fail(hubFailure(error)))
    )
  )
  return new Map(results)
})

/** The milliseconds that are left; none is the end of the children, and a fault. */
const timeLeft = Effect.fnUntraced(function* (task: TaskContext, began: number, timeoutSeconds: number) {
  const waited = (yield* Clock.currentTimeMillis) - began
  if (waited < 1000 * timeoutSeconds) return 1000 * timeoutSeconds - waited
  yield* cancelTaskChildren(task.id)
  return yield* genericError(`Subtasks timed out after ${(waited / 1000).toFixed(1)} seconds`)
})

/**
 * Who cancels a task cancels its children too, and we may hear of those first. What they raise is no fault of the
 * task's then: the daemon is about to hear of it and to stop us.
 */
const unlessCanceled = (task: TaskContext) =>
  getTaskInfo(task.id).pipe(
    Effect.flatMap((info) => (info?.state === taskStates.CANCELED ? Effect.never : Effect.void)),
    Effect.ignore
  )

/** Raises the fault of the first of these that failed, having canceled the rest. */
const failFirst = Effect.fnUntraced(function* (task: TaskContext, finished: ReadonlyArray<number>) {
  for (const id of finished) {
    yield* getTaskResult(id).pipe(Effect.tapErrorTag("HubFault", () => cancelTaskChildren(task.id).pipe(Effect.ignore)))
  }
})
