/** Buildroots: where packages are built, and which packages were in them (tasks.md 2.6, 2.9, 2.12). */
import { Effect, Result, Schema } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { parseArches } from "../koji/Arch.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { buildrootStates } from "../koji/TaskState.ts"
import { type Arguments, asInt, asStruct, isList } from "./Arguments.ts"
import { Call, callingHost } from "./Call.ts"
import { Flag, orNull, rowOf } from "./Database.ts"
import { actionNotAllowed } from "./Faults.ts"
import { method } from "./Method.ts"
import { getId } from "./NameOrId.ts"
import { findRpm, getRpm, shownExternal } from "./Rpms.ts"
import { assertOpenOn } from "./TaskStates.ts"

/** `listBuildroots`' members (daemon.md 3.3). */
const Buildroot = Schema.Struct({
  id: Schema.Int,
  br_type: Schema.Int,
  cg_id: Schema.Null,
  cg_name: Schema.Null,
  cg_version: Schema.Null,
  container_arch: Schema.String,
  arch: Schema.String,
  container_type: Schema.String,
  host_os: Schema.Null,
  host_arch: Schema.Null,
  extra: Schema.Null,
  state: Schema.Int,
  task_id: orNull(Schema.Int),
  host_id: Schema.Int,
  host_name: Schema.String,
  repo_id: Schema.Int,
  repo_state: Schema.Int,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  create_event_id: Schema.Int,
  create_event_time: Schema.String,
  create_ts: Schema.Finite,
  retire_event_id: orNull(Schema.Int),
  retire_event_time: orNull(Schema.String),
  retire_ts: orNull(Schema.Finite),
  repo_create_event_id: Schema.Int,
  repo_create_event_time: Schema.String
})
const readBuildroot = rowOf(Buildroot)
const readListing = rowOf(
  Schema.Struct({
    rpm_id: Schema.Int,
    is_update: Flag,
    name: Schema.String,
    version: Schema.String,
    release: Schema.String,
    epoch: orNull(Schema.Int),
    arch: Schema.String,
    build_id: orNull(Schema.Int),
    draft: Flag,
    external_repo_id: Schema.Int,
    external_repo_name: Schema.String
  })
)

const getBuildroot = Effect.fnUntraced(function* (id: number) {
  const { db } = yield* Call
  const found = db.first(readBuildroot, "SELECT * FROM buildroot_info WHERE id = ?", id)
  return found === undefined ? yield* genericError(`no buildroot with ID: ${id}`) : found
})

/** The buildroot a call is about, which must be the caller's own, and its task's if one is named. */
const ownBuildroot = Effect.fnUntraced(function* (given: Arguments) {
  const host = yield* callingHost
  const task = yield* given.intOrNull("task_id")
  if (task !== null) yield* assertOpenOn(task, host)
  const buildroot = yield* getBuildroot(yield* given.int("brootid"))
  if (buildroot.host_id !== host) {
    return yield* actionNotAllowed(`Host ${host} not owner of buildroot ${buildroot.id}`)
  }
  if (task !== null && buildroot.task_id !== task) {
    return yield* actionNotAllowed(`Task ${task} does not have lock on buildroot ${buildroot.id}`)
  }
  return buildroot
})

const stateOf = Effect.fnUntraced(function* (state: Value) {
  if (typeof state !== "string") return yield* asInt(state)
  const found = Object.entries(buildrootStates).find(([name]) => name === state)
  return found === undefined ? yield* genericError(`'${state}'`) : found[1]
})

/** The id of a package that came from an external repo, made known if it is new (tasks.md 2.9). */
const externalRpm = Effect.fnUntraced(function* (entry: Struct, location: Value) {
  const { db } = yield* Call
  const row = yield* Effect.forEach(externalFields, ([name, fits]) => {
    const value = entry[name]
    if (value === undefined) return Effect.fail(genericError(`${name} field missing: ${pythonRepr(entry)}`))
    return fits(value)
      ? Effect.succeed([name, typeof value === "object" ? null : value] as const)
      : Effect.fail(genericError(`Invalid value for ${name}: ${pythonRepr(value)}`))
  })
  const known = yield* findRpm({ ...Object.fromEntries(row), location })
  if (known !== undefined) {
    const { payloadhash } = Object.fromEntries(row)
    if (known.payloadhash === payloadhash) return known.id
    return yield* genericError(
      `hash changed for external rpm: ${shownExternal(known)} (${known.payloadhash} -> ${payloadhash})`
    )
  }
  return db.insert("rpminfo", { ...Object.fromEntries(row), external_repo_id: yield* getId("external_repo", location) })
})

const isText = (value: Value) => typeof value === "string"
const isInt = (value: Value) => typeof value === "number" && Number.isInteger(value)
const externalFields: ReadonlyArray<readonly [string, (value: Value) => boolean]> = [
  ["name", isText],
  ["version", isText],
  ["release", isText],
  ["epoch", (value) => value === null || isInt(value)],
  ["arch", isText],
  ["payloadhash", isText],
  ["size", isInt],
  ["buildtime", isInt]
]

