/** What is tagged: builds and packages in a tag and what it inherits, and putting a build in and out of it. */
import { Effect, Schema, Struct } from "effect"
import type { Value } from "../hub/Value.ts"
import { tagError } from "../koji/Fault.ts"
import { buildStateName, buildStates } from "../koji/TaskState.ts"
import { BuildInfo } from "./Builds.ts"
import { Call } from "./Call.ts"
import { atEvent, type Database, rowOf } from "./Database.ts"
import { actionNotAllowed } from "./Faults.ts"
import { withParents } from "./Inheritance.ts"
import { packageList } from "./PackageLists.ts"
import { readTaggedRpm, type TaggedRpm } from "./Rpms.ts"
import type { Tag } from "./TagConfig.ts"
import { permissionsOf } from "./Users.ts"

const TaggedBuild = Schema.Struct({
  ...Struct.omit(BuildInfo.fields, [
    "source",
    "extra",
    "creation_ts",
    "start_ts",
    "completion_ts",
    "promotion_ts",
    "cg_id",
    "cg_name"
  ]),
  tag_id: Schema.Int,
  tag_name: Schema.String,
  create_event: Schema.Int
})
/** A row of `listTagged`, of the transcripts. */
export type TaggedBuild = typeof TaggedBuild.Type
const readTagged = rowOf(TaggedBuild)

export interface TaggedQuery {
  readonly event: number | null
  readonly inherit: boolean
  /** True is one build a package; a number is so many; false is all. */
  readonly latest: boolean | number
  readonly package?: string | null
  readonly owner?: string | null
  readonly draft?: boolean | null
}

/** Complete builds, most recently tagged first within a tag, for packages that the tag's list has and does not block. */
export const taggedBuilds = (db: Database, tag: number, query: TaggedQuery): ReadonlyArray<TaggedBuild> => {
  const packages = packageList(db, tag, { event: query.event })
  const perPackage = query.latest === true ? 1 : query.latest === false ? Number.POSITIVE_INFINITY : query.latest
  const taken = new Map<number, number>()
  const builds: Array<TaggedBuild> = []
  for (const from of query.inherit ? withParents(db, tag, query.event) : [tag]) {
    const rows = db.all(
      readTagged,
      `SELECT * FROM tagged_build WHERE tag_id = ?1 AND state = ${buildStates.COMPLETE} AND ${atEvent(query.event)}
        AND (?2 IS NULL OR package_name = ?2) AND (?3 IS NULL OR owner_name = ?3) AND (?4 IS NULL OR draft = ?4)
        ORDER BY create_event DESC, id DESC`,
      from,
      query.package ?? null,
      query.owner ?? null,
      query.draft ?? null
    )
    for (const build of rows) {
      const entry = packages.get(build.package_id)
      const count = taken.get(build.package_id) ?? 0
      if (entry === undefined || entry.blocked || count >= perPackage) continue
      taken.set(build.package_id, count + 1)
      builds.push(build)
    }
  }
  return builds
}

/** The packages of those builds, and the builds; `arches` filters the packages only. */
export const taggedRpms = (
  db: Database,
  tag: number,
  query: TaggedQuery,
  arches: ReadonlyArray<string> | null = null
): { readonly rpms: ReadonlyArray<TaggedRpm>; readonly builds: ReadonlyArray<TaggedBuild> } => {
  const builds = taggedBuilds(db, tag, query)
  // A build may be in more than one of the tags; its packages are listed once.
  const tagOf = new Map(builds.map((build) => [build.id, build.tag_id]))
  const rpms = [...new Set(tagOf.values())].flatMap((from) =>
    db.all(
      readTaggedRpm,
      `SELECT * FROM rpm_info WHERE build_id IN (SELECT value FROM json_each(?1))
        AND (?2 IS NULL OR arch IN (SELECT value FROM json_each(?2))) ORDER BY id`,
      JSON.stringify([...tagOf].filter(([, tagId]) => tagId === from).map(([id]) => id)),
      arches === null ? null : JSON.stringify(arches)
    )
  )
  return { rpms, builds }
}

/** Fails with ActionNotAllowed (1004) when the tag is locked or wants a permission; an administrator may force it. */
export const assertTagAccess = Effect.fnUntraced(function* (tag: Tag, userId: number, force: boolean) {
  const permissions = yield* permissionsOf(userId)
  if (force && permissions.includes("admin")) return
  if (tag.locked) return yield* actionNotAllowed("tag is locked")
  if (tag.perm !== null && !permissions.includes(tag.perm)) {
    return yield* actionNotAllowed(`tag requires ${tag.perm} permission`)
  }
})

interface Tagged {
  readonly id: number
  readonly nvr: string
  readonly state: number
}

/** Tags a complete build. One that is tagged already is a TagError (1003), or with `force` becomes the latest. */
export const tagBuild = Effect.fnUntraced(function* (tag: Tag, build: Tagged, force: boolean) {
  const { db, event } = yield* Call
  if (build.state !== buildStates.COMPLETE) {
    return yield* tagError(`build ${build.nvr} not complete: state ${buildStateName(build.state)}`)
  }
  const held = "tag_id = ? AND build_id = ? AND revoke_event IS NULL"
  if (db.has(`SELECT 1 FROM tag_listing WHERE ${held}`, tag.id, build.id)) {
    if (!force) return yield* tagError(`build ${build.nvr} already tagged (${tag.name})`)
    db.run(`UPDATE tag_listing SET revoke_event = ? WHERE ${held}`, event(), tag.id, build.id)
  }
  db.insert("tag_listing", { tag_id: tag.id, build_id: build.id, create_event: event() })
})

/** Takes a build out of a tag; a TagError (1003) when it is not in it. */
export const untagBuild = Effect.fnUntraced(function* (tag: Tag, build: Tagged) {
  const { db, event } = yield* Call
  const held = "tag_id = ? AND build_id = ? AND revoke_event IS NULL"
  if (!db.has(`SELECT 1 FROM tag_listing WHERE ${held}`, tag.id, build.id)) {
    return yield* tagError(`build ${build.nvr} not in tag ${tag.name}`)
  }
  db.run(`UPDATE tag_listing SET revoke_event = ? WHERE ${held}`, event(), tag.id, build.id)
})

/** `latest` as clients give it: a truth, or how many. */
export const latestOf = (value: Value): boolean | number =>
  typeof value === "number" && value > 0 ? value : Boolean(value)
