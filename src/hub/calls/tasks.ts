/** Calls about tasks (daemon.md 3.3, 3.4, 3.6; arguments as the recorded kojid sends them). */
import { Effect, Schema } from "effect"
import { TaskInfo } from "../shapes/Task.ts"
import type { Struct, Value } from "../Value.ts"
import { call, callOnce, perform } from "./call.ts"

/** One task; fails when there is none. `request` asks for the decoded parameters. */
export const getTaskInfo = (id: number, options: { readonly request?: boolean } = {}) =>
  call(Schema.NullOr(TaskInfo), "getTaskInfo", [id], options.request === true ? { request: true } : undefined)

/** Several at once, in the same order, null for those that do not exist. */
export const getTaskInfos = (ids: ReadonlyArray<number>) =>
  call(Schema.Array(Schema.NullOr(TaskInfo)), "getTaskInfo", [ids])

export const getTaskChildren = (id: number, options: { readonly request?: boolean } = {}) =>
  call(Schema.Array(TaskInfo), "getTaskChildren", [id], options.request === true ? { request: true } : undefined)

/** Every task below this one, by id. */
export const getTaskDescendents = (id: number) =>
  call(Schema.Record(Schema.String, Schema.Array(TaskInfo)), "getTaskDescendents", [id])

/** The result of a closed task; a failed one raises its own fault as `HubFault`. */
export const getTaskResult = (id: number) => call(Schema.Json, "getTaskResult", [id])

/** Closed, canceled or failed. */
export const taskFinished = (id: number) => call(Schema.Boolean, "taskFinished", [id])

/** A task's parameters, decoded. */
export const getTaskRequest = (id: number) => call(Schema.Json, "getTaskRequest", [id])

export const cancelTask = (id: number) => perform("cancelTask", [id])
export const cancelTaskChildren = (id: number) => perform("cancelTaskChildren", [id])

export interface SubtaskCall {
  readonly method: string
  readonly arglist: ReadonlyArray<Value>
  readonly parent: number
  readonly label?: string
  readonly arch?: string
  /** The host, by id, that is to run it: assigned to it from its beginning. */
  readonly assign?: number
}

/** Creates a child of an open task of ours; with a label, finds the one that has it. */
export const subtask = (options: SubtaskCall) => {
  const made = options.label === undefined ? callOnce : call
  return made(Schema.Int, "host.subtask", [], { ...options } satisfies Struct)
}

export const taskSetWait = (parent: number, children: ReadonlyArray<number>) =>
  perform("host.taskSetWait", [parent, children])

/** [finished, unfinished] among the awaited children; each finished one is reported once. */
export const taskWait = (parent: number) =>
  call(Schema.Tuple([Schema.Array(Schema.Int), Schema.Array(Schema.Int)]), "host.taskWait", [parent])

/**
 * The results of finished children; the first failed one raises its fault. Of children in `canfail` the fault is the
 * result: `{faultCode, faultString}`.
 */
export const taskWaitResults = (
  parent: number,
  children: ReadonlyArray<number>,
  canfail: ReadonlyArray<number> | null = null
) =>
  call(Schema.Array(Schema.Tuple([Schema.Int, Schema.Json])), "host.taskWaitResults", [parent, children], { canfail })

/** Files of a task's directory; with `stat`, their sizes. */
export const listTaskOutput = (id: number) =>
  call(Schema.Record(Schema.String, Schema.Array(Schema.String)), "listTaskOutput", [id], { all_volumes: true })

/** Submits a build; the id of its task. */
export const submitBuild = (source: string, target: string | null, options: Struct, priority: number | null) =>
  call(Schema.Int, "build", [source, target, options, priority]).pipe(Effect.withSpan("hub.build"))
