/** A build's tasks as its mail tells of them: the build's own, and below each its children, as kojid asks for them. */
import { Effect, Schema } from "effect"
import { hubStep } from "../buildroot/HubSteps.ts"
import { findHost } from "../hub/calls/hosts.ts"
import { getTaskChildren, getTaskInfo, getTaskRequest, getTaskResult, listTaskOutput } from "../hub/calls/tasks.ts"
import type { NoticedTask } from "../koji/BuildNotice.ts"
import { faultName } from "../koji/Fault.ts"
import { taskLabel } from "../koji/TaskLabel.ts"
import { taskStateName } from "../koji/TaskState.ts"

/** No build has more tasks that anybody would read about. */
const tasksMax = 500

const Noticed = Schema.Struct({
  id: Schema.Int,
  label: Schema.String,
  arch: Schema.String,
  place: Schema.NullOr(Schema.String),
  host: Schema.NullOr(Schema.String),
  state: Schema.String,
  failure: Schema.NullOr(Schema.String),
  files: Schema.Record(Schema.String, Schema.Array(Schema.String))
})
const Looked = Schema.NullOr(Schema.Struct({ noticed: Noticed, children: Schema.Array(Schema.Int) }))

/** The task and all below it, each before its children. */
export const noticedTasks = Effect.fnUntraced(function* (root: number) {
  const noticed = new Map<number, NoticedTask>()
  const visit = (id: number): ReturnType<typeof lookAt> =>
    Effect.gen(function* () {
      if (noticed.has(id) || noticed.size >= tasksMax) return null
      const looked = yield* lookAt(id)
      if (looked === null) return null
      noticed.set(id, looked.noticed)
      for (const child of looked.children) yield* visit(child)
      return looked
    })
  yield* visit(root)
  return [...noticed.values()]
})

/** As kojid's client has made an exception of it: by its class, if Koji has one for it (tasks.md 5.1). */
const failureOf = (code: number, message: string): string | null => {
  const name = faultName(code)
  return (name === undefined ? message : `${name}: ${message}`).trim() || null
}

const lookAt = (id: number) =>
  hubStep(
    `task/${id}`,
    Looked,
    Effect.gen(function* () {
      const info = yield* getTaskInfo(id)
      if (info === null) return null
      const host = info.host_id === null ? null : yield* findHost(info.host_id)
      const failure = yield* getTaskResult(id).pipe(
        Effect.as(null),
        // A task that has not ended has no result either; what the hub says of that is shown as kojid shows it.
        Effect.catchTag("HubFault", ({ code, message }) => Effect.succeed(failureOf(code, message)))
      )
      const files = yield* listTaskOutput(id)
      const asked = yield* getTaskRequest(id)
      const children = yield* getTaskChildren(id)
      const { method, arch, label: place } = info
      // Requests of the newer kind are a struct, which stands for a list of itself.
      const label = taskLabel({ method, arch, request: Array.isArray(asked) ? asked : [asked] })
      const state = (taskStateName(info.state) ?? "").toLowerCase()
      return {
        noticed: { id, label, arch, place, host: host?.name ?? null, state, failure, files },
        children: children.map((child) => child.id)
      }
    })
  )
