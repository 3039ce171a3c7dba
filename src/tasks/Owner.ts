/** Whose task this is: what is done in its course is done in that user's name. */
import { Effect } from "effect"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { HubNonsense } from "../hub/HubError.ts"

export const ownerOf = (task: number) =>
  Effect.flatMap(getTaskInfo(task), (info) =>
    info === null
      ? Effect.fail(new HubNonsense({ method: "getTaskInfo", message: `there is no task ${task}` }))
      : Effect.succeed(info.owner)
  )
