/** The beginning of an attempt at the hub: whether the task is, or still is, ours. */
import { Effect, HashMap, Option, Schema } from "effect"
import { hubFailure } from "../buildroot/HubSteps.ts"
import { order } from "../core/AttemptCommand.ts"
import { Outcome } from "../core/AttemptEvent.ts"
import type { AttemptState } from "../core/AttemptState.ts"
import { StepPath } from "../core/Ids.ts"
import { openTask, setTaskWeight } from "../hub/calls/host.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import type { HubSession } from "../hub/HubSession.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { recording } from "../journal/Door.ts"
import { taskStateName, taskStates } from "../koji/TaskState.ts"
import { weightOf } from "../tasks/Registry.ts"
import type { AttemptRequest } from "./Attempt.ts"
import { stoppedBy } from "./Outcome.ts"

/** Whether an earlier process has opened the task. */
export const isOpen = (state: AttemptState): boolean => {
  if (state._tag === "Unknown") return false
  return Option.exists(HashMap.get(state.steps, StepPath.make(openTaskPath)), ({ _tag }) => _tag === "Succeeded")
}
const openTaskPath = "openTask"

/**
 * While nobody ran the attempt, its task may have been canceled, or the hub may have given it to another: then there is
 * nothing to go on with. Null when it is open and ours.
 */
export const stillOurs = Effect.fnUntraced(function* ({ task, hostId, isSuperseded }: AttemptRequest) {
  const journal = yield* AttemptJournal
  if (isSuperseded === true) {
    yield* journal.submit(order.RequestStop.make({ reason: "lost", detail: supersededNote })).pipe(Effect.orDie)
    return stoppedBy("lost")
  }
  const info = yield* getTaskInfo(task).pipe(Effect.mapError(hubFailure))
  if (info?.state === taskStates.OPEN && info.host_id === hostId) return null
  const said = `the hub says ${(info === null ? undefined : taskStateName(info.state)) ?? "unknown"}`
  const reason = info?.state === taskStates.CANCELED ? "canceled" : "lost"
  yield* journal.submit(order.RequestStop.make({ reason, detail: said })).pipe(Effect.orDie)
  return stoppedBy(reason)
})

export const supersededNote = "a later attempt of the task has begun"

/** Opens the task at the hub; how the attempt ends when somebody else has it. */
export const open = Effect.fnUntraced(function* (request: AttemptRequest) {
  const door = yield* recording<HubSession>()
  const opened = yield* door.step(
    { path: openTaskPath, rule: "ask", input: request.task },
    Schema.Boolean,
    openTask(request.task).pipe(
      Effect.flatMap((task) =>
        task !== null
          ? Effect.succeed(true)
          : // An answer that got lost opens the task all the same: ask whose it is.
            Effect.map(
              getTaskInfo(request.task),
              (info) => info?.state === taskStates.OPEN && info.host_id === request.hostId
            )
      ),
      Effect.mapError(hubFailure)
    )
  )
  if (!opened) return Outcome.cases.Lost.make({ reason: "the hub did not give us the task" })
  yield* door.step(
    { path: "open/weight", rule: "repeat" },
    Schema.Null,
    setTaskWeight(request.task, weightOf(request.type.method)).pipe(Effect.as(null), Effect.mapError(hubFailure))
  )
  return null
})
