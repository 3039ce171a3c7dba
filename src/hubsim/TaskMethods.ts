/** The methods about tasks that anybody may call: looking at them, asking for one, calling one off. */
import { Effect } from "effect"
import { withKeywords } from "../hub/Keywords.ts"
import type { Struct, Value } from "../hub/Value.ts"
import { genericError, parameterError } from "../koji/Fault.ts"
import { defaultPriority, isFinished, taskStates } from "../koji/TaskState.ts"
import { asInt, isList } from "./Arguments.ts"
import { type Answering, assertPermission, Call, hasPermission, loggedIn } from "./Call.ts"
import { actionNotAllowed } from "./Faults.ts"
import { method } from "./Method.ts"
import { getTag } from "./TagConfig.ts"
import { makeTask, taskOptions } from "./TaskCreation.ts"
import { cancelChildren, cancelFull, cancelTask, freeTask, isOpenOn } from "./TaskStates.ts"
import { childrenOf, findTask, getTask, requestOf, resultOf, taskStruct } from "./Tasks.ts"

const info = Effect.fnUntraced(function* (value: Value, request: boolean, strict: boolean) {
  const { db } = yield* Call
  const id = yield* asInt(value)
  const task = strict ? yield* getTask(id) : findTask(db, id)
  return task === undefined ? null : yield* taskStruct(task, request)
})

/** Every task below one, by the id of its parent, as text because keys are. */
const descendents: (id: number, request: boolean) => Answering<Struct> = Effect.fnUntraced(function* (id, request) {
  const { db } = yield* Call
  const children = childrenOf(db, id)
  const shown = yield* Effect.forEach(children, (child) => taskStruct(child, request))
  const below = yield* Effect.forEach(children, (child) => descendents(child.id, request))
  return Object.assign({ [id]: shown }, ...below)
})

/** Fails with ActionNotAllowed (1004) unless the caller owns the task, runs it, or is an administrator. */
const mayCancel = Effect.fnUntraced(function* (id: number) {
  const { db, session } = yield* Call
  const { owner } = yield* getTask(id)
  const host = db.id("SELECT id FROM host WHERE user_id = ?", session?.userId ?? 0)
  if (owner === session?.userId || (host !== undefined && isOpenOn(db, id, host))) return
  if (!(yield* hasPermission("admin"))) return yield* actionNotAllowed("Cannot cancel task, not owner")
})

/** The priority that a client asks for is relative, and only an administrator may push ahead. */
const relativePriority = Effect.fnUntraced(function* (priority: number | null) {
  if (priority !== null && priority < 0 && !(yield* hasPermission("admin"))) {
    return yield* actionNotAllowed("only admins may create high-priority tasks")
  }
  return defaultPriority + (priority ?? 0)
})

