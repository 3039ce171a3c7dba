/** Buildroots at the hub that no task of ours is using: marked as gone (daemon.md 4.15, tasks.md 2.13). */
import { Effect, HashSet } from "effect"
import { told } from "../core/DaemonEvent.ts"
import { TaskId } from "../core/Ids.ts"
import { listBuildroots, setBuildRootState } from "../hub/calls/buildroots.ts"
import { buildrootStates } from "../koji/TaskState.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"

/**
 * Expires every live buildroot of this host whose task does not run here, nor will again in the next process. Attempts are
 * asked after the hub was.
 */
export const expireBuildroots = Effect.fn("expireBuildroots")(function* (hostId: number) {
  const attempts = yield* Attempts
  const journal = yield* DaemonJournal
  const live = [buildrootStates.INIT, buildrootStates.WAITING, buildrootStates.BUILDING]
  const rows = yield* listBuildroots({ hostID: hostId, state: live })
  const ours = yield* attempts.unfinished
  for (const row of rows) {
    if (row.task_id !== null && HashSet.has(ours, TaskId.make(row.task_id))) continue
    yield* setBuildRootState(row.id, "EXPIRED")
    yield* journal.record(
      told.BuildrootExpired.make({ buildroot: row.id, reason: `task ${row.task_id ?? "none"} does not run here` })
    )
  }
})
