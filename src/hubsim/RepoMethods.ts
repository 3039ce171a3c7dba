/** The methods about repos: asking for one, and what a newRepo task calls (tasks.md 4.1, 4.3, 4.7). */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { Effect, Schema } from "effect"
import type { Struct } from "../hub/Value.ts"
import { canonicalArch } from "../koji/Arch.ts"
import { genericError, parameterError } from "../koji/Fault.ts"
import { defaultPriority, repoStates } from "../koji/TaskState.ts"
import { type Arguments, asInt, asList, asText } from "./Arguments.ts"
import { assertPermission, Call, callingHost, hasPermission, loggedIn, microsecondsPerSecond } from "./Call.ts"
import { findEvent, firstChange, lastChange, lastEvent } from "./Events.ts"
import { actionNotAllowed } from "./Faults.ts"
import { move, relink } from "./Files.ts"
import { method } from "./Method.ts"
import { getId } from "./NameOrId.ts"
import { initRepo } from "./RepoInit.ts"
import {
  bestRepo,
  findRepo,
  getRepo,
  parseOptions,
  type RepoInfo,
  readRepo,
  readRepoRequest,
  setRepoState
} from "./Repos.ts"
import { getTag, type Tag } from "./TagConfig.ts"
import { findTask } from "./Tasks.ts"
import { safeUploadPath } from "./UploadPaths.ts"

/** The event that a repo must have seen when the request names none: the tag's last change, or a little older. */
const defaultMinEvent = Effect.fnUntraced(function* (tag: Tag) {
  const { db, now, options } = yield* Call
  const last = lastChange(db, tag.id)
  const ofTag = tag.extra["repo.lag"]
  const lag = typeof ofTag === "number" ? ofTag : options.repoLagSeconds
  const window = options.repoLagWindowSeconds
  const before = Math.floor((now / microsecondsPerSecond - lag) / window) * window
  const base = lastEvent(db, before)?.id ?? firstChange(db, tag.id)
  return Math.min(base ?? 0, last ?? 0)
})

const minEventOf = Effect.fnUntraced(function* (given: Arguments, tag: Tag, atEvent: number | null) {
  const { db } = yield* Call
  const asked = given.value("min_event")
  if (atEvent !== null) {
    if (asked !== null) return yield* parameterError("The min_event and at_event options conflict")
    if (findEvent(db, atEvent) === undefined) return yield* parameterError(`Invalid event: ${atEvent}`)
    return null
  }
  if (asked === "last") return lastChange(db, tag.id)
  if (asked === null) return yield* defaultMinEvent(tag)
  const event = yield* asInt(asked)
  return findEvent(db, event) === undefined ? yield* parameterError(`Invalid event: ${event}`) : event
})

const request = method(
  "repo.request",
  "request_repo(tag, min_event=None, at_event=None, opts=None, priority=None, force=False)",
  Effect.fnUntraced(function* (given) {
    const { db, now } = yield* Call
    const { userId } = yield* loggedIn
    const tag = yield* getTag(given.value("tag"))
    const options = yield* parseOptions(yield* given.structOrNull("opts"))
    if (options.maven === true) return yield* genericError("Maven support not enabled")
    const atEvent = yield* given.intOrNull("at_event")
    const minEvent = yield* minEventOf(given, tag, atEvent)
    const relative = (yield* given.intOrNull("priority")) ?? 0
    if (relative < 0 && !(yield* hasPermission("admin"))) {
      return yield* actionNotAllowed("only admins may create high-priority requests")
    }
    const priority = relative + defaultPriority
    const repo = given.truth("force") ? undefined : bestRepo(db, tag.id, { options, minEvent, atEvent })
    if (repo !== undefined) return { repo, request: null, duplicate: false }
    const same = db.first(
      readRepoRequest,
      `SELECT * FROM repo_request WHERE tag_id = ?1 AND active AND opts = ?2 AND (?3 IS NULL OR at_event = ?3)
        AND (?3 IS NOT NULL OR min_event >= ?4) ORDER BY priority, id`,
      tag.id,
      JSON.stringify(options),
      atEvent,
      minEvent
    )
    if (same !== undefined) {
      const urgent = Math.min(same.priority, priority)
      if (urgent < same.priority) db.run("UPDATE repo_queue SET priority = ? WHERE id = ?", urgent, same.id)
      return { repo: null, request: { ...same, priority: urgent }, duplicate: true }
    }
    const id = db.insert("repo_queue", {
      ...{ create_time: now, update_time: now, owner: userId, priority, tag_id: tag.id },
      ...{ at_event: atEvent, min_event: minEvent, opts: JSON.stringify(options) }
    })
    return { repo: null, request: yield* getRequest(id), duplicate: false }
  })
)

const getRequest = Effect.fnUntraced(function* (id: number) {
  const { db } = yield* Call
  const found = db.first(readRepoRequest, "SELECT * FROM repo_request WHERE id = ?", id)
  return found === undefined ? yield* genericError("No such request") : found
})

const checkRequest = method(
  "repo.checkRequest",
  "check_repo_request(req_id)",
  Effect.fnUntraced(function* (given) {
    const { db } = yield* Call
    const found = yield* getRequest(yield* given.int("req_id"))
    const status: Struct = { repo: null, request: found }
    if (found.repo_id !== null) return { ...status, repo: findRepo(db, found.repo_id) ?? null }
    if (found.task_id !== null) return { ...status, task: findTask(db, found.task_id) ?? null }
    return status
  })
)