/** Notes the packages of a buildroot. Every one must be known to the hub, or come with where it came from. */
const addPackages = Effect.fnUntraced(function* (buildroot: number, entries: ReadonlyArray<Value>, update: boolean) {
  const { db } = yield* Call
  for (const value of entries) {
    const entry = yield* asStruct(value)
    const location = entry["location"]
    const id = location ? yield* externalRpm(entry, location) : (yield* getRpm(entry)).id
    const listed = "SELECT 1 FROM buildroot_listing WHERE buildroot_id = ? AND rpm_id = ?"
    if (update && db.has(listed, buildroot, id)) continue
    db.insert("buildroot_listing", { buildroot_id: buildroot, rpm_id: id, is_update: update })
  }
})

const listMethod = (name: "setBuildRootList" | "updateBuildRootList", state: "INIT" | "BUILDING") =>
  method(
    `host.${name}`,
    `HostExports.${name}(brootid, rpmlist, task_id=None)`,
    Effect.fnUntraced(function* (given) {
      const buildroot = yield* ownBuildroot(given)
      if (buildroot.state !== buildrootStates[state]) {
        return yield* genericError(`buildroot ${buildroot.id} in wrong state ${buildroot.state}`)
      }
      yield* addPackages(buildroot.id, yield* given.list("rpmlist"), state === "BUILDING")
    })
  )

const setState = method(
  "host.setBuildRootState",
  "HostExports.setBuildRootState(brootid, state, task_id=None)",
  Effect.fnUntraced(function* (given) {
    const { db, event } = yield* Call
    const buildroot = yield* ownBuildroot(given)
    const state = yield* stateOf(given.value("state"))
    if (state === buildrootStates.INIT) return yield* genericError("Cannot change buildroot state to INIT")
    if (buildroot.state === buildrootStates.EXPIRED) {
      if (state === buildrootStates.EXPIRED) return
      return yield* genericError(`buildroot ${buildroot.id} is EXPIRED`)
    }
    const retired = state === buildrootStates.EXPIRED ? event() : null
    db.run("UPDATE buildroot SET state = ?, retire_event = ? WHERE id = ?", state, retired, buildroot.id)
  })
)

const newBuildroot = method(
  "host.newBuildRoot",
  "HostExports.newBuildRoot(repo, arch, task_id=None)",
  Effect.fnUntraced(function* (given) {
    const { db, event } = yield* Call
    const host = yield* callingHost
    const task = yield* given.intOrNull("task_id")
    if (task !== null) yield* assertOpenOn(task, host)
    const arches = parseArches(yield* given.text("arch"))
    if (Result.isFailure(arches)) return yield* arches.failure
    const repo = yield* given.int("repo")
    const container_arch = arches.success.join(" ")
    const state = buildrootStates.INIT
    return db.insert("buildroot", {
      container_arch,
      host_id: host,
      repo_id: repo,
      task_id: task,
      state,
      create_event: event()
    })
  })
)

/** A filter that is a number or a list of them, as JSON for SQL; nil is none. */
const oneOrMore = (value: Value) =>
  value === null
    ? Effect.succeed(null)
    : Effect.map(Effect.forEach(isList(value) ? value : [value], asInt), (ids) => JSON.stringify(ids))

const listBuildroots = method(
  "listBuildroots",
  "query_buildroots(hostID=None, tagID=None, state=None, rpmID=None, archiveID=None, taskID=None, buildrootID=None, repoID=None, queryOpts=None)",
  Effect.fnUntraced(function* (given) {
    const { db } = yield* Call
    return db.all(
      readBuildroot,
      `SELECT * FROM buildroot_info WHERE (?1 IS NULL OR host_id = ?1) AND (?2 IS NULL OR tag_id = ?2)
        AND (?3 IS NULL OR state IN (SELECT value FROM json_each(?3)))
        AND (?4 IS NULL OR id IN (SELECT buildroot_id FROM buildroot_listing WHERE rpm_id = ?4))
        AND (?5 IS NULL OR task_id = ?5) AND (?6 IS NULL OR id IN (SELECT value FROM json_each(?6)))
        AND (?7 IS NULL OR repo_id = ?7) ORDER BY id`,
      yield* given.intOrNull("hostID"),
      yield* given.intOrNull("tagID"),
      yield* oneOrMore(given.value("state")),
      yield* given.intOrNull("rpmID"),
      yield* given.intOrNull("taskID"),
      yield* oneOrMore(given.value("buildrootID")),
      yield* given.intOrNull("repoID")
    )
  })
)

export const buildrootMethods = [
  newBuildroot,
  setState,
  listMethod("setBuildRootList", "INIT"),
  listMethod("updateBuildRootList", "BUILDING"),
  listBuildroots,
  method(
    "getBuildroot",
    "get_buildroot(buildrootID, strict=False)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const id = yield* given.int("buildrootID")
      const found = db.first(readBuildroot, "SELECT * FROM buildroot_info WHERE id = ?", id)
      return found === undefined && given.truth("strict") ? yield* genericError(`No such buildroot: ${id}`) : found
    })
  ),
  method(
    "getBuildrootListing",
    "RootExports.getBuildrootListing(id)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const sql = `SELECT list.*, rpm_info.* FROM buildroot_listing AS list JOIN rpm_info ON rpm_info.id = list.rpm_id
        WHERE list.buildroot_id = ? ORDER BY rpm_id`
      return db.all(readListing, sql, yield* given.int("id"))
    })
  )
]
