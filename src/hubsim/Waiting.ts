/**
 * Waiting for children (daemon.md 3.4). A parent says which it waits for, these are *awaited*; each that has finished
 * is reported once, after that it is awaited no more. Whoever asks again hears only of what is new.
 */
import { Effect, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { KojiFault } from "../koji/Fault.ts"
import { isFinished, taskStates } from "../koji/TaskState.ts"
import { asInt } from "./Arguments.ts"
import { Call, callingHost } from "./Call.ts"
import { type Database, rowOf } from "./Database.ts"
import { method } from "./Method.ts"
import { findTask, resultOf } from "./Tasks.ts"

const readState = rowOf(Schema.Struct({ id: Schema.Int, state: Schema.Int }))

/** The awaited children: those that have finished, and those that have not. */
export const awaitedChildren = (db: Database, parent: number) => {
  const rows = db.all(readState, "SELECT id, state FROM task WHERE parent = ? AND awaited ORDER BY id", parent)
  return {
    finished: rows.filter(({ state }) => isFinished(state)).map(({ id }) => id),
    unfinished: rows.filter(({ state }) => !isFinished(state)).map(({ id }) => id)
  }
}

const setWait = Effect.fnUntraced(function* (parent: number, tasks: ReadonlyArray<number> | null) {
  const { db } = yield* Call
  db.run("UPDATE task SET waiting = 1 WHERE id = ?", parent)
  if (tasks === null) db.run("UPDATE task SET awaited = 1 WHERE parent = ?", parent)
  else if (tasks.length > 0) {
    const listed = "(SELECT value FROM json_each(?))"
    const ids = JSON.stringify(tasks)
    db.run(`UPDATE task SET awaited = 1 WHERE parent = ? AND id IN ${listed}`, parent, ids)
    db.run(`UPDATE task SET awaited = 0 WHERE parent = ? AND awaited AND id NOT IN ${listed}`, parent, ids)
  }
})

/** The result of each task, or for those that may fail what they failed with; the parent waits no more. */
const waitResults = Effect.fnUntraced(function* (
  parent: number,
  tasks: ReadonlyArray<number> | null,
  canFail: ReadonlyArray<number>
) {
  const { db } = yield* Call
  db.run("UPDATE task SET waiting = 0 WHERE id = ?", parent)
  db.run("UPDATE task SET awaited = 0 WHERE parent = ?", parent)
  const children = db.all(readState, "SELECT id, state FROM task WHERE parent = ? ORDER BY id", parent)
  const wanted = tasks ?? children.filter(({ state }) => isFinished(state)).map(({ id }) => id)
  return yield* Effect.forEach(wanted, (id) => {
    const mayFail = canFail.includes(id)
    const canceled = findTask(db, id)?.state === taskStates.CANCELED
    return resultOf(id, !mayFail).pipe(
      Effect.catchIf(
        (fault) => fault instanceof KojiFault && mayFail && canceled,
        ({ code, message }) => Effect.succeed<Value>({ faultCode: code, faultString: message })
      ),
      Effect.map((result): Value => [id, result])
    )
  })
})

const ids = (values: ReadonlyArray<Value> | null) =>
  values === null ? Effect.succeed(null) : Effect.forEach(values, asInt)

export const waitingMethods = [
  method(
    "host.taskSetWait",
    "HostExports.taskSetWait(parent, tasks)",
    Effect.fnUntraced(function* (given) {
      yield* callingHost
      yield* setWait(yield* given.int("parent"), yield* ids(yield* given.listOrNull("tasks")))
    })
  ),
  method(
    "host.taskWait",
    "HostExports.taskWait(parent)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      yield* callingHost
      const { finished, unfinished } = awaitedChildren(db, yield* given.int("parent"))
      for (const id of finished) db.run("UPDATE task SET awaited = 0 WHERE id = ?", id)
      return [finished, unfinished]
    })
  ),
  method(
    "host.taskWaitResults",
    "HostExports.taskWaitResults(parent, tasks, canfail=None)",
    Effect.fnUntraced(function* (given) {
      yield* callingHost
      return yield* waitResults(
        yield* given.int("parent"),
        yield* ids(yield* given.listOrNull("tasks")),
        (yield* ids(yield* given.listOrNull("canfail"))) ?? []
      )
    })
  )
]
