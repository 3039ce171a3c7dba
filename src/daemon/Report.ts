/** Telling the hub how a task ended (tasks.md 1.4), and what its refusal to hear it means (daemon.md 3.10). */
import { Effect } from "effect"
import type { Outcome } from "../core/AttemptEvent.ts"
import type { TaskId } from "../core/Ids.ts"
import { closeTask, failTask, freeTasks, refuseTask } from "../hub/calls/host.ts"
import { orOlder } from "../hub/calls/older.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { type HubError, HubUnavailable } from "../hub/HubError.ts"
import type { HubSession } from "../hub/HubSession.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { taskStateName } from "../koji/TaskState.ts"

/**
 * Reports the outcome, if it is one that is reported. Never fails: what the hub says to it is returned as a note. A
 * report that is refused because the task is closed already, or not ours any more, has nothing left to do.
 */
export const report = Effect.fn("report")(function* (task: TaskId, outcome: Outcome) {
  return yield* send(task, outcome).pipe(
    Effect.as(""),
    Effect.catch((error) =>
      Effect.map(stateAfter(task, error), (state) => `${error.method}: ${shortened(error.message)}${state}`)
    )
  )
})

/** A hub may add the whole of its trace; the last line of a journal is short, so that it is found quickly. */
const messageCharactersMax = 2000
const shortened = (message: string): string =>
  message.length <= messageCharactersMax ? message : `${message.slice(0, messageCharactersMax)}…`

/** What the hub says of the task when it did not take the report. One that is away is not asked that either. */
const stateAfter = (task: TaskId, { _tag }: HubError) =>
  _tag === "HubUnavailable"
    ? Effect.succeed("")
    : Effect.map(Effect.result(getTaskInfo(task)), (info) => {
        const state = info._tag === "Success" && info.success !== null ? taskStateName(info.success.state) : undefined
        return state === undefined ? "" : ` (the task is ${state})`
      })

/** How long a freed task waits for the hub to hear of it. */
const freeSeconds = 30

const send = (task: TaskId, outcome: Outcome): Effect.Effect<void, HubError, HubSession | AttemptJournal> => {
  switch (outcome._tag) {
    case "Success":
      return Effect.gen(function* () {
        const journal = yield* AttemptJournal
        yield* closeTask(task, yield* journal.getValue(outcome.result).pipe(Effect.orDie))
      })
    case "Fault":
      return failTask(task, { code: outcome.code, message: outcome.message })
    case "Freed":
      // A hub that is away is not waited for: what it calls ours and we do not run is freed at a later look anyway.
      return freeTasks([task]).pipe(
        Effect.interruptible,
        Effect.timeoutOrElse({
          duration: `${freeSeconds} seconds`,
          orElse: () =>
            Effect.fail(new HubUnavailable({ method: "host.freeTasks", message: `no answer in ${freeSeconds} s` }))
        })
      )
    case "Refused":
      // Hubs before 1.34 take no refusals: a task that is free is everybody's.
      return refuseTask(task, { soft: outcome.soft, message: outcome.reason }).pipe(orOlder(freeTasks([task])))
    case "Canceled":
    case "Lost":
      return Effect.void
  }
}
