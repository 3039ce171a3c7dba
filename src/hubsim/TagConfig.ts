/** Tags and their configuration, each at any event (daemon.md 3.3, tasks.md 15). */
import { Effect, Schema } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { Call } from "./Call.ts"
import { atEvent, type Database, Flag, JsonColumn, orNull, rowOf } from "./Database.ts"
import { fullInheritance } from "./Inheritance.ts"
import { byNameOrId } from "./NameOrId.ts"

const TagRow = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  perm_id: orNull(Schema.Int),
  perm: orNull(Schema.String),
  arches: orNull(Schema.String),
  locked: Flag
})
const readTag = rowOf(TagRow)
const readExtra = rowOf(Schema.Struct({ key: Schema.String, value: orNull(JsonColumn) }))
const readBlocked = rowOf(Schema.Struct({ key: Schema.String }))

/** A tag as `getTag` shows it; `extra` is the tag's own, without what it blocks. */
export type Tag = typeof TagRow.Type & {
  readonly maven_support: false
  readonly maven_include_all: false
  readonly extra: Struct
  readonly query_event?: number
}

/** The extras, and the names of those that are blocked. */
const extrasOf = (db: Database, tag: number, event: number | null) => {
  const held = `FROM tag_extra WHERE tag_id = ? AND ${atEvent(event)}`
  const rows = db.all(readExtra, `SELECT key, value ${held} AND value IS NOT NULL ORDER BY key`, tag)
  return {
    extra: Object.fromEntries(rows.map(({ key, value }): [string, Value] => [key, value])),
    blocked: db.all(readBlocked, `SELECT key ${held} AND value IS NULL`, tag).map(({ key }) => key)
  }
}

/** The tag, or undefined: a tag is there while it has a configuration. */
export const findTag = Effect.fnUntraced(function* (info: Value, event: number | null = null) {
  const { db } = yield* Call
  const { clause, value } = yield* byNameOrId("tag", info)
  const row = db.first(
    readTag,
    `SELECT tag.id, tag.name, config.perm_id, permissions.name AS perm, config.arches, config.locked
      FROM tag_config AS config JOIN tag ON tag.id = config.tag_id
      LEFT JOIN permissions ON permissions.id = config.perm_id WHERE ${clause} AND ${atEvent(event, "config")}`,
    value
  )
  if (row === undefined) return undefined
  const tag: Tag = {
    ...row,
    maven_support: false,
    maven_include_all: false,
    extra: extrasOf(db, row.id, event).extra,
    ...(event === null ? {} : { query_event: event })
  }
  return tag
})

export const getTag = Effect.fnUntraced(function* (info: Value, event: number | null = null) {
  const tag = yield* findTag(info, event)
  return tag === undefined ? yield* genericError(`No such tagInfo: ${pythonRepr(info)}`) : tag
})

/**
 * The tag with the arches and extras it inherits: the nearest value wins, and a key that is blocked on the way is
 * not there. `config_inheritance` says what came from where.
 */
export const buildConfig = Effect.fnUntraced(function* (info: Value, event: number | null) {
  const { db } = yield* Call
  const tag = yield* getTag(info, event)
  let { arches } = tag
  let archesFrom: Struct | null = null
  const own = extrasOf(db, tag.id, event)
  const extra = new Map<string, Value>(Object.entries(own.extra))
  const from = new Map<string, Struct>()
  const seen = new Set([...extra.keys(), ...own.blocked])
  for (const link of fullInheritance(db, tag.id, event)) {
    if (link.noconfig) continue
    const ancestor = yield* getTag(link.parent_id, event)
    const origin = { id: ancestor.id, name: ancestor.name }
    if (arches === null && ancestor.arches !== null) {
      arches = ancestor.arches
      archesFrom = origin
    }
    const inherited = extrasOf(db, ancestor.id, event)
    for (const key of [...Object.keys(inherited.extra), ...inherited.blocked]) {
      if (seen.has(key)) continue
      seen.add(key)
      from.set(key, origin)
      const value = inherited.extra[key]
      if (value !== undefined) extra.set(key, value)
    }
  }
  return {
    ...tag,
    arches,
    extra: Object.fromEntries(extra),
    config_inheritance: { extra: Object.fromEntries(from), arches: archesFrom }
  }
})
