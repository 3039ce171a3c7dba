/** What a builder's daemon says to its hub about itself and its tasks (daemon.md 3.4). */
import { Effect, Schema } from "effect"
import { isStruct, withKeywords } from "../hub/Keywords.ts"
import type { Struct, Value } from "../hub/Value.ts"
import { parameterError } from "../koji/Fault.ts"
import { taskStates } from "../koji/TaskState.ts"
import { type Arguments, asInt, asList, asStruct, asText } from "./Arguments.ts"
import { Call, callingHost } from "./Call.ts"
import { Flag, orNull, rowOf } from "./Database.ts"
import { actionNotAllowed } from "./Faults.ts"
import { getHost } from "./Hosts.ts"
import { method } from "./Method.ts"
import { refuse } from "./Refusals.ts"
import { tasksFor } from "./Scheduler.ts"
import { makeTask, taskOptions } from "./TaskCreation.ts"
import { assertOpenOn, finishTask, freeTask, isOpenOn, openTask } from "./TaskStates.ts"
import { getTask, requestText } from "./Tasks.ts"
import { awaitedChildren } from "./Waiting.ts"

const readHostTask = rowOf(Schema.Struct({ id: Schema.Int, waiting: orNull(Flag), weight: Schema.Finite }))

const setHostData = Effect.fnUntraced(function* (host: number, data: Value) {
  const { db } = yield* Call
  if (!isStruct(data)) return yield* parameterError("Host data should be a dictionary")
  db.run("UPDATE host SET data = ? WHERE id = ?", JSON.stringify(data), host)
})

/** Makes a child, or finds the one that this parent has under this label. */
const subtask = Effect.fnUntraced(function* (
  name: Value,
  params: ReadonlyArray<Value>,
  parentId: Value,
  options: Struct
) {
  const { db } = yield* Call
  const host = yield* callingHost
  const parent = yield* asInt(parentId)
  yield* assertOpenOn(parent, host)
  if (options["owner"] !== undefined) return yield* actionNotAllowed("The owner option is not allowed here")
  const { label, kwargs: keywords } = options
  if (label !== undefined) {
    const known = db.id("SELECT id FROM task WHERE parent = ? AND label = ?", parent, yield* asText(label))
    if (known !== undefined) return known
  }
  const all = keywords === undefined ? params : withKeywords(params, yield* asStruct(keywords))
  return yield* makeTask(yield* asText(name), all, { ...taskOptions(options), parent })
})

const finish = (state: "CLOSED" | "FAILED") =>
  Effect.fnUntraced(function* (given: Arguments) {
    const host = yield* callingHost
    const id = yield* given.int("task_id")
    yield* assertOpenOn(id, host)
    yield* finishTask(id, state, yield* given.text("response"))
  })

export const hostDaemonMethods = [
  method("host.getID", "HostExports.getID()", () => callingHost),
  method("host.getHost", "HostExports.getHost()", () => Effect.flatMap(callingHost, (host) => getHost(host))),
  method("host.isEnabled", "HostExports.isEnabled()", () =>
    callingHost.pipe(
      Effect.flatMap((host) => getHost(host)),
      Effect.map(({ enabled }) => enabled)
    )
  ),
  method(
    "host.updateHost",
    "HostExports.updateHost(task_load, ready, data=None)",
    Effect.fnUntraced(function* (given) {
      const { db, now } = yield* Call
      const host = yield* callingHost
      const load = yield* given.float("task_load")
      const ready = given.truth("ready")
      db.run("UPDATE host SET task_load = ?, ready = ?, update_time = ? WHERE id = ?", load, ready, now, host)
      const data = given.value("data")
      if (data !== null) yield* setHostData(host, data)
    })
  ),
  method(
    "host.setHostData",
    "HostExports.setHostData(hostdata)",
    Effect.fnUntraced(function* (given) {
      yield* setHostData(yield* callingHost, given.value("hostdata"))
    })
  ),
  method(
    "host.getHostTasks",
    "HostExports.getHostTasks()",
    Effect.fnUntraced(function* () {
      const { db } = yield* Call
      const host = yield* callingHost
      const open = "SELECT id, waiting, weight FROM task WHERE host_id = ? AND state = ? ORDER BY id"
      return db.all(readHostTask, open, host, taskStates.OPEN).map((task) => {
        const alert = task.waiting === true && awaitedChildren(db, task.id).finished.length > 0
        return alert ? { ...task, alert } : task
      })
    })
  ),
  method("host.getTasks", "HostExports.getTasks()", () => Effect.flatMap(callingHost, tasksFor)),
  method(
    "host.getLoadData",
    "HostExports.getLoadData()",
    Effect.fnUntraced(function* () {
      const { db } = yield* Call
      const host = yield* callingHost
      const linked = "SELECT channel_id AS id FROM host_channels WHERE host_id = ? AND revoke_event IS NULL"
      return [[{ ...(yield* getHost(host)), channels: db.ids(linked, host) }], yield* tasksFor(host)]
    })
  ),
  method(
    "host.openTask",
    "HostExports.openTask(task_id)",
    Effect.fnUntraced(function* (given) {
      const host = yield* callingHost
      const id = yield* given.int("task_id")
      if (!(yield* openTask(id, host))) return null
      return { ...(yield* getTask(id)), request: yield* requestText(id) }
    })
  ),
  method("host.closeTask", "HostExports.closeTask(task_id, response)", finish("CLOSED")),
  method("host.failTask", "HostExports.failTask(task_id, response)", finish("FAILED")),
  method(
    "host.freeTasks",
    "HostExports.freeTasks(tasks)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const host = yield* callingHost
      for (const id of yield* given.ints("tasks")) {
        yield* getTask(id)
        // One that was given to another host meanwhile is not this one's to free.
        if (isOpenOn(db, id, host)) yield* freeTask(id)
      }
    })
  ),
  method(
    "host.setTaskWeight",
    "HostExports.setTaskWeight(task_id, weight)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const host = yield* callingHost
      const id = yield* given.int("task_id")
      yield* assertOpenOn(id, host)
      db.run("UPDATE task SET weight = ? WHERE id = ?", yield* given.float("weight"), id)
    })
  ),
  method(
    "host.refuseTask",
    "HostExports.refuseTask(task_id, soft=True, msg='')",
    Effect.fnUntraced(function* (given) {
      const host = yield* callingHost
      const task = yield* getTask(yield* given.int("task_id"))
      if (task.host_id !== host) return
      const message = yield* given.text("msg")
      yield* refuse({ task: task.id, host, soft: given.truth("soft"), byHost: true, message })
      yield* freeTask(task.id)
    })
  ),
  method(
    "host.subtask",
    "HostExports.subtask(method, arglist, parent, **opts)",
    Effect.fnUntraced(function* (given) {
      const params = yield* given.list("arglist")
      return yield* subtask(given.value("method"), params, given.value("parent"), yield* given.struct("opts"))
    })
  ),
  method(
    "host.subtask2",
    "HostExports.subtask2(__parent, __taskopts, __method, *args, **opts)",
    Effect.fnUntraced(function* (given) {
      const params = withKeywords(yield* asList(given.value("args")), yield* given.struct("opts"))
      const options = yield* given.struct("__taskopts")
      return yield* subtask(given.value("__method"), params, given.value("__parent"), options)
    })
  )
]
