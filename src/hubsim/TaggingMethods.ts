/** The methods about what is tagged, and those that tag. */
import { Effect } from "effect"
import type { Value } from "../hub/Value.ts"
import { tagError } from "../koji/Fault.ts"
import { buildStateName, buildStates } from "../koji/TaskState.ts"
import { type Arguments, asText, isList } from "./Arguments.ts"
import { type Build, getBuild } from "./Builds.ts"
import { assertPermission, Call, callingHost, hasPermission, loggedIn } from "./Call.ts"
import { method } from "./Method.ts"
import { notifyTag } from "./Notifications.ts"
import { addToPackageList, packageProblem } from "./PackageLists.ts"
import { assertPolicy } from "./Policies.ts"
import { findTag, getTag, type Tag } from "./TagConfig.ts"
import {
  assertTagAccess,
  latestOf,
  type TaggedQuery,
  tagBuild,
  taggedBuilds,
  taggedRpms,
  untagBuild
} from "./Tagging.ts"
import { makeTask } from "./TaskCreation.ts"
import { assertOpenOn } from "./TaskStates.ts"
import { getTask } from "./Tasks.ts"

const queryOf = Effect.fnUntraced(function* (given: Arguments) {
  const query: TaggedQuery = {
    event: yield* given.intOrNull("event"),
    inherit: given.truth("inherit"),
    latest: latestOf(given.value("latest")),
    package: yield* given.textOrNull("package"),
    owner: yield* given.textOrNull("owner"),
    draft: given.truthOrNull("draft")
  }
  return query
})

/** The tag; without `strict`, one that is not there is undefined. */
const tagOf = Effect.fnUntraced(function* (given: Arguments) {
  const [info, event] = [given.value("tag"), yield* given.intOrNull("event")]
  return yield* given.truth("strict") ? getTag(info, event) : findTag(info, event)
})

/** A build's package must be in the tag's list; an administrator's `force` puts it there. */
const assertListed = Effect.fnUntraced(function* (tag: Tag, shown: Value, build: Build, force: boolean) {
  const { db } = yield* Call
  const pkg = { id: build.package_id, name: build.package_name }
  const problem = packageProblem(db, { id: tag.id, shown }, pkg)
  if (problem === undefined) return
  if (!force || !(yield* hasPermission("admin"))) return yield* tagError(problem)
  yield* addToPackageList({ tag: tag.id, package: pkg.id, force: true, block: false })
})

const tagMethod = method(
  "tagBuild",
  "RootExports.tagBuild(tag, build, force=False, fromtag=None)",
  Effect.fnUntraced(function* (given) {
    const { userId } = yield* loggedIn
    const build = yield* getBuild(given.value("build"))
    const tag = yield* getTag(given.value("tag"))
    const fromInfo = given.value("fromtag")
    const from = fromInfo === null ? undefined : yield* getTag(fromInfo)
    const force = given.truth("force")
    if (build.state !== buildStates.COMPLETE) {
      return yield* tagError(`build ${build.nvr} not complete: state ${buildStateName(build.state)}`)
    }
    yield* assertTagAccess(tag, userId, force)
    if (from !== undefined) yield* assertTagAccess(from, userId, force)
    yield* assertListed(tag, tag.name, build, force)
    const operation = from === undefined ? "tag" : "move"
    yield* assertPolicy("tag", { tag: tag.id, build: build.id, fromtag: from?.id ?? null, operation })
    return yield* makeTask("tagBuild", [tag.id, build.id, force, from?.id ?? null], { priority: 10 })
  })
)

