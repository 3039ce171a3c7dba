/** From tasks that are assigned to us to attempts of them, or refusals. */
import { Effect, HashSet, Result, Schema } from "effect"
import { told } from "../core/DaemonEvent.ts"
import { TaskId } from "../core/Ids.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { type HubFault, type HubNonsense, isSessionGone } from "../hub/HubError.ts"
import type { AssignedTask } from "../hub/shapes/Task.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"
import { parametersOf } from "../koji/TaskParameters.ts"
import { taskStates } from "../koji/TaskState.ts"
import { hostCheck } from "../tasks/HostCheck.ts"
import { taskType, weightOf } from "../tasks/Registry.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import type { HubForms } from "./HubForms.ts"

/** Who takes, and how much more. */
export interface Taker {
  readonly hostId: number
  readonly arches: string | null
  readonly capacity: number
  readonly load: number
  readonly places: number
  readonly refuse: HubForms["refuse"]
}

/**
 * Takes what is offered, in its order, as long as kojid would find itself ready for more. What is wrong with one task is
 * no reason to leave the others. Returns how many were taken.
 */
export const takeOffered = Effect.fn("Daemon.takeOffered")(function* (
  offered: ReadonlyArray<AssignedTask>,
  taker: Taker
) {
  const attempts = yield* Attempts
  const running = yield* attempts.running
  let { load, places } = taker
  let taken = 0
  for (const row of offered) {
    if (places <= 0 || load > taker.capacity) break
    // One that was given back a moment ago has to end here before it begins again.
    if (HashSet.has(running, TaskId.make(row.id))) continue
    if (row.state !== taskStates.ASSIGNED || row.host_id !== taker.hostId) {
      yield* Effect.logError(`the hub offers task ${row.id}, which is not assigned to this host`)
      continue
    }
    const type = yield* take(row, taker).pipe(
      Effect.catchTag(["HubFault", "HubNonsense"], (error) => leaveAlone(row, error))
    )
    if (type === undefined) continue
    taken++
    places--
    load += weightOf(row.method)
    if (type.foreground === true) break
  }
  return taken
})

/** The hub takes back what is not opened in time. */
const leaveAlone = Effect.fnUntraced(function* (row: AssignedTask, error: HubFault | HubNonsense) {
  if (isSessionGone(error)) return yield* error
  yield* Effect.logError(`task ${row.id} (${row.method}) is not taken: ${error.method}: ${error.message}`)
  return undefined
})

/** Begins an attempt of a task that the hub has assigned to us, or refuses it. The type of what was begun. */
const take = Effect.fn("Daemon.take")(function* (row: AssignedTask, { hostId, arches, ...hub }: Taker) {
  const attempts = yield* Attempts
  const journal = yield* DaemonJournal
  const task = TaskId.make(row.id)
  const refuse = (reason: string, soft = false) =>
    Effect.gen(function* () {
      yield* Effect.log(`refusing task ${task} (${row.method}): ${reason}`)
      yield* journal.record(told.TaskRefused.make({ task, method: row.method, soft, reason }))
      yield* hub.refuse(task, { soft, message: reason })
      return undefined
    })
  const type = taskType(row.method)
  if (type === undefined) return yield* refuse("no handler for method")
  const found = yield* Effect.result(getTaskInfo(task, { request: true }))
  if (Result.isFailure(found)) {
    const error = found.failure
    // Whoever asked for the task can put anything into its request: it must not keep the others waiting.
    return yield* error._tag === "HubNonsense" ? refuse(`its request cannot be read: ${error.message}`) : error
  }
  const info = found.success
  if (info === null || info.request === undefined || info.request === null) return undefined
  const parameters = parametersOf(row.method, info.request)
  if (Result.isSuccess(parameters) && !(yield* hostCheck(type, parameters.success, arches))) {
    return yield* refuse("failed host check")
  }
  yield* Effect.log(`taking task ${task} (${row.method}, ${row.arch})`)
  const started = attempts.start({
    task,
    arch: row.arch,
    type,
    hostId,
    request: yield* journalable(info.request),
    parameters: Effect.fromResult(parameters)
  })
  return yield* started.pipe(
    Effect.as(type),
    Effect.catch(({ message }) => refuse(`this builder cannot keep a journal of it: ${message}`, true))
  )
})

/** The request as JSON, without what it must not hold: user names and passwords in URLs. */
const journalable = (request: unknown) =>
  Schema.decodeUnknownEffect(Schema.Json)(
    JSON.parse(
      JSON.stringify(request, (_key, value: unknown) => (typeof value === "string" ? withoutPassword(value) : value))
    )
  ).pipe(Effect.orElseSucceed(() => null))
