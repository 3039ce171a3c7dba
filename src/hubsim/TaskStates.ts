/**
 * The ways in which a task changes its state (daemon.md 3.8).
 *
 * Whether the caller may do it is the calling method's business; what is here knows only what a task may do next.
 */
import { Effect } from "effect"
import { genericError } from "../koji/Fault.ts"
import { isFinished, taskStateName, taskStates } from "../koji/TaskState.ts"
import { cancelBuildOfTask } from "./BuildStates.ts"
import { type Answering, Call } from "./Call.ts"
import type { Database } from "./Database.ts"
import { actionNotAllowed } from "./Faults.ts"
import { getTask } from "./Tasks.ts"

/** Whether the task is OPEN on this host. */
export const isOpenOn = (db: Database, id: number, host: number) =>
  db.has("SELECT 1 FROM task WHERE id = ? AND state = ? AND host_id = ?", id, taskStates.OPEN, host)

/** Fails with ActionNotAllowed (1004) unless the task is OPEN on this host. */
export const assertOpenOn = Effect.fnUntraced(function* (id: number, host: number) {
  const { db } = yield* Call
  yield* getTask(id)
  if (!isOpenOn(db, id, host)) return yield* actionNotAllowed(`host ${host} does not own task ${id}`)
})

/** Opens the task on this host; false when it is somebody else's, or open already, or over (daemon.md 3.4). */
export const openTask = Effect.fnUntraced(function* (id: number, host: number) {
  const { db, now } = yield* Call
  const task = yield* getTask(id)
  const free = task.state === taskStates.FREE && task.host_id === null
  if (!free && !(task.state === taskStates.ASSIGNED && task.host_id === host)) return false
  db.run("UPDATE task SET state = ?, host_id = ?, start_time = ? WHERE id = ?", taskStates.OPEN, host, now, id)
  return true
})

/** Gives a task back to be run again, keeping all it has. */
export const freeTask = Effect.fnUntraced(function* (id: number) {
  const { db } = yield* Call
  const { state } = yield* getTask(id)
  // As the hub has it: to the code there, state 0 looks like no state.
  if (state === taskStates.FREE) return yield* genericError(`No such task: ${id}`)
  if (isFinished(state)) return yield* genericError(`Cannot free task ${id}, state is ${taskStateName(state)}`)
  db.run("UPDATE task SET state = ?, host_id = NULL WHERE id = ?", taskStates.FREE, id)
})

/** Ends a task with its result, a complete response document. */
export const finishTask = Effect.fnUntraced(function* (id: number, state: "CLOSED" | "FAILED", result: string) {
  const { db, now } = yield* Call
  db.run("UPDATE task SET state = ?, result = ?, completion_time = ? WHERE id = ?", taskStates[state], result, now, id)
})

/**
 * Cancels a task, the builds it is building and, with `recurse`, all below it. A task that is over stays as it is,
 * and what is below it is left alone.
 */
export const cancelTask: (id: number, recurse: boolean) => Answering<void> = Effect.fnUntraced(function* (id, recurse) {
  const { db, now } = yield* Call
  const { state } = yield* getTask(id)
  if (isFinished(state)) return
  db.run("UPDATE task SET state = ?, completion_time = ? WHERE id = ?", taskStates.CANCELED, now, id)
  yield* cancelBuildOfTask(id)
  if (recurse) yield* cancelChildren(id)
})

export const cancelChildren = Effect.fnUntraced(function* (id: number) {
  const { db } = yield* Call
  for (const child of db.ids("SELECT id FROM task WHERE parent = ? ORDER BY id", id)) yield* cancelTask(child, true)
})

/** Cancels the top-level task that this one belongs to, and everything below that, over or not. */
export const cancelFull = Effect.fnUntraced(function* (id: number) {
  const { db } = yield* Call
  let top = yield* getTask(id)
  while (top.parent !== null) top = yield* getTask(top.parent)
  const members = [top.id]
  for (const member of members) {
    yield* cancelTask(member, false)
    members.push(...db.ids("SELECT id FROM task WHERE parent = ? ORDER BY id", member))
  }
})
