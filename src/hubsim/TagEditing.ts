/** Making and changing tags: configuration, extras and inheritance, each change at an event. */
import { Effect, Result } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { parseArches } from "../koji/Arch.ts"
import { genericError } from "../koji/Fault.ts"
import { asInt } from "./Arguments.ts"
import { Call } from "./Call.ts"
import { linksOf } from "./Inheritance.ts"
import { idFor } from "./NameOrId.ts"
import { findTag, getTag } from "./TagConfig.ts"

export interface TagChanges {
  readonly arches?: string | null
  readonly locked?: boolean
  readonly extra?: Struct
  readonly removeExtra?: ReadonlyArray<string>
  readonly blockExtra?: ReadonlyArray<string>
}

/** The hub's own pattern for names, which lets `/` and `..` pass; a tag is a directory here, so these do not. */
const tagName = /^(?!\.\.?$)[A-Za-z0-9_.+-]{1,256}$/

const cleanArches = Effect.fnUntraced(function* (arches: string | null) {
  const parsed = parseArches(arches ?? "")
  return Result.isFailure(parsed) ? yield* parsed.failure : parsed.success.join(" ")
})

/** Makes a tag and returns its id. Without arches it has none and inherits none, as with the hub. */
export const createTag = Effect.fnUntraced(function* (
  name: string,
  { arches = null, locked = false, extra = {} }: TagChanges,
  parent: Value = null
) {
  const { db, event } = yield* Call
  if (!tagName.test(name)) return yield* genericError(`Name ${name} does not match RegexNameInternal value`)
  if ((yield* findTag(name)) !== undefined) {
    return yield* genericError(`A tag with the name '${name}' already exists`)
  }
  const parentId = parent === null ? undefined : (yield* getTag(parent)).id
  const id = yield* idFor("tag", name)
  db.insert("tag_config", { tag_id: id, arches: yield* cleanArches(arches), locked, create_event: event() })
  yield* setExtras(id, { extra })
  if (parentId !== undefined) yield* setInheritance(id, [{ parent_id: parentId, priority: 0 }])
  return id
})

/** Changes what is given and leaves the rest; what stays the same makes no event. */
export const editTag = Effect.fnUntraced(function* (info: Value, changes: TagChanges) {
  const { db, event } = yield* Call
  const tag = yield* getTag(info)
  const arches = changes.arches === undefined ? tag.arches : yield* cleanArches(changes.arches)
  const locked = changes.locked ?? tag.locked
  if (arches !== tag.arches || locked !== tag.locked) {
    db.run("UPDATE tag_config SET revoke_event = ? WHERE tag_id = ? AND revoke_event IS NULL", event(), tag.id)
    db.insert("tag_config", { tag_id: tag.id, arches, locked, perm_id: tag.perm_id, create_event: event() })
  }
  const unknown = (changes.removeExtra ?? []).filter((key) => !Object.hasOwn(tag.extra, key))
  if (unknown.length > 0) return yield* genericError(`Tag: ${tag.name} doesn't have extra: ${unknown.join(", ")}`)
  const differing = Object.entries(changes.extra ?? {}).filter(
    ([key, value]) => JSON.stringify(tag.extra[key]) !== JSON.stringify(value)
  )
  yield* setExtras(tag.id, { ...changes, extra: Object.fromEntries(differing) })
})

const setExtras = Effect.fnUntraced(function* (
  tag: number,
  { extra = {}, removeExtra = [], blockExtra = [] }: TagChanges
) {
  const { db, event } = yield* Call
  const revoke = (key: string) =>
    db.run(
      "UPDATE tag_extra SET revoke_event = ? WHERE tag_id = ? AND key = ? AND revoke_event IS NULL",
      event(),
      tag,
      key
    )
  for (const [key, value] of Object.entries(extra)) {
    revoke(key)
    db.insert("tag_extra", { tag_id: tag, key, value: JSON.stringify(value), create_event: event() })
  }
  for (const key of blockExtra) {
    revoke(key)
    db.insert("tag_extra", { tag_id: tag, key, value: null, create_event: event() })
  }
  for (const key of removeExtra) revoke(key)
})

/** Adds or replaces links to parents; one with a true `delete link` is removed. With `clear`, all others are too. */
export const setInheritance = Effect.fnUntraced(function* (tag: number, changes: ReadonlyArray<Struct>, clear = false) {
  const { db, event } = yield* Call
  const links = new Map<number, { readonly [column: string]: string | number | boolean | null }>()
  const removed = new Set<number>()
  for (const change of changes) {
    const parent = (yield* getTag(change["parent_id"] ?? null)).id
    if (change["delete link"] === true) removed.add(parent)
    else {
      const { maxdepth = null, pkg_filter: filter } = change
      links.set(parent, {
        priority: yield* asInt(change["priority"] ?? 0),
        maxdepth: maxdepth === null ? null : yield* asInt(maxdepth),
        intransitive: change["intransitive"] === true,
        noconfig: change["noconfig"] === true,
        pkg_filter: typeof filter === "string" ? filter : ""
      })
    }
  }
  const kept = linksOf(db, tag, null).filter(
    ({ parent_id: parent }) => !clear && !removed.has(parent) && !links.has(parent)
  )
  const priorities = [...kept.map((link) => link.priority), ...[...links.values()].map((link) => link["priority"])]
  if (new Set(priorities).size < priorities.length) {
    return yield* genericError(`Multiple parent tags cannot have the same priority value on child tag ${tag}`)
  }
  for (const { parent_id: parent } of linksOf(db, tag, null)) {
    if (kept.some((link) => link.parent_id === parent)) continue
    db.run(
      "UPDATE tag_inheritance SET revoke_event = ? WHERE tag_id = ? AND parent_id = ? AND revoke_event IS NULL",
      event(),
      tag,
      parent
    )
  }
  for (const [parent, link] of links) {
    db.insert("tag_inheritance", { tag_id: tag, parent_id: parent, ...link, create_event: event() })
  }
})