const RepoDescription = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))

/** Points the tag's `latest` at a repo with the default options, unless there is a newer one. */
const linkLatest = Effect.fnUntraced(function* (repo: RepoInfo) {
  const { db, paths } = yield* Call
  if (Object.keys(repo.custom_opts ?? {}).length > 0 || repo.dist) return
  const newer = `SELECT 1 FROM repo WHERE tag_id = ? AND state = ? AND create_event > ? AND custom_opts = '{}'`
  if (db.has(newer, repo.tag_id, repoStates.READY, repo.create_event)) return
  relink(`${repo.id}`, `${paths.top}/repos/${repo.tag_name}/latest`)
})

/** Takes the uploaded repodata of every arch into the repo and makes it READY. */
const repoDone = method(
  "host.repoDone",
  "HostExports.repoDone(repo_id, data, expire=False, repo_json_updates=None)",
  Effect.fnUntraced(function* (given) {
    const { paths } = yield* Call
    yield* callingHost
    const repo = yield* getRepo(yield* given.int("repo_id"))
    const data = yield* given.struct("data")
    if (repo.state !== repoStates.INIT) {
      return yield* genericError(`Repo ${repo.id} not in INIT state (got ${repo.state})`)
    }
    const directory = paths.repo(repo.id, repo.tag_name)
    const updates = yield* given.structOrNull("repo_json_updates")
    if (updates !== null) {
      const file = `${directory}/repo.json`
      const description = Schema.decodeUnknownSync(RepoDescription)(readFileSync(file, "utf8"))
      writeFileSync(file, JSON.stringify({ ...description, ...updates }, null, 2))
    }
    for (const [arch, value] of repo.dist ? [] : Object.entries(data)) {
      const [uploaded, files] = yield* asList(value)
      const from = `${paths.work()}/${yield* safeUploadPath(yield* asText(uploaded ?? null))}`
      const archDirectory = `${directory}/${canonicalArch(arch)}`
      if (!existsSync(archDirectory)) return yield* genericError(`Repo arch directory missing: ${archDirectory}`)
      for (const file of yield* Effect.forEach(yield* asList(files ?? null), asText)) {
        const source = `${from}/${yield* safeUploadPath(file)}`
        if (!existsSync(source)) return yield* genericError(`uploaded file missing: ${source}`)
        yield* move(source, `${archDirectory}/${file.endsWith("pkglist") ? file : `repodata/${file}`}`)
      }
    }
    if (given.truth("expire")) return yield* setRepoState(repo.id, "EXPIRED")
    yield* setRepoState(repo.id, "READY")
    yield* linkLatest(repo)
  })
)

const stateMethod = (name: string, state: "EXPIRED" | "PROBLEM") =>
  method(
    name,
    `RootExports.${name}(repo_id)`,
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("repo")
      yield* setRepoState(yield* given.int("repo_id"), state)
    })
  )

export const repoMethods = [
  request,
  checkRequest,
  method(
    "repo.get",
    "get_repo(tag, min_event=None, at_event=None, opts=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      return bestRepo(db, yield* getId("tag", given.value("tag")), {
        options: yield* parseOptions(yield* given.structOrNull("opts")),
        minEvent: yield* given.intOrNull("min_event"),
        atEvent: yield* given.intOrNull("at_event")
      })
    })
  ),
  method(
    "getRepo",
    "old_get_repo(tag, state=None, event=None, dist=False, min_event=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const event = yield* given.intOrNull("event")
      const state = event === null ? ((yield* given.intOrNull("state")) ?? repoStates.READY) : null
      return db.first(
        readRepo,
        `SELECT * FROM repo_info WHERE tag_id = ?1 AND dist = ?2 AND (?3 IS NULL OR create_event <= ?3)
          AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR create_event >= ?5) ORDER BY creation_ts DESC, id DESC`,
        yield* getId("tag", given.value("tag")),
        given.truth("dist"),
        event,
        state,
        yield* given.intOrNull("min_event")
      )
    })
  ),
  method(
    "repoInfo",
    "repo_info(repo_id, strict=False)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const id = yield* given.int("repo_id")
      return given.truth("strict") ? yield* getRepo(id) : findRepo(db, id)
    })
  ),
  stateMethod("repoExpire", "EXPIRED"),
  stateMethod("repoProblem", "PROBLEM"),
  method(
    "repoDelete",
    "RootExports.repoDelete(repo_id)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      yield* assertPermission("repo")
      const id = yield* given.int("repo_id")
      const uses = db.count("SELECT count(*) AS count FROM buildroot WHERE repo_id = ? AND retire_event IS NULL", id)
      if (uses === 0) yield* setRepoState(id, "DELETED")
      return uses
    })
  ),
  method(
    "host.repoInit",
    "HostExports.repoInit(tag, task_id=None, event=None, opts=None)",
    Effect.fnUntraced(function* (given) {
      yield* callingHost
      return yield* initRepo({
        tag: given.value("tag"),
        task: yield* given.intOrNull("task_id"),
        event: yield* given.intOrNull("event"),
        options: yield* parseOptions(yield* given.structOrNull("opts"))
      })
    })
  ),
  repoDone
]
