/** What a build's end does to the build, whoever brings it about: a task canceled, or a handler that failed. */
import { Effect } from "effect"
import { buildStates } from "../koji/TaskState.ts"
import { type Answering, Call } from "./Call.ts"
import { notifyBuild } from "./Notifications.ts"

/** Cancels what this task is building; a build that is over stays what it is. */
export const cancelBuildOfTask = (task: number): Answering<void> =>
  Effect.gen(function* () {
    const { db, now } = yield* Call
    const building = db.ids("SELECT id FROM build WHERE task_id = ? AND state = ?", task, buildStates.BUILDING)
    for (const build of building) {
      db.run("UPDATE build SET state = ?, completion_time = ? WHERE id = ?", buildStates.CANCELED, now, build)
      yield* notifyBuild(task, build)
    }
  })
