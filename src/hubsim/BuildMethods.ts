/** The methods about builds: looking at them, and what a build task calls (tasks.md 3.8). */
import { posix } from "node:path"
import { Effect, Schema } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { genericError, parameterError } from "../koji/Fault.ts"
import { safeComponent } from "../koji/Paths.ts"
import { buildStateName, buildStates } from "../koji/TaskState.ts"
import { type Arguments, asInt, asList, asText } from "./Arguments.ts"
import { findBuild, getBuild, readBuild } from "./Builds.ts"
import { Call, callingHost, hasPermission, loggedIn } from "./Call.ts"
import { orNull, rowOf } from "./Database.ts"
import { actionNotAllowed } from "./Faults.ts"
import { moveAndLink } from "./Files.ts"
import { completeBuild, type Logs, uploadedPackages } from "./ImportBuild.ts"
import { method } from "./Method.ts"
import { findId } from "./NameOrId.ts"
import { newBuild } from "./NewBuild.ts"
import { notifyBuild } from "./Notifications.ts"
import { assertOpenOn, cancelFull } from "./TaskStates.ts"
import { getTask } from "./Tasks.ts"
import { findUser, getUser } from "./Users.ts"

const readSeconds = rowOf(Schema.Struct({ seconds: orNull(Schema.Finite) }))

/** Seconds that builds of a package took on average, of those this hub built in the last so many months. */
const averageDuration = Effect.fnUntraced(function* (info: Value, months: number | null) {
  const { db, now } = yield* Call
  const id = yield* findId("package", info)
  if (id === undefined) return null
  const since = "unixepoch(?3 / 1000000, 'unixepoch', '-' || ?4 || ' months') * 1000000"
  return db.first(
    readSeconds,
    `SELECT avg(completion_time - events.time) / 1000000.0 AS seconds FROM build
      JOIN events ON events.id = create_event WHERE pkg_id = ?1 AND state = ?2 AND task_id IS NOT NULL
      AND (?4 IS NULL OR completion_time > ${since})`,
    id,
    buildStates.COMPLETE,
    now,
    months
  )?.seconds
})

/** A task's own host, which alone may build for it. */
const builderOf = Effect.fnUntraced(function* (given: Arguments) {
  const host = yield* callingHost
  const task = yield* given.int("task_id")
  yield* assertOpenOn(task, host)
  return task
})

const logsOf = Effect.fnUntraced(function* (given: Arguments) {
  const logs = new Map<string, ReadonlyArray<string>>()
  for (const [key, files] of Object.entries(yield* given.structOrEmpty("logs"))) {
    if (key !== "") yield* Effect.fromResult(safeComponent(key))
    logs.set(key, yield* Effect.forEach(yield* asList(files), asText))
  }
  return logs
})

const dataOf = Effect.fnUntraced(function* (data: Struct) {
  const { name, task_id: task, epoch, source, extra, draft } = data
  if (name === undefined) return yield* genericError("No name or package id provided for build")
  for (const key of ["version", "release", "epoch"]) {
    if (data[key] === undefined) return yield* genericError(`No ${key} value for build`)
  }
  if (task === undefined) return yield* parameterError("'task_id'")
  return {
    name: yield* asText(name),
    version: yield* asText(data["version"] ?? null),
    release: yield* asText(data["release"] ?? null),
    epoch: epoch == null ? null : yield* asInt(epoch),
    task: yield* asInt(task),
    source: source == null ? null : yield* asText(source),
    extra: extra ?? null,
    draft: draft === true
  }
})

const initBuild = method(
  "host.initBuild",
  "HostExports.initBuild(data)",
  Effect.fnUntraced(function* (given) {
    const host = yield* callingHost
    const data = yield* dataOf(yield* given.struct("data"))
    yield* assertOpenOn(data.task, host)
    return yield* newBuild({ ...data, owner: (yield* getTask(data.task)).owner })
  })
)

const completeMethod = method(
  "host.completeBuild",
  "HostExports.completeBuild(task_id, build_id, srpm, rpms, brmap=None, logs=None)",
  Effect.fnUntraced(function* (given) {
    const task = yield* builderOf(given)
    const map = Object.entries(yield* given.structOrEmpty("brmap"))
    const build = yield* completeBuild({
      task,
      build: yield* given.int("build_id"),
      srpm: yield* given.text("srpm"),
      rpms: yield* given.texts("rpms"),
      buildroots: new Map(
        yield* Effect.forEach(map, ([path, id]) => Effect.map(asInt(id), (int) => [path, int] as const))
      ),
      logs: yield* logsOf(given)
    })
    yield* notifyBuild(task, build.id)
    return build
  })
)

