/** Calls about repositories (daemon.md 3.3; tasks.md 4). */
import { Effect, Schema } from "effect"
import { Event, Repo, RepoRequest } from "../shapes/Repo.ts"
import type { Struct, Value } from "../Value.ts"
import { call, perform } from "./call.ts"
import { orOlder } from "./older.ts"

/** A repository that must exist. */
export const repoInfo = (id: number) => call(Repo, "repoInfo", [id], { strict: true })
/** A repository that may not. */
export const findRepo = (id: number) => call(Schema.NullOr(Repo), "repoInfo", [id])

/** What is left of a repository where a hub before 1.35 tells of it by its tag. */
export const WithoutTag = Schema.Struct({ id: Schema.Int })

/** The newest ready repository of a tag. Hubs before 1.35 leave the tag out, and are asked for the whole of it. */
export const getRepo = Effect.fnUntraced(function* (tag: Value) {
  const repo = yield* call(Schema.NullOr(Schema.Union([Repo, WithoutTag])), "getRepo", [tag])
  return repo === null || "tag_id" in repo ? repo : yield* repoInfo(repo.id)
})

const Asked = Schema.Struct({
  repo: Schema.NullOr(Repo),
  request: Schema.NullOr(RepoRequest),
  duplicate: Schema.optionalKey(Schema.Boolean)
})

/**
 * Asks for a repository at least as new as an event: there is one, or a request that is being worked on. Hubs before
 * 1.35 take no requests: they have the newest that there is, and somebody else has newer ones made.
 */
export const requestRepo = (tag: number, options: { readonly minEvent: number | null }) =>
  call(Asked, "repo.request", [tag], { min_event: options.minEvent, at_event: null, opts: null }).pipe(
    orOlder(Effect.map(getRepo(tag), (repo) => ({ repo, request: null, isOlder: true }) as const))
  )

const Checked = Schema.Struct({ repo: Schema.NullOr(Repo), request: RepoRequest })
export const checkRepoRequest = (request: number) => call(Checked, "repo.checkRequest", [request])

/**
 * Has the hub begin a repository; [repo id, event id]. Hubs before 1.35 know no `opts`, and do not look into the tag for
 * whether there is to be debuginfo.
 */
export const repoInit = (
  tag: number,
  options: {
    readonly opts: Struct
    readonly taskId: number
    readonly event: number | null
    /** Whether the tag says so. */
    readonly debuginfo?: boolean
  }
) => {
  const { src, debuginfo, separate_src } = options.opts
  const common = { task_id: options.taskId, ...(options.event === null ? {} : { event: options.event }) }
  const begin = (form: Struct) => call(Schema.Tuple([Schema.Int, Schema.Int]), "host.repoInit", [tag], form)
  return begin({ opts: options.opts, ...common }).pipe(
    orOlder(
      begin({
        ...common,
        ...(src === true ? { with_src: true } : {}),
        ...(separate_src === true ? { with_separate_src: true } : {}),
        ...(debuginfo === true || options.debuginfo === true ? { with_debuginfo: true } : {})
      })
    )
  )
}

/** Has it finish one: `data` is, by arch, the upload directory and the files in it. One that expires is no tag's newest. */
export const repoDone = (repo: number, data: Struct, expire = false) =>
  perform("host.repoDone", [repo, data], expire ? { expire } : undefined)

/** Whether the hub takes a repository as of an older event for the tag's newest, unless told to expire it (before 1.35). */
export const takesOldForNew = (repo: number) => Effect.map(repoInfo(repo), ({ opts }) => opts === undefined)

/** The last event, or the last before a time. Hubs before 1.35 know no `strict`. */
export const getLastEvent = (options?: { readonly before: number; readonly strict: boolean }) => {
  const ask = (keywords?: Struct) => call(Schema.NullOr(Event), "getLastEvent", [], keywords)
  return options === undefined ? ask() : ask({ ...options }).pipe(orOlder(ask({ before: options.before })))
}