export const taskMethods = [
  method(
    "getTaskInfo",
    "RootExports.getTaskInfo(task_id, request=False, strict=False)",
    Effect.fnUntraced(function* (given) {
      const ids = given.value("task_id")
      const [request, strict] = [given.truth("request"), given.truth("strict")]
      return yield* isList(ids) ? Effect.forEach(ids, (id) => info(id, request, strict)) : info(ids, request, strict)
    })
  ),
  method(
    "getTaskResult",
    "RootExports.getTaskResult(taskId, raise_fault=True)",
    Effect.fnUntraced(function* (given) {
      return yield* resultOf(yield* given.int("taskId"), given.truth("raise_fault"))
    })
  ),
  method("getTaskRequest", "RootExports.getTaskRequest(taskId)", (given) =>
    Effect.flatMap(given.int("taskId"), requestOf)
  ),
  method("taskFinished", "RootExports.taskFinished(taskId)", (given) =>
    given.int("taskId").pipe(
      Effect.flatMap(getTask),
      Effect.map(({ state }) => isFinished(state))
    )
  ),
  method(
    "getTaskChildren",
    "RootExports.getTaskChildren(task_id, request=False, strict=False)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const id = yield* given.int("task_id")
      if (given.truth("strict")) yield* getTask(id)
      return yield* Effect.forEach(childrenOf(db, id), (child) => taskStruct(child, given.truth("request")))
    })
  ),
  method(
    "getTaskDescendents",
    "RootExports.getTaskDescendents(task_id, request=False)",
    Effect.fnUntraced(function* (given) {
      return yield* descendents(yield* given.int("task_id"), given.truth("request"))
    })
  ),
  method(
    "cancelTask",
    "RootExports.cancelTask(task_id, recurse=True)",
    Effect.fnUntraced(function* (given) {
      const id = yield* given.int("task_id")
      yield* mayCancel(id)
      yield* cancelTask(id, given.truth("recurse"))
    })
  ),
  method(
    "cancelTaskChildren",
    "RootExports.cancelTaskChildren(task_id)",
    Effect.fnUntraced(function* (given) {
      yield* loggedIn
      const id = yield* given.int("task_id")
      yield* mayCancel(id)
      yield* cancelChildren(id)
    })
  ),
  method(
    "cancelTaskFull",
    "RootExports.cancelTaskFull(task_id, strict=True)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("admin")
      const { id, parent } = yield* getTask(yield* given.int("task_id"))
      if (parent !== null && given.truth("strict")) {
        return yield* genericError(`Task ${id} is not top-level (parent=${parent})`)
      }
      yield* cancelFull(id)
    })
  ),
  method(
    "freeTask",
    "RootExports.freeTask(task_id)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("admin")
      yield* freeTask(yield* given.int("task_id"))
    })
  ),
  method(
    "build",
    "RootExports.build(src, target, opts=None, priority=None, channel=None)",
    Effect.fnUntraced(function* (given) {
      yield* loggedIn
      const priority = yield* relativePriority(yield* given.intOrNull("priority"))
      const channel = yield* given.textOrNull("channel")
      const params = [yield* given.text("src"), given.value("target"), yield* given.structOrEmpty("opts")]
      return yield* makeTask("build", params, { priority, ...(channel === null ? {} : { channel }) })
    })
  ),
  method(
    "newRepo",
    "RootExports.newRepo(tag, event=None, src=False, debuginfo=False, separate_src=False)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("repo")
      const event = yield* given.intOrNull("event")
      yield* getTag(given.value("tag"), event)
      const flags = (["src", "debuginfo", "separate_src"] as const).filter((name) => given.truth(name))
      const keywords = {
        ...(event === null ? {} : { event }),
        ...Object.fromEntries(flags.map((name) => [name, true]))
      }
      const params = withKeywords([given.value("tag")], keywords)
      return yield* makeTask("newRepo", params, { priority: 15, channel: "createrepo" })
    })
  ),
  method(
    "makeTask",
    "RootExports.makeTask(*args, **opts)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("admin")
      const [name, params] = yield* given.list("args")
      const options = yield* given.struct("opts")
      if (options["owner"] !== undefined) return yield* actionNotAllowed("The owner option is not allowed here")
      if (typeof name !== "string" || !isList(params)) {
        return yield* parameterError("make_task() missing 2 required positional arguments: 'method' and 'arglist'")
      }
      return yield* makeTask(name, params, taskOptions(options))
    })
  ),
  method(
    "resubmitTask",
    "RootExports.resubmitTask(taskID)",
    Effect.fnUntraced(function* (given) {
      const { userId } = yield* loggedIn
      const task = yield* getTask(yield* given.int("taskID"))
      if (task.state !== taskStates.CANCELED && task.state !== taskStates.FAILED) {
        return yield* genericError("only canceled or failed tasks may be resubmitted")
      }
      if (task.parent !== null) return yield* genericError("only top-level tasks may be resubmitted")
      if (task.owner !== userId && !(yield* hasPermission("admin"))) {
        return yield* genericError("only the task owner or an admin may resubmit a task")
      }
      const { arch, priority, channel_id: channel, method: name } = task
      return yield* makeTask(name, yield* requestOf(task.id), { arch, priority, channel })
    })
  )
]