const failBuild = method(
  "host.failBuild",
  "HostExports.failBuild(task_id, build_id)",
  Effect.fnUntraced(function* (given) {
    const { db, now } = yield* Call
    const task = yield* builderOf(given)
    const build = yield* getBuild(yield* given.int("build_id"))
    if (build.state !== buildStates.BUILDING) {
      return yield* genericError(`cannot update build ${build.id}, state: ${buildStateName(build.state)}`)
    }
    db.run("UPDATE build SET state = ?, completion_time = ? WHERE id = ?", buildStates.FAILED, now, build.id)
    yield* notifyBuild(task, build.id)
  })
)

/** A scratch build's files go below its owner's name, and are no build. */
const moveToScratch = method(
  "host.moveBuildToScratch",
  "HostExports.moveBuildToScratch(task_id, srpm, rpms, logs=None)",
  Effect.fnUntraced(function* (given) {
    const { paths } = yield* Call
    const task = yield* builderOf(given)
    const files = yield* uploadedPackages(yield* given.text("srpm"), yield* given.texts("rpms"))
    const logs: Logs = yield* logsOf(given)
    const owner = yield* getUser((yield* getTask(task)).owner)
    const directory = `${paths.scratch()}/${owner.name}/task_${task}`
    const moveTo = (file: string, to: string) => moveAndLink(`${paths.work()}/${file}`, `${to}/${posix.basename(file)}`)
    for (const file of files) yield* moveTo(file, directory)
    for (const [key, listed] of logs) {
      for (const file of listed) yield* moveTo(file, key === "" ? `${directory}/logs` : `${directory}/logs/${key}`)
    }
  })
)

const listBuilds = method(
  "listBuilds",
  "RootExports.listBuilds(packageID=None, userID=None, taskID=None, prefix=None, state=None, volumeID=None, source=None, createdBefore=None, createdAfter=None, completeBefore=None, completeAfter=None, type=None, typeInfo=None, queryOpts=None, pattern=None, cgID=None, draft=None, promotedBefore=None, promotedAfter=None, promoter=None)",
  Effect.fnUntraced(function* (given) {
    const { db } = yield* Call
    const [pkg, user] = [given.value("packageID"), given.value("userID")]
    const packageId = pkg === null ? null : yield* findId("package", pkg)
    const owner = user === null ? null : (yield* findUser(user))?.id
    if (packageId === undefined || owner === undefined) return []
    return db.all(
      readBuild,
      `SELECT * FROM build_info WHERE (?1 IS NULL OR package_id = ?1) AND (?2 IS NULL OR owner_id = ?2)
        AND (?3 IS NULL OR task_id = ?3) AND (?4 IS NULL OR state = ?4)
        AND (?5 IS NULL OR package_name LIKE ?5 || '%') AND (?6 IS NULL OR draft = ?6) ORDER BY id`,
      packageId,
      owner,
      yield* given.intOrNull("taskID"),
      yield* given.intOrNull("state"),
      yield* given.textOrNull("prefix"),
      given.truthOrNull("draft")
    )
  })
)

export const buildMethods = [
  method(
    "getBuild",
    "get_build(buildInfo, strict=False)",
    Effect.fnUntraced(function* (given) {
      const info = given.value("buildInfo")
      return yield* given.truth("strict") ? getBuild(info) : findBuild(info)
    })
  ),
  listBuilds,
  method(
    "getAverageBuildDuration",
    "RootExports.getAverageBuildDuration(package, age=None)",
    Effect.fnUntraced(function* (given) {
      return yield* averageDuration(given.value("package"), yield* given.intOrNull("age"))
    })
  ),
  method(
    "getChangelogEntries",
    "RootExports.getChangelogEntries(buildID=None, taskID=None, filepath=None, author=None, before=None, after=None, queryOpts=None, strict=False)",
    // Only notifications show them, and none are sent from here.
    () => Effect.succeed([])
  ),
  method(
    "cancelBuild",
    "RootExports.cancelBuild(buildID, strict=False)",
    Effect.fnUntraced(function* (given) {
      const { db, now } = yield* Call
      const { userId } = yield* loggedIn
      const info = given.value("buildID")
      const build = yield* given.truth("strict") ? getBuild(info) : findBuild(info)
      if (build === undefined) return false
      if (build.owner_id !== userId && !(yield* hasPermission("admin"))) {
        return yield* actionNotAllowed("Cannot cancel build, not owner")
      }
      if (build.state !== buildStates.BUILDING) return false
      db.run("UPDATE build SET state = ?, completion_time = ? WHERE id = ?", buildStates.CANCELED, now, build.id)
      if (build.task_id === null) return true
      yield* notifyBuild(build.task_id, build.id)
      yield* cancelFull(build.task_id)
      return true
    })
  ),
  initBuild,
  completeMethod,
  failBuild,
  moveToScratch
]
