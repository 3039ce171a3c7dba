/** Builds as they are: by id or by name, and the queries over them. */
import { Effect, Result, Schema } from "effect"
import { isStruct } from "../hub/Keywords.ts"
import type { Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { parseNvr } from "../koji/Nvr.ts"
import { pythonRepr, pythonStr } from "../koji/PythonRepr.ts"
import { asText } from "./Arguments.ts"
import { type Answering, Call } from "./Call.ts"
import { Flag, JsonColumn, orNull, rowOf } from "./Database.ts"

/** `getBuild`'s members (tasks.md 15). */
export const BuildInfo = Schema.Struct({
  id: Schema.Int,
  build_id: Schema.Int,
  package_id: Schema.Int,
  package_name: Schema.String,
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  epoch: orNull(Schema.Int),
  nvr: Schema.String,
  draft: Flag,
  state: Schema.Int,
  task_id: orNull(Schema.Int),
  owner_id: Schema.Int,
  owner_name: Schema.String,
  volume_id: Schema.Int,
  volume_name: Schema.String,
  creation_event_id: Schema.Int,
  creation_time: Schema.String,
  creation_ts: Schema.Finite,
  start_time: orNull(Schema.String),
  start_ts: orNull(Schema.Finite),
  completion_time: orNull(Schema.String),
  completion_ts: orNull(Schema.Finite),
  source: orNull(Schema.String),
  extra: orNull(JsonColumn),
  promotion_time: Schema.Null,
  promotion_ts: Schema.Null,
  promoter_id: Schema.Null,
  promoter_name: Schema.Null,
  cg_id: Schema.Null,
  cg_name: Schema.Null
})
export type Build = typeof BuildInfo.Type
/** A reader of rows of `build_info`. */
export const readBuild = rowOf(BuildInfo)

/** The build of this id or name, or undefined; a struct gives name, version and release. */
export const findBuild = Effect.fnUntraced(function* (info: Value) {
  const { db } = yield* Call
  if (typeof info === "number") return db.first(readBuild, "SELECT * FROM build_info WHERE id = ?", info)
  const parsed = typeof info === "string" ? parseNvr(info) : undefined
  if (parsed !== undefined && Result.isFailure(parsed)) return yield* parsed.failure
  const named = parsed === undefined ? info : { ...parsed.success }
  if (!isStruct(named)) return yield* genericError(`Invalid type for argument: ${pythonRepr(info)}`)
  const [name, version, release] = yield* Effect.forEach(["name", "version", "release"], (key) => {
    const value = named[key]
    return value === undefined ? Effect.fail(genericError("did not provide name, version, and release")) : asText(value)
  })
  return db.first(
    readBuild,
    "SELECT * FROM build_info WHERE name = ? AND version = ? AND release = ?",
    name ?? "",
    version ?? "",
    release ?? ""
  )
})

export const getBuild = (info: Value): Answering<Build> =>
  Effect.flatMap(findBuild(info), (build) => {
    if (build !== undefined) return Effect.succeed(build)
    const shown = typeof info === "number" ? pythonStr(info) : pythonRepr(info)
    return Effect.fail(genericError(`No such build: ${shown}`))
  })
