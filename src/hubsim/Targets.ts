/** Build targets: a build tag to build from, and a tag for what comes of it. */
import { Effect, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonStr } from "../koji/PythonRepr.ts"
import { assertPermission, Call } from "./Call.ts"
import { atEvent, rowOf } from "./Database.ts"
import { method } from "./Method.ts"
import { byNameOrId, getId, idFor } from "./NameOrId.ts"
import { getTag } from "./TagConfig.ts"

const Target = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  build_tag: Schema.Int,
  build_tag_name: Schema.String,
  dest_tag: Schema.Int,
  dest_tag_name: Schema.String
})
const readTarget = rowOf(Target)

export const findTarget = Effect.fnUntraced(function* (info: Value, event: number | null) {
  const { db } = yield* Call
  const { clause, value } = yield* byNameOrId("target_info", info)
  return db.first(readTarget, `SELECT * FROM target_info WHERE ${clause} AND ${atEvent(event)}`, value)
})

export const createTarget = Effect.fnUntraced(function* (name: string, buildTag: Value, destinationTag: Value) {
  const { event, db } = yield* Call
  const built = yield* getTag(buildTag)
  const destination = yield* getTag(destinationTag)
  if ((yield* findTarget(name, null)) !== undefined) {
    return yield* genericError(`A build target with the name '${name}' already exists`)
  }
  const id = yield* idFor("build_target", name)
  db.insert("build_target_config", {
    build_target_id: id,
    build_tag: built.id,
    dest_tag: destination.id,
    create_event: event()
  })
})

/** The id of a tag that a filter names; nil is no filter. */
const filterTag = (info: Value) => (info === null ? Effect.succeed(null) : getId("tag", info))

export const targetMethods = [
  method(
    "getBuildTarget",
    "get_build_target(info, event=None, strict=False)",
    Effect.fnUntraced(function* (given) {
      const info = given.value("info")
      const target = yield* findTarget(info, yield* given.intOrNull("event"))
      if (target === undefined && given.truth("strict")) {
        return yield* genericError(`No such build target: ${pythonStr(info)}`)
      }
      return target
    })
  ),
  method(
    "getBuildTargets",
    "get_build_targets(info=None, event=None, buildTagID=None, destTagID=None, queryOpts=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const event = yield* given.intOrNull("event")
      const info = given.value("info")
      if (info !== null) {
        const target = yield* findTarget(info, event)
        return target === undefined ? [] : [target]
      }
      return db.all(
        readTarget,
        `SELECT * FROM target_info WHERE ${atEvent(event)} AND (?1 IS NULL OR build_tag = ?1)
          AND (?2 IS NULL OR dest_tag = ?2) ORDER BY id`,
        yield* filterTag(given.value("buildTagID")),
        yield* filterTag(given.value("destTagID"))
      )
    })
  ),
  method(
    "createBuildTarget",
    "create_build_target(name, build_tag, dest_tag)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("target")
      yield* createTarget(yield* given.text("name"), given.value("build_tag"), given.value("dest_tag"))
    })
  )
]
