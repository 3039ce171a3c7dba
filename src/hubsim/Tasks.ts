/** Tasks as they are: their rows, what they were asked to do, and what came of it. */
import { Effect, Result, Schema } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { decodeAnswer, decodeCall } from "../hub/XmlRpcDecoder.ts"
import { genericError, KojiFault, otherError } from "../koji/Fault.ts"
import { isFinished, taskStates } from "../koji/TaskState.ts"
import { type Answering, Call } from "./Call.ts"
import { type Database, Flag, orNull, rowOf } from "./Database.ts"
import { noRows } from "./Faults.ts"

/** `getTaskInfo`'s members (daemon.md 3.2). */
const TaskInfo = Schema.Struct({
  id: Schema.Int,
  state: Schema.Int,
  create_time: Schema.String,
  create_ts: Schema.Finite,
  start_time: orNull(Schema.String),
  start_ts: orNull(Schema.Finite),
  completion_time: orNull(Schema.String),
  completion_ts: orNull(Schema.Finite),
  channel_id: Schema.Int,
  host_id: orNull(Schema.Int),
  parent: orNull(Schema.Int),
  label: orNull(Schema.String),
  waiting: orNull(Flag),
  awaited: orNull(Flag),
  owner: Schema.Int,
  method: Schema.String,
  arch: Schema.String,
  priority: Schema.Int,
  weight: Schema.Finite
})
export type TaskInfo = typeof TaskInfo.Type

export const readTask = rowOf(TaskInfo)
const readRequest = rowOf(Schema.Struct({ request: Schema.String }))
const readResult = rowOf(Schema.Struct({ state: Schema.Int, result: orNull(Schema.String) }))

export const findTask = (db: Database, id: number): TaskInfo | undefined =>
  db.first(readTask, "SELECT * FROM task_info WHERE id = ?", id)

/** The task. Fails with the hub's answer to a query without rows when there is none. */
export const getTask = (id: number): Answering<TaskInfo> =>
  Effect.flatMap(Call, ({ db }) => {
    const task = findTask(db, id)
    return task === undefined ? Effect.fail(noRows) : Effect.succeed(task)
  })

export const childrenOf = (db: Database, id: number): ReadonlyArray<TaskInfo> =>
  db.all(readTask, "SELECT * FROM task_info WHERE parent = ? ORDER BY id", id)

/** The document that the task was made with. */
export const requestText = (id: number): Answering<string> =>
  Effect.flatMap(Call, ({ db }) => {
    const row = db.first(readRequest, "SELECT request FROM task WHERE id = ?", id)
    return row === undefined ? Effect.fail(noRows) : Effect.succeed(row.request)
  })

/** The task's parameters, keywords not yet apart. */
export const requestOf = (id: number): Answering<ReadonlyArray<Value>> =>
  Effect.flatMap(requestText(id), (text) => {
    const call = decodeCall(text)
    return Result.isSuccess(call) ? Effect.succeed(call.success.params) : Effect.fail(otherError(call.failure.message))
  })

/** The task as a client sees it; with `request`, the parameters too. */
export const taskStruct = (task: TaskInfo, request: boolean): Answering<Struct> =>
  request ? Effect.map(requestOf(task.id), (params) => ({ ...task, request: params })) : Effect.succeed(task)

/**
 * The result of a task that is over. A fault it ended with is raised as this call's own, or returned as a struct;
 * tasks that are canceled or not over have no result (daemon.md 3.3).
 */
export const resultOf = Effect.fnUntraced(function* (
  id: number,
  raiseFault: boolean
): Effect.fn.Return<Value, KojiFault, Call> {
  const { db } = yield* Call
  const row = db.first(readResult, "SELECT state, result FROM task WHERE id = ?", id)
  if (row === undefined) return yield* noRows
  if (row.state === taskStates.CANCELED) return yield* genericError(`Task ${id} is canceled`)
  if (!isFinished(row.state)) return yield* genericError(`Task ${id} is not finished`)
  const answer = decodeAnswer(row.result ?? "")
  if (Result.isFailure(answer)) return yield* otherError(answer.failure.message)
  if (answer.success._tag === "Success") return answer.success.value
  const { code, message } = answer.success
  if (raiseFault) return yield* new KojiFault({ code, message })
  return { faultCode: code, faultString: message }
})
