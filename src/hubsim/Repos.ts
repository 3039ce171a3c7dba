/** Repos and the requests for them: the rows, the options, the states (tasks.md 4.1). */
import { Effect, Schema } from "effect"
import type { Struct } from "../hub/Value.ts"
import { genericError, parameterError } from "../koji/Fault.ts"
import { pythonTruth } from "../koji/PythonRepr.ts"
import { repoStateName, repoStates } from "../koji/TaskState.ts"
import { type Answering, Call } from "./Call.ts"
import { type Database, Flag, orNull, rowOf } from "./Database.ts"
import { noRows } from "./Faults.ts"
import type { Tag } from "./TagConfig.ts"

const optionNames = ["src", "debuginfo", "separate_src", "maven"] as const
/** What goes into a repo beside binary packages. */
export type RepoOptions = { readonly [name in (typeof optionNames)[number]]?: boolean }
const Options = Schema.fromJsonString(
  Schema.Struct({
    src: Schema.optionalKey(Schema.Boolean),
    debuginfo: Schema.optionalKey(Schema.Boolean),
    separate_src: Schema.optionalKey(Schema.Boolean),
    maven: Schema.optionalKey(Schema.Boolean)
  })
)

/** `repoInfo`'s members (daemon.md 3.3). */
const RepoInfo = Schema.Struct({
  id: Schema.Int,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  creation_time: Schema.String,
  creation_ts: Schema.Finite,
  state_time: Schema.String,
  state_ts: Schema.Finite,
  create_event: Schema.Int,
  create_ts: Schema.Finite,
  begin_event: orNull(Schema.Int),
  begin_ts: orNull(Schema.Finite),
  end_event: orNull(Schema.Int),
  end_ts: orNull(Schema.Finite),
  state: Schema.Int,
  dist: Flag,
  opts: orNull(Options),
  custom_opts: orNull(Options),
  task_id: orNull(Schema.Int),
  task_state: orNull(Schema.Int)
})
export type RepoInfo = typeof RepoInfo.Type
export const readRepo = rowOf(RepoInfo)

const RepoRequest = Schema.Struct({
  id: Schema.Int,
  create_time: Schema.String,
  create_ts: Schema.Finite,
  owner: Schema.Int,
  owner_name: Schema.String,
  priority: Schema.Int,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  at_event: orNull(Schema.Int),
  min_event: orNull(Schema.Int),
  opts: Options,
  update_time: Schema.String,
  update_ts: Schema.Finite,
  active: Flag,
  task_id: orNull(Schema.Int),
  task_state: orNull(Schema.Int),
  tries: Schema.Int,
  repo_id: orNull(Schema.Int)
})
export type RepoRequest = typeof RepoRequest.Type
export const readRepoRequest = rowOf(RepoRequest)

export const findRepo = (db: Database, id: number) => db.first(readRepo, "SELECT * FROM repo_info WHERE id = ?", id)

export const getRepo = (id: number): Answering<RepoInfo> =>
  Effect.flatMap(Call, ({ db }) => {
    const repo = findRepo(db, id)
    return repo === undefined ? Effect.fail(noRows) : Effect.succeed(repo)
  })

/** The options that a client asks for. An unknown one is a ParameterError (1019); nil is as if not given. */
export const parseOptions = Effect.fnUntraced(function* (given: Struct | null) {
  const known = new Set<string>(optionNames)
  const options = new Map<string, boolean>()
  for (const [name, value] of Object.entries(given ?? {})) {
    if (!known.has(name)) return yield* parameterError(`Invalid repo option: ${name}`)
    if (value !== null) options.set(name, pythonTruth(value))
  }
  const parsed: RepoOptions = Object.fromEntries(options)
  return parsed
})

/** All options of a repo of this tag, and those among the overrides that differ from what the tag has anyway. */
export const optionsFor = (tag: Tag, overrides: RepoOptions) => {
  const ofTag = tag.extra["repo.opts"]
  const configured = typeof ofTag === "object" && ofTag !== null ? Object.entries(ofTag) : []
  const legacy = ofTag === undefined && "with_debuginfo" in tag.extra
  const base: Required<RepoOptions> = {
    ...{ src: false, debuginfo: legacy && pythonTruth(tag.extra["with_debuginfo"]), separate_src: false, maven: false },
    ...Object.fromEntries(
      optionNames.flatMap((name) => {
        const found = configured.find(([key]) => key === name)?.[1]
        return found == null ? [] : [[name, pythonTruth(found)]]
      })
    ),
    // Maven is not supported here, whatever the tag says.
    maven: false
  }
  const custom: RepoOptions = Object.fromEntries(
    optionNames.flatMap((name) => {
      const value = overrides[name]
      return value === undefined || value === base[name] ? [] : [[name, value]]
    })
  )
  return { options: { ...base, ...custom }, custom }
}

/** Whether every option of the one is so in the other. */
export const contains = (all: RepoOptions, some: RepoOptions): boolean =>
  optionNames.every((name) => some[name] === undefined || some[name] === all[name])

/** The newest READY repo of a tag with the options asked for, and none that were not, for an event or since one. */
export const bestRepo = (
  db: Database,
  tag: number,
  {
    options,
    minEvent,
    atEvent
  }: { readonly options: RepoOptions; readonly minEvent: number | null; readonly atEvent: number | null }
): RepoInfo | undefined =>
  db
    .all(
      readRepo,
      `SELECT * FROM repo_info WHERE tag_id = ?1 AND NOT dist AND state = ${repoStates.READY}
        AND (?2 IS NULL OR create_event = ?2) AND (?2 IS NOT NULL OR ?3 IS NULL OR create_event >= ?3)
        ORDER BY create_event DESC, id DESC`,
      tag,
      atEvent,
      minEvent
    )
    .find((repo) => contains(repo.opts ?? {}, options) && contains(options, repo.custom_opts ?? {}))

/**
 * Moves a repo on to a state. States only go forward, but for DELETED, which is the end; to be in the state already
 * is well. A repo that becomes READY fulfils the requests it fits.
 */
export const setRepoState = Effect.fnUntraced(function* (id: number, state: keyof typeof repoStates) {
  const { db, now } = yield* Call
  const repo = yield* getRepo(id)
  const next = repoStates[state]
  if (repo.state > next) {
    const names = `${repoStateName(repo.state)} -> ${state}`
    return yield* genericError(`Invalid repo state transition for repo ${id}: ${names}`)
  }
  if (repo.state === next) return
  if (repo.state === repoStates.DELETED) return yield* genericError(`Repo ${id} is deleted`)
  db.run("UPDATE repo SET state = ?, state_time = ? WHERE id = ?", next, now, id)
  if (state === "READY" && !repo.dist) fulfil(db, repo, now)
})

/** Gives the repo to the active requests of its tag that it fits. */
const fulfil = (db: Database, repo: RepoInfo, now: number) => {
  const waiting = db.all(
    readRepoRequest,
    `SELECT * FROM repo_request WHERE tag_id = ?1 AND active AND repo_id IS NULL
      AND (at_event = ?2 OR (at_event IS NULL AND min_event <= ?2))`,
    repo.tag_id,
    repo.create_event
  )
  for (const request of waiting) {
    if (!contains(repo.opts ?? {}, request.opts) || !contains(request.opts, repo.custom_opts ?? {})) continue
    db.run("UPDATE repo_queue SET repo_id = ?, active = 0, update_time = ? WHERE id = ?", repo.id, now, request.id)
  }
}
