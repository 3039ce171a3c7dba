/** Package lists: which packages a tag may hold, whose they are, and which are blocked. */
import { Effect, Result, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { parseArches } from "../koji/Arch.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonStr } from "../koji/PythonRepr.ts"
import { Call, loggedIn } from "./Call.ts"
import { atEvent, type Database, Flag, orNull, rowOf } from "./Database.ts"
import { fullInheritance, passesFilter } from "./Inheritance.ts"
import { findId, idFor } from "./NameOrId.ts"
import { assertPolicy } from "./Policies.ts"
import { getTag } from "./TagConfig.ts"
import { getUser } from "./Users.ts"

/** `getPackageConfig`'s members (tasks.md 15). */
const PackageConfig = Schema.Struct({
  package_id: Schema.Int,
  package_name: Schema.String,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  extra_arches: orNull(Schema.String),
  blocked: Flag,
  owner_id: Schema.Int,
  owner_name: Schema.String
})
export type PackageConfig = typeof PackageConfig.Type
const readConfig = rowOf(PackageConfig)

interface ListQuery {
  readonly event?: number | null
  readonly inherit?: boolean
  readonly packageId?: number
}

/** The list of a tag by package id, blocked entries included; the nearest tag that names a package decides on it. */
export const packageList = (
  db: Database,
  tag: number,
  { event = null, inherit = true, packageId }: ListQuery = {}
): ReadonlyMap<number, PackageConfig> => {
  const packages = new Map<number, PackageConfig>()
  const take = (from: number, filter: ReadonlyArray<string>) => {
    const rows = db.all(
      readConfig,
      `SELECT * FROM package_config WHERE tag_id = ?1 AND (?2 IS NULL OR package_id = ?2) AND ${atEvent(event)}
        ORDER BY package_name`,
      from,
      packageId ?? null
    )
    for (const row of rows) {
      if (!packages.has(row.package_id) && passesFilter(row.package_name, filter)) packages.set(row.package_id, row)
    }
  }
  take(tag, [])
  if (inherit) for (const link of fullInheritance(db, tag, event)) take(link.parent_id, link.filter)
  return packages
}

/** Why a package may not be tagged, as Koji says it, or undefined. `tag` as the caller named it. */
export const packageProblem = (
  db: Database,
  tag: { readonly id: number; readonly shown: Value },
  pkg: { readonly id: number; readonly name: string }
) => {
  const entry = packageList(db, tag.id, { packageId: pkg.id }).get(pkg.id)
  if (entry === undefined) return `Package ${pkg.name} not in list for ${pythonStr(tag.shown)}`
  return entry.blocked ? `Package ${pkg.name} blocked in ${pythonStr(tag.shown)}` : undefined
}

export interface Listing {
  readonly tag: Value
  readonly package: Value
  readonly owner?: Value
  readonly block?: boolean | null
  readonly extraArches?: string | null
  readonly force?: boolean
  readonly update?: boolean
}

/** Adds a package to a tag's list, or changes what the list says of it (kojihub `_direct_pkglist_add`). */
export const addToPackageList = Effect.fnUntraced(function* (listing: Listing) {
  const { db, event } = yield* Call
  const session = yield* loggedIn
  const { force = false, update = false } = listing
  const tag = yield* getTag(listing.tag)
  const known = yield* findId("package", listing.package)
  if (known === undefined && typeof listing.package !== "string") {
    return yield* genericError(`No such package: ${pythonStr(listing.package)}`)
  }
  const action = update ? "update" : listing.block === true ? "block" : "add"
  yield* assertPolicy("package_list", { tag: tag.id, action, package: listing.package, force })
  const id = known ?? (yield* idFor("package", pythonStr(listing.package)))
  const previous = packageList(db, tag.id, { packageId: id }).get(id)
  if (previous === undefined && update && !force) {
    return yield* genericError(`cannot update: tag ${tag.name} has no data for package ${pythonStr(listing.package)}`)
  }
  const named = listing.owner == null ? undefined : (yield* getUser(listing.owner)).id
  const owner = named ?? previous?.owner_id ?? (force ? session.userId : undefined)
  if (owner === undefined) return yield* genericError("owner not specified")
  const blocked = listing.block ?? previous?.blocked ?? false
  const extraArches = (yield* arches(listing.extraArches)) ?? previous?.extra_arches ?? null
  if (previous !== undefined && !force) {
    const same = previous.blocked === blocked && previous.extra_arches === extraArches && previous.owner_id === owner
    if (same) return
    if (previous.blocked && !blocked) {
      return yield* genericError(`package ${previous.package_name} is blocked in tag ${tag.name}`)
    }
  }
  dropEntry(db, tag.id, id, event())
  db.insert("tag_packages", {
    ...{ tag_id: tag.id, package_id: id, owner, blocked, extra_arches: extraArches },
    create_event: event()
  })
})

const arches = Effect.fnUntraced(function* (text: string | null | undefined) {
  if (text == null) return undefined
  const parsed = parseArches(text)
  return Result.isFailure(parsed) ? yield* parsed.failure : parsed.success.join(" ")
})

const dropEntry = (db: Database, tag: number, id: number, event: number) =>
  db.run(
    "UPDATE tag_packages SET revoke_event = ? WHERE tag_id = ? AND package_id = ? AND revoke_event IS NULL",
    event,
    tag,
    id
  )