/** The host's version: as the owner of the task it is done for (tasks.md 3.8). */
const hostTagMethod = method(
  "host.tagBuild",
  "HostExports.tagBuild(task_id, tag, build, force=False, fromtag=None)",
  Effect.fnUntraced(function* (given) {
    const host = yield* callingHost
    const taskId = yield* given.int("task_id")
    yield* assertOpenOn(taskId, host)
    const build = yield* getBuild(given.value("build"))
    const tag = yield* getTag(given.value("tag"))
    const { owner } = yield* getTask(taskId)
    const fromInfo = given.value("fromtag")
    const from = fromInfo === null ? undefined : yield* getTag(fromInfo)
    const force = given.truth("force")
    const operation = from === undefined ? "tag" : "move"
    yield* assertPolicy("tag", { tag: tag.id, build: build.id, fromtag: from?.name ?? null, user_id: owner, operation })
    yield* assertListed(tag, given.value("tag"), build, force)
    if (from !== undefined) {
      yield* assertTagAccess(from, owner, force)
      yield* untagBuild(from, build)
    }
    yield* assertTagAccess(tag, owner, force)
    yield* tagBuild(tag, build, force)
  })
)

export const taggingMethods = [
  method(
    "listTagged",
    "RootExports.listTagged(tag, event=None, inherit=False, prefix=None, latest=False, package=None, owner=None, type=None, strict=True, extra=False, draft=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = yield* tagOf(given)
      if (tag === undefined) return []
      const prefix = ((yield* given.textOrNull("prefix")) ?? "").toLowerCase()
      return taggedBuilds(db, tag.id, yield* queryOf(given)).filter((build) =>
        build.package_name.toLowerCase().startsWith(prefix)
      )
    })
  ),
  method(
    "listTaggedRPMS",
    "RootExports.listTaggedRPMS(tag, event=None, inherit=False, latest=False, package=None, arch=None, rpmsigs=False, owner=None, type=None, strict=True, extra=True, draft=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const tag = yield* tagOf(given)
      if (tag === undefined) return [[], []]
      const arch = given.value("arch")
      const arches = arch === null ? null : yield* Effect.forEach(isList(arch) ? arch : [arch], asText)
      const { rpms, builds } = taggedRpms(db, tag.id, yield* queryOf(given), arches)
      // Nothing is signed here: each package has the one record of its unsigned copy.
      return [given.truth("rpmsigs") ? rpms.map((rpm) => ({ ...rpm, sigkey: "" })) : rpms, builds]
    })
  ),
  method(
    "getLatestBuilds",
    "RootExports.getLatestBuilds(tag, event=None, package=None, type=None, draft=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const event = yield* given.intOrNull("event")
      const tag = yield* getTag(given.value("tag"), event)
      return taggedBuilds(db, tag.id, {
        event,
        inherit: true,
        latest: true,
        package: yield* given.textOrNull("package"),
        draft: given.truthOrNull("draft")
      })
    })
  ),
  tagMethod,
  method(
    "tagBuildBypass",
    "RootExports.tagBuildBypass(tag, build, force=False, notify=False)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("admin")
      yield* tagBuild(yield* getTag(given.value("tag")), yield* getBuild(given.value("build")), given.truth("force"))
    })
  ),
  method(
    "untagBuild",
    "RootExports.untagBuild(tag, build, strict=True, force=False)",
    Effect.fnUntraced(function* (given) {
      const { userId } = yield* loggedIn
      const tag = yield* getTag(given.value("tag"))
      yield* assertTagAccess(tag, userId, given.truth("force"))
      yield* untagBuild(tag, yield* getBuild(given.value("build")))
    })
  ),
  hostTagMethod,
  method(
    "host.tagNotification",
    "HostExports.tagNotification(is_successful, tag_id, from_id, build_id, user_id, ignore_success=False, failure_msg='')",
    Effect.fnUntraced(function* (given) {
      yield* callingHost
      yield* notifyTag({
        successful: given.truth("is_successful"),
        tag: given.value("tag_id"),
        from: given.value("from_id"),
        build: given.value("build_id"),
        user: given.value("user_id"),
        ignoreSuccess: given.truth("ignore_success"),
        failure: yield* given.text("failure_msg")
      })
    })
  )
]
