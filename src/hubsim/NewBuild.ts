/** Beginning a build: its row, or the row of one that failed and is done again (tasks.md 3.8, kojihub `new_build`). */
import { rmSync } from "node:fs"
import { Effect } from "effect"
import type { Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { formatNvr } from "../koji/Nvr.ts"
import { safeComponent } from "../koji/Paths.ts"
import { buildStateName, buildStates } from "../koji/TaskState.ts"
import { type Build, findBuild } from "./Builds.ts"
import { Call } from "./Call.ts"
import { idFor } from "./NameOrId.ts"

export interface BuildData {
  readonly name: string
  readonly version: string
  readonly release: string
  readonly epoch: number | null
  readonly task: number | null
  readonly owner: number
  readonly source: string | null
  readonly extra: Value
  readonly draft: boolean
}

/** Makes a build in state BUILDING and returns its id. Fails with GenericError (1000) when there is one already. */
export const newBuild = Effect.fnUntraced(function* (data: BuildData) {
  const { db, now, event, paths } = yield* Call
  // They are directories here.
  for (const part of [data.name, data.version, data.release]) yield* Effect.fromResult(safeComponent(part))
  const { name, version, release, epoch, draft } = data
  const old = yield* findBuild({ name, version, release })
  const row = {
    ...{ epoch, state: buildStates.BUILDING, task_id: data.task, owner: data.owner, source: data.source },
    ...{ start_time: now, extra: data.extra === null ? null : JSON.stringify(data.extra) }
  }
  if (old === undefined) {
    const pkg = yield* idFor("package", name)
    const id = db.insert("build", { pkg_id: pkg, version, release, draft, ...row, create_event: event() })
    // A draft's release names the build, so it is there only once the build is.
    if (draft) db.run("UPDATE build SET release = ? WHERE id = ?", `${release},draft_${id}`, id)
    return id
  }
  if (draft) return yield* genericError(`Target build already exists: ${old.nvr} (id=${old.id})`)
  if (yield* isOurs(old, data)) return old.id
  db.run(
    `UPDATE build SET epoch = ?, state = ?, task_id = ?, owner = ?, source = ?, start_time = ?, extra = ?,
      completion_time = NULL, create_event = ? WHERE id = ?`,
    ...Object.values(row),
    event(),
    old.id
  )
  rmSync(paths.build(old), { recursive: true, force: true })
  return old.id
})

/**
 * Whether the build is this task's own, from before it was given back. One that failed or was canceled may be done
 * again, if nothing of it was ever kept; any other is an error.
 */
const isOurs = Effect.fnUntraced(function* (old: Build, { task, name, version, release }: BuildData) {
  const { db } = yield* Call
  if (old.state === buildStates.BUILDING) {
    if (task !== null && old.task_id === task) return true
    return yield* genericError(`Build already in progress (task ${old.task_id})`)
  }
  if (old.state !== buildStates.FAILED && old.state !== buildStates.CANCELED) {
    const state = buildStateName(old.state)
    return yield* genericError(
      `Build already exists (id=${old.id}, state=${state}): ${formatNvr({ name, version, release })}`
    )
  }
  if (db.has("SELECT 1 FROM tag_listing WHERE build_id = ?", old.id)) {
    return yield* genericError("Build already exists. Unable to recycle, has tag history")
  }
  if (db.has("SELECT 1 FROM rpminfo WHERE build_id = ?", old.id)) {
    return yield* genericError("Build already exists. Unable to recycle, has rpm data")
  }
  return false
})
