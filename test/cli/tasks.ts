/** Tasks as a hub describes them. */
import type { TaskInfo } from "../../src/hub/shapes/Task.ts"
import { type TaskState, taskStates } from "../../src/koji/TaskState.ts"

export const task = (id: number, method: string, state: TaskState, more: Partial<TaskInfo> = {}): TaskInfo => ({
  id,
  method,
  state: taskStates[state],
  arch: "noarch",
  owner: 1,
  host_id: 1,
  parent: null,
  channel_id: 1,
  label: null,
  waiting: false,
  awaited: false,
  priority: 20,
  weight: 1,
  create_ts: 0,
  ...more
})
