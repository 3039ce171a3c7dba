/** Events: the moments at which the configuration changed, and which of them concern a tag (tasks.md 4.1). */
import { Effect, Schema } from "effect"
import { genericError } from "../koji/Fault.ts"
import { pythonClass } from "./Arguments.ts"
import { Call, microsecondsPerSecond } from "./Call.ts"
import { type Database, orNull, rowOf } from "./Database.ts"
import { externalReposOf } from "./ExternalRepos.ts"
import { noRows } from "./Faults.ts"
import { withParents } from "./Inheritance.ts"
import { method } from "./Method.ts"
import { getId } from "./NameOrId.ts"

const readEvent = rowOf(Schema.Struct({ id: Schema.Int, ts: Schema.Finite }))
const readFound = rowOf(Schema.Struct({ event: orNull(Schema.Int) }))
const eventColumns = "SELECT id, time / 1000000.0 AS ts FROM events"

export const findEvent = (db: Database, id: number) => db.first(readEvent, `${eventColumns} WHERE id = ?`, id)

/** The newest event, or the newest before a time in seconds. */
export const lastEvent = (db: Database, beforeSeconds: number | null = null) =>
  db.first(
    readEvent,
    `${eventColumns} WHERE ?1 IS NULL OR time < ?1 ORDER BY id DESC LIMIT 1`,
    beforeSeconds === null ? null : Math.round(beforeSeconds * microsecondsPerSecond)
  )

/** The tables whose rows are part of what a tag is. */
const tagTables = [
  "tag_listing",
  "tag_inheritance",
  "tag_config",
  "tag_packages",
  "tag_external_repos",
  "tag_extra",
  "group_package_listing",
  "group_config"
]

/** The greatest or least event on one side of a given one at which any of these tags or repos changed. */
const extreme = (
  db: Database,
  which: "max" | "min",
  {
    tags,
    repos,
    side
  }: { readonly tags: ReadonlyArray<number>; readonly repos: ReadonlyArray<number>; readonly side: string }
): number | null => {
  // Ids stand in the text: a list from json_each would be made anew for each of the tables.
  const each = (table: string, key: string, ids: ReadonlyArray<number>) =>
    ["create_event", "revoke_event"].map(
      (column) =>
        `SELECT ${which}(${column}) AS event FROM ${table} WHERE ${key} IN (${ids.map(Math.trunc).join()}) ${side.replace("?", column)}`
    )
  const queries = [
    ...tagTables.flatMap((table) => each(table, "tag_id", tags)),
    ...each("external_repo_config", "external_repo_id", repos)
  ]
  return db.first(readFound, `SELECT ${which}(event) AS event FROM (${queries.join(" UNION ALL ")})`)?.event ?? null
}

const concerned = (db: Database, tag: number, event: number | null, inherit: boolean) => {
  const tags = inherit ? withParents(db, tag, event) : [tag]
  return { tags, repos: tags.flatMap((id) => externalReposOf(db, id, event)).map((repo) => repo.external_repo_id) }
}

/** The last event, or the last before a given one, that changed a tag or what it inherits. */
export const lastChange = (db: Database, tag: number, before: number | null = null, inherit = true): number | null =>
  extreme(db, "max", {
    ...concerned(db, tag, before, inherit),
    side: before === null ? "" : `AND ? < ${Math.trunc(before)}`
  })

/** The first event after a given one that changed a tag or what it inherits; without one, the tag's creation. */
export const firstChange = (db: Database, tag: number, after: number | null = null, inherit = true): number | null => {
  const made = "SELECT min(create_event) AS event FROM tag_config WHERE tag_id = ?"
  const created = db.first(readFound, made, tag)?.event ?? null
  if (after === null || created === null) return created
  // Most of the time nothing at all has happened since.
  if (!db.has("SELECT 1 FROM events WHERE id > ?", after)) return null
  const found = extreme(db, "min", { ...concerned(db, tag, after, inherit), side: `AND ? > ${Math.trunc(after)}` })
  return found === null ? null : Math.max(found, created)
}

export const eventMethods = [
  method(
    "getEvent",
    "RootExports.getEvent(id, strict=True)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const event = findEvent(db, yield* given.int("id"))
      return event === undefined && given.truth("strict") ? yield* noRows : event
    })
  ),
  method(
    "getLastEvent",
    "RootExports.getLastEvent(before=None, strict=True)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const before = given.value("before")
      if (before !== null && typeof before !== "number") {
        return yield* genericError(`Invalid type for before: <class '${pythonClass(before)}'>`)
      }
      const event = lastEvent(db, before)
      return event === undefined && given.truth("strict") ? yield* noRows : event
    })
  ),
  method(
    "tagLastChangeEvent",
    "tag_last_change_event(tag, before=None, inherit=True)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = yield* getId("tag", given.value("tag"))
      return lastChange(db, tag, yield* given.intOrNull("before"), given.truth("inherit"))
    })
  ),
  method(
    "tagFirstChangeEvent",
    "tag_first_change_event(tag, after=None, inherit=True)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = yield* getId("tag", given.value("tag"))
      return firstChange(db, tag, yield* given.intOrNull("after"), given.truth("inherit"))
    })
  )
]
