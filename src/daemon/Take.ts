/** From an assigned task to an attempt of it, or a refusal. */
import { Effect, Result, Schema } from "effect"
import { told } from "../core/DaemonEvent.ts"
import { TaskId } from "../core/Ids.ts"
import { refuseTask } from "../hub/calls/host.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import type { AssignedTask } from "../hub/shapes/Task.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"
import { parametersOf } from "../koji/TaskParameters.ts"
import { hostCheck } from "../tasks/HostCheck.ts"
import { taskType } from "../tasks/Registry.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

/** Begins an attempt of a task that the hub has assigned to us, or refuses it. True when it was begun. */
export const take = Effect.fn("Daemon.take")(function* (row: AssignedTask, hostId: number, hostArches: string | null) {
  const attempts = yield* Attempts
  const journal = yield* DaemonJournal
  const task = TaskId.make(row.id)
  const refuse = (reason: string) =>
    Effect.gen(function* () {
      yield* Effect.log(`refusing task ${task} (${row.method}): ${reason}`)
      yield* journal.record(told.TaskRefused.make({ task, method: row.method, soft: false, reason }))
      yield* refuseTask(task, { soft: false, message: reason })
      return false
    })
  const type = taskType(row.method)
  if (type === undefined) return yield* refuse("no handler for method")
  const info = yield* getTaskInfo(task, { request: true })
  if (info === null || info.request === undefined || info.request === null) return false
  const parameters = parametersOf(row.method, info.request)
  if (Result.isSuccess(parameters) && !(yield* hostCheck(type, parameters.success, hostArches))) {
    return yield* refuse("failed host check")
  }
  yield* Effect.log(`taking task ${task} (${row.method}, ${row.arch})`)
  yield* attempts.start({
    task,
    arch: row.arch,
    type,
    hostId,
    request: yield* journalable(info.request),
    parameters: Effect.fromResult(parameters)
  })
  return true
})

/** The request as JSON, without what it must not hold: user names and passwords in URLs. */
const journalable = (request: unknown) =>
  Schema.decodeUnknownEffect(Schema.Json)(
    JSON.parse(
      JSON.stringify(request, (_key, value: unknown) => (typeof value === "string" ? withoutPassword(value) : value))
    )
  ).pipe(Effect.orElseSucceed(() => null))
