/** Calls about repositories (daemon.md 3.3; tasks.md 4). */
import { Schema } from "effect"
import { Event, Repo, RepoRequest } from "../shapes/Repo.ts"
import type { Struct, Value } from "../Value.ts"
import { call, perform } from "./call.ts"

/** A repository that must exist. */
export const repoInfo = (id: number) => call(Repo, "repoInfo", [id], { strict: true })
/** A repository that may not. */
export const findRepo = (id: number) => call(Schema.NullOr(Repo), "repoInfo", [id])

/** The newest ready repository of a tag. */
export const getRepo = (tag: Value) => call(Schema.NullOr(Repo), "getRepo", [tag])

const Asked = Schema.Struct({
  repo: Schema.NullOr(Repo),
  request: Schema.NullOr(RepoRequest),
  duplicate: Schema.optionalKey(Schema.Boolean)
})

/** Asks for a repository at least as new as an event: there is one, or a request that is being worked on. */
export const requestRepo = (tag: number, options: { readonly minEvent: number | null }) =>
  call(Asked, "repo.request", [tag], { min_event: options.minEvent, at_event: null, opts: null })

const Checked = Schema.Struct({ repo: Schema.NullOr(Repo), request: RepoRequest })
export const checkRepoRequest = (request: number) => call(Checked, "repo.checkRequest", [request])

/** Has the hub begin a repository; [repo id, event id]. */
export const repoInit = (
  tag: number,
  options: { readonly opts: Struct; readonly taskId: number; readonly event: number | null }
) =>
  call(Schema.Tuple([Schema.Int, Schema.Int]), "host.repoInit", [tag], {
    opts: options.opts,
    task_id: options.taskId,
    ...(options.event === null ? {} : { event: options.event })
  })

/** Has it finish one: `data` is, by arch, the upload directory and the files in it. */
export const repoDone = (repo: number, data: Struct) => perform("host.repoDone", [repo, data])

export const getLastEvent = (options?: { readonly before: number; readonly strict: boolean }) =>
  call(Schema.NullOr(Event), "getLastEvent", [], options === undefined ? undefined : { ...options })
