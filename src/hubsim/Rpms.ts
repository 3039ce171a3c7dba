/** Packages as the hub knows them: by id, by name, by build, by buildroot. */
import { Effect, Result, Schema } from "effect"
import { isStruct } from "../hub/Keywords.ts"
import type { Struct, Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { formatNvra, parseNvra } from "../koji/Nvr.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { asText, isList } from "./Arguments.ts"
import { getBuild } from "./Builds.ts"
import { Call } from "./Call.ts"
import { type Database, Flag, JsonColumn, orNull, rowOf } from "./Database.ts"
import { method } from "./Method.ts"
import { getId } from "./NameOrId.ts"

const common = {
  id: Schema.Int,
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  arch: Schema.String,
  epoch: orNull(Schema.Int),
  draft: Flag,
  payloadhash: Schema.String,
  size: Schema.Int,
  buildtime: Schema.Int,
  buildroot_id: orNull(Schema.Int),
  build_id: orNull(Schema.Int),
  metadata_only: Flag,
  extra: orNull(JsonColumn)
}
const RpmInfo = Schema.Struct({ ...common, external_repo_id: Schema.Int, external_repo_name: Schema.String })
export type RpmInfo = typeof RpmInfo.Type
const readRpm = rowOf(RpmInfo)
const readListed = rowOf(Schema.Struct({ ...RpmInfo.fields, nvr: Schema.String }))
const readComponent = rowOf(
  Schema.Struct({ ...RpmInfo.fields, nvr: Schema.String, component_buildroot_id: Schema.Int, is_update: Flag })
)

/** A row of `listTaggedRPMS` and of `rpmlist.jsonl` (tasks.md 15). */
export const TaggedRpm = Schema.Struct({ ...common, build_id: Schema.Int })
export type TaggedRpm = typeof TaggedRpm.Type
export const readTaggedRpm = rowOf(TaggedRpm)

/** Non-draft before draft before external, the newest of each: which one a bare name means. */
const preferred = "ORDER BY external_repo_id <> 0, draft, id DESC"

/** The package that is meant by an id, a name, or a struct with either and perhaps the external repo it is in. */
export const findRpm = Effect.fnUntraced(function* (info: Value) {
  const { db } = yield* Call
  if (typeof info === "number") return db.first(readRpm, "SELECT * FROM rpm_info WHERE id = ?", info)
  if (typeof info === "string") {
    if (/^\d+$/.test(info)) return db.first(readRpm, "SELECT * FROM rpm_info WHERE id = ?", Number(info))
    const nvra = parseNvra(info)
    if (Result.isFailure(nvra)) return yield* nvra.failure
    const { name, version, release, arch, location } = nvra.success
    return yield* byName(db, { name, version, release, arch, ...(location === null ? {} : { location }) })
  }
  if (!isStruct(info)) return yield* genericError(`Invalid type for rpminfo: ${pythonRepr(info)}`)
  const { id } = info
  if (typeof id === "number") return db.first(readRpm, "SELECT * FROM rpm_info WHERE id = ?", id)
  return yield* byName(db, info)
})

const byName = Effect.fnUntraced(function* (db: Database, info: Struct) {
  const [name, version, release, arch] = yield* Effect.forEach(["name", "version", "release", "arch"], (key) =>
    asText(info[key] ?? null)
  )
  const location = info["location"]
  const repo = location === undefined ? null : yield* getId("external_repo", location)
  return db.first(
    readRpm,
    `SELECT * FROM rpm_info WHERE name = ?1 AND version = ?2 AND release = ?3 AND arch = ?4
      AND (?5 IS NULL OR external_repo_id = ?5) ${preferred}`,
    name ?? "",
    version ?? "",
    release ?? "",
    arch ?? "",
    repo
  )
})

/** The package; what the hub does not know is a GenericError that quotes what was asked for (tasks.md 2.9). */
export const getRpm = Effect.fnUntraced(function* (info: Value) {
  const rpm = yield* findRpm(info)
  if (rpm !== undefined) return rpm
  return yield* genericError(`No such rpm: ${pythonRepr(askedFor(info))}`)
})

/** What was asked for, as Koji takes it apart and quotes it. */
const askedFor = (info: Value): Value => {
  if (typeof info === "number") return { id: info }
  if (typeof info !== "string") return info
  const nvra = parseNvra(info)
  if (Result.isFailure(nvra)) return { id: Number(info) }
  const { name, version, release, epoch, arch, location } = nvra.success
  const parts = { release, version, name, epoch: epoch ?? "", arch, src: arch === "src" }
  return location === null ? parts : { ...parts, location }
}

/** `name-version-release.arch@repo`, as the hub speaks of external packages. */
export const shownExternal = (rpm: RpmInfo) => `${formatNvra(rpm)}@${rpm.external_repo_name}`

const builtFrom =
  "SELECT rpm_info.* FROM rpm_info WHERE (?1 IS NULL OR build_id = ?1) AND (?2 IS NULL OR buildroot_id = ?2)"

const listRpms = Effect.fnUntraced(function* (
  build: number | null,
  buildroot: number | null,
  component: number | null,
  arches: Value
) {
  const { db } = yield* Call
  const wanted = arches === null ? null : yield* Effect.forEach(isList(arches) ? arches : [arches], asText)
  const ofArch = "AND (?3 IS NULL OR arch IN (SELECT value FROM json_each(?3))) ORDER BY rpm_info.id"
  const given = [build, buildroot, wanted === null ? null : JSON.stringify(wanted)] as const
  if (component === null) return db.all(readListed, `${builtFrom} ${ofArch}`, ...given)
  return db.all(
    readComponent,
    `SELECT rpm_info.*, list.buildroot_id AS component_buildroot_id, list.is_update FROM rpm_info
      JOIN buildroot_listing AS list ON list.rpm_id = rpm_info.id AND list.buildroot_id = ?4
      WHERE (?1 IS NULL OR build_id = ?1) AND (?2 IS NULL OR rpm_info.buildroot_id = ?2) ${ofArch}`,
    ...given,
    component
  )
})

export const rpmMethods = [
  method(
    "listBuildRPMs",
    "RootExports.listBuildRPMs(build)",
    Effect.fnUntraced(function* (given) {
      return yield* listRpms((yield* getBuild(given.value("build"))).id, null, null, null)
    })
  ),
  method(
    "getRPM",
    "get_rpm(rpminfo, strict=False, multi=False)",
    Effect.fnUntraced(function* (given) {
      const info = given.value("rpminfo")
      return yield* given.truth("strict") ? getRpm(info) : findRpm(info)
    })
  ),
  method(
    "listRPMs",
    "list_rpms(buildID=None, buildrootID=None, imageID=None, componentBuildrootID=None, hostID=None, arches=None, queryOpts=None, draft=None)",
    Effect.fnUntraced(function* (given) {
      return yield* listRpms(
        yield* given.intOrNull("buildID"),
        yield* given.intOrNull("buildrootID"),
        yield* given.intOrNull("componentBuildrootID"),
        given.value("arches")
      )
    })
  )
]
