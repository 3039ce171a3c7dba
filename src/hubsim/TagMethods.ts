/** The methods about tags themselves, their inheritance and their package lists. */
import { Effect, Schema } from "effect"
import type { Struct } from "../hub/Value.ts"
import { asList, asStruct, asText, isList } from "./Arguments.ts"
import { assertPermission, Call } from "./Call.ts"
import { rowOf } from "./Database.ts"
import { fullInheritance, linksOf } from "./Inheritance.ts"
import { method } from "./Method.ts"
import { findId, getId } from "./NameOrId.ts"
import { addToPackageList, packageList } from "./PackageLists.ts"
import { buildConfig, findTag, getTag } from "./TagConfig.ts"
import { createTag, editTag, setInheritance, type TagChanges } from "./TagEditing.ts"

const readPackage = rowOf(Schema.Struct({ package_id: Schema.Int, package_name: Schema.String }))

/** The changes in a client's keywords. */
const changesIn = Effect.fnUntraced(function* (keywords: Struct) {
  const { arches, locked, extra, remove_extra: removed, block_extra: blocked } = keywords
  const texts = (list: ReadonlyArray<typeof arches>) => Effect.forEach(list, (item) => asText(item ?? null))
  const changes: TagChanges = {
    ...(arches === undefined ? {} : { arches: arches === null ? null : yield* asText(arches) }),
    ...(locked === undefined ? {} : { locked: locked === true }),
    ...(extra == null ? {} : { extra: yield* asStruct(extra) }),
    ...(removed == null ? {} : { removeExtra: yield* texts(yield* asList(removed)) }),
    ...(blocked == null ? {} : { blockExtra: yield* texts(yield* asList(blocked)) })
  }
  return changes
})

export const tagMethods = [
  method(
    "getTag",
    "get_tag(tagInfo, strict=False, event=None, blocked=False)",
    Effect.fnUntraced(function* (given) {
      const info = given.value("tagInfo")
      const event = yield* given.intOrNull("event")
      return yield* given.truth("strict") ? getTag(info, event) : findTag(info, event)
    })
  ),
  method(
    "getBuildConfig",
    "RootExports.getBuildConfig(tag, event=None)",
    Effect.fnUntraced(function* (given) {
      return yield* buildConfig(given.value("tag"), yield* given.intOrNull("event"))
    })
  ),
  method(
    "listTags",
    "list_tags(build=None, package=None, perms=True, queryOpts=None, pattern=None)",
    Effect.fnUntraced(function* () {
      const { db } = yield* Call
      const ids = db.ids("SELECT tag_id AS id FROM tag_config WHERE revoke_event IS NULL ORDER BY tag_id")
      return yield* Effect.forEach(ids, (id) => getTag(id))
    })
  ),
  method(
    "createTag",
    "create_tag(name, parent=None, arches=None, perm=None, locked=False, maven_support=False, maven_include_all=False, extra=None)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("tag")
      return yield* createTag(
        yield* given.text("name"),
        {
          arches: yield* given.textOrNull("arches"),
          locked: given.truth("locked"),
          extra: yield* given.structOrEmpty("extra")
        },
        given.value("parent")
      )
    })
  ),
  method(
    "editTag2",
    "edit_tag(tagInfo, **kwargs)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("tag")
      yield* editTag(given.value("tagInfo"), yield* changesIn(yield* given.struct("kwargs")))
    })
  ),
  method(
    "getFullInheritance",
    "RootExports.getFullInheritance(tag, event=None, reverse=False, **kwargs)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      return fullInheritance(db, yield* getId("tag", given.value("tag")), yield* given.intOrNull("event"))
    })
  ),
  method(
    "getInheritanceData",
    "RootExports.getInheritanceData(tag, event=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      return linksOf(db, yield* getId("tag", given.value("tag")), yield* given.intOrNull("event"))
    })
  ),
  method(
    "setInheritanceData",
    "RootExports.setInheritanceData(tag, data, clear=False)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("tag")
      const data = given.value("data")
      const changes = yield* Effect.forEach(isList(data) ? data : [data], asStruct)
      yield* setInheritance(yield* getId("tag", given.value("tag")), changes, given.truth("clear"))
    })
  ),
  method(
    "getPackageConfig",
    "RootExports.getPackageConfig(tag, pkg, event=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = yield* findId("tag", given.value("tag"))
      const id = yield* findId("package", given.value("pkg"))
      if (tag === undefined || id === undefined) return null
      return packageList(db, tag, { packageId: id, event: yield* given.intOrNull("event") }).get(id)
    })
  ),
  method(
    "listPackages",
    "RootExports.listPackages(tagID=None, userID=None, pkgID=None, prefix=None, inherited=False, with_dups=False, event=None, queryOpts=None, with_owners=True, with_blocked=True)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = given.value("tagID")
      if (tag === null) {
        return db.all(readPackage, "SELECT id AS package_id, name AS package_name FROM package ORDER BY id")
      }
      const id = yield* getId("tag", tag)
      const event = yield* given.intOrNull("event")
      return [...packageList(db, id, { event, inherit: given.truth("inherited") }).values()]
    })
  ),
  method(
    "packageListAdd",
    "pkglist_add(taginfo, pkginfo, owner=None, block=None, extra_arches=None, force=False, update=False)",
    Effect.fnUntraced(function* (given) {
      yield* addToPackageList({
        tag: given.value("taginfo"),
        package: given.value("pkginfo"),
        owner: given.value("owner"),
        block: given.truthOrNull("block"),
        extraArches: yield* given.textOrNull("extra_arches"),
        force: given.truth("force"),
        update: given.truth("update")
      })
    })
  ),
  method(
    "packageListBlock",
    "pkglist_block(taginfo, pkginfo, force=False)",
    Effect.fnUntraced(function* (given) {
      yield* addToPackageList({
        tag: given.value("taginfo"),
        package: given.value("pkginfo"),
        block: true,
        force: given.truth("force")
      })
    })
  )
]
