/** Groups of package names: what a buildroot begins with (`build`, `srpm-build`). */
import { Effect, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { assertPermission, Call } from "./Call.ts"
import { atEvent, type Database, Flag, orNull, rowOf } from "./Database.ts"
import { withParents } from "./Inheritance.ts"
import { method } from "./Method.ts"
import { getId, idFor } from "./NameOrId.ts"
import { getTag } from "./TagConfig.ts"

const GroupRow = Schema.Struct({
  name: Schema.String,
  group_id: Schema.Int,
  tag_id: Schema.Int,
  blocked: Flag,
  exported: Flag,
  display_name: Schema.String,
  is_default: orNull(Flag),
  uservisible: Flag,
  description: orNull(Schema.String),
  langonly: orNull(Schema.String),
  biarchonly: orNull(Flag)
})
const readGroup = rowOf(GroupRow)

const GroupPackage = Schema.Struct({
  group_id: Schema.Int,
  tag_id: Schema.Int,
  package: Schema.String,
  blocked: Flag,
  type: Schema.String,
  basearchonly: orNull(Flag),
  requires: orNull(Schema.String)
})
export type GroupPackage = typeof GroupPackage.Type
const readPackage = rowOf(GroupPackage)

/** A row of `getTagGroups`. This hub's groups never require other groups. */
export type Group = typeof GroupRow.Type & {
  readonly packagelist: ReadonlyArray<GroupPackage>
  readonly grouplist: ReadonlyArray<never>
}

/** The groups of a tag and what it inherits, without what is blocked; the nearest tag decides on each entry. */
export const tagGroups = (db: Database, tag: number, event: number | null, inherit = true): ReadonlyArray<Group> => {
  const groups = new Map<number, typeof GroupRow.Type>()
  const packages = new Map<number, Map<string, GroupPackage>>()
  const tags = inherit ? withParents(db, tag, event) : [tag]
  for (const from of tags) {
    const rows = db.all(
      readGroup,
      `SELECT * FROM group_config JOIN groups ON groups.id = group_id WHERE tag_id = ? AND ${atEvent(event)}`,
      from
    )
    for (const row of rows) if (!groups.has(row.group_id)) groups.set(row.group_id, row)
  }
  for (const from of tags) {
    const rows = db.all(readPackage, `SELECT * FROM group_package_listing WHERE tag_id = ? AND ${atEvent(event)}`, from)
    for (const row of rows) {
      const members = packages.get(row.group_id) ?? new Map<string, GroupPackage>()
      if (!members.has(row.package)) packages.set(row.group_id, members.set(row.package, row))
    }
  }
  return [...groups.values()]
    .filter((group) => !group.blocked)
    .map((group) => ({
      ...group,
      packagelist: [...(packages.get(group.group_id)?.values() ?? [])].filter((member) => !member.blocked),
      grouplist: []
    }))
}

/** Adds a group to a tag; a group that the tag has already, itself or by inheritance, is a GenericError (1000). */
export const addGroup = Effect.fnUntraced(function* (tagInfo: Value, name: string, description: string | null = null) {
  const { db, event } = yield* Call
  const tag = yield* getTag(tagInfo)
  const id = yield* idFor("groups", name)
  if (tagGroups(db, tag.id, null).some((group) => group.group_id === id)) {
    return yield* genericError(`group ${name} already in tag ${tag.name}`)
  }
  db.insert("group_config", { group_id: id, tag_id: tag.id, display_name: name, description, create_event: event() })
})

/** Adds a package name to a group of a tag. */
export const addGroupPackage = Effect.fnUntraced(function* (tagInfo: Value, groupInfo: Value, name: string) {
  const { db, event } = yield* Call
  const tag = yield* getTag(tagInfo)
  const id = yield* getId("groups", groupInfo)
  const group = tagGroups(db, tag.id, null).find((candidate) => candidate.group_id === id)
  if (group === undefined) return yield* genericError(`group not present in tag ${tag.name}`)
  if (group.packagelist.some((member) => member.package === name)) {
    return yield* genericError(`package ${name} already in group ${group.name}, tag ${tag.name}`)
  }
  db.insert("group_package_listing", { group_id: id, tag_id: tag.id, package: name, create_event: event() })
})

export const groupMethods = [
  method(
    "getTagGroups",
    "readTagGroups(tag, event=None, inherit=True, incl_pkgs=True, incl_reqs=True, incl_blocked=False)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = yield* getId("tag", given.value("tag"))
      return tagGroups(db, tag, yield* given.intOrNull("event"), given.truth("inherit"))
    })
  ),
  method(
    "groupListAdd",
    "grplist_add(taginfo, grpinfo, block=False, force=False, **opts)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("tag")
      const { description } = yield* given.struct("opts")
      yield* addGroup(
        given.value("taginfo"),
        yield* given.text("grpinfo"),
        typeof description === "string" ? description : null
      )
    })
  ),
  method(
    "groupPackageListAdd",
    "grp_pkg_add(taginfo, grpinfo, pkg_name, block=False, force=False, **opts)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("tag")
      yield* addGroupPackage(given.value("taginfo"), given.value("grpinfo"), yield* given.text("pkg_name"))
    })
  )
]
