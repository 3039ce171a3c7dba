/** Where a build comes from and goes to, and whether it may (tasks.md 3.1, steps 2 to 5). */
import { Effect, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { assertPolicy } from "../hub/calls/host.ts"
import { findRepo } from "../hub/calls/repos.ts"
import { findTag, getBuildTarget } from "../hub/calls/tags.ts"
import { Repo } from "../hub/shapes/Repo.ts"
import type { Struct } from "../hub/Value.ts"
import { buildError, genericError } from "../koji/Fault.ts"
import { repoStateName, repoStates } from "../koji/TaskState.ts"
import { ownerOf } from "./Owner.ts"
import { maybe, type TaskContext } from "./Task.ts"

const Flag = Schema.Union([Schema.Boolean, Schema.Int])

/** Every option is optional, and nil is as good as absent. Others are ignored, as kojid ignores them. */
export const BuildOptions = Schema.Struct({
  scratch: maybe(Flag),
  skip_tag: maybe(Flag),
  repo_id: maybe(Schema.Int),
  wait_repo: maybe(Flag),
  wait_builds: maybe(Schema.Array(Schema.String)),
  arch_override: maybe(Schema.String),
  rebuild_srpm: maybe(Schema.Boolean),
  fail_fast: maybe(Flag),
  draft: maybe(Flag),
  custom_user_metadata: maybe(Schema.Json)
})
export type BuildOptions = typeof BuildOptions.Type

export interface Destination {
  readonly target: string | null
  readonly buildTag: number
  readonly destTag: number
  readonly destTagName: string
  readonly skipTag: boolean
  /** The repository that was asked for by number. */
  readonly repo: Repo | null
}

const Target = Schema.Struct({
  name: Schema.String,
  build_tag: Schema.Int,
  build_tag_name: Schema.String,
  dest_tag: Schema.Int,
  dest_tag_name: Schema.String
})
const Tag = Schema.Struct({ id: Schema.Int, name: Schema.String })

export const buildTarget = Effect.fn("buildTarget")(function* (target: string | number | null, opts: BuildOptions) {
  const repo = opts.repo_id == null ? null : yield* givenRepo(opts.repo_id)
  const event = repo?.create_event ?? null
  const metadata = opts.custom_user_metadata
  if (metadata && (typeof metadata !== "object" || Array.isArray(metadata))) {
    return yield* buildError("custom_user_metadata must be serializable to a JSON object")
  }
  const skipTag = Boolean(opts.skip_tag)
  const found =
    target === null
      ? null
      : yield* hubStep("target", Schema.NullOr(Target), getBuildTarget(target, { event }), { input: target })
  if (found !== null) {
    if (repo !== null && repo.tag_id !== found.build_tag) {
      return yield* buildError(`Repo/Target mismatch: ${repo.tag_name}/${found.build_tag_name}`)
    }
    return {
      target: found.name,
      buildTag: found.build_tag,
      destTag: found.dest_tag,
      destTagName: found.dest_tag_name,
      skipTag,
      repo
    } satisfies Destination
  }
  if (repo === null) return yield* genericError(`unknown build target: ${target ?? "None"}`)
  const place = { target: null, buildTag: repo.tag_id, repo }
  if (target === null)
    return { ...place, destTag: repo.tag_id, destTagName: repo.tag_name, skipTag: true } satisfies Destination
  const tag = yield* hubStep(
    "dest-tag",
    Schema.NullOr(Tag),
    findTag(target, { event }).pipe(Effect.map((found) => (found === null ? null : { id: found.id, name: found.name })))
  )
  if (tag === null) return yield* genericError(`neither tag nor target: ${target}`)
  return { ...place, destTag: tag.id, destTagName: tag.name, skipTag } satisfies Destination
})

const givenRepo = Effect.fnUntraced(function* (id: number) {
  const repo = yield* hubStep("repo/given", Schema.NullOr(Repo), findRepo(id), { input: id })
  if (repo === null) return yield* buildError(`No such repo: ${id}`)
  if (repo.state !== repoStates.READY && repo.state !== repoStates.EXPIRED) {
    return yield* buildError(`Bad repo: ${repo.id} (${repoStateName(repo.state) ?? repo.state})`)
  }
  return repo
})

/** Asks the hub's policies, in kojid's order. Tells whether one failing arch ends its siblings. */
export const policies = Effect.fn("policies")(function* (
  task: TaskContext,
  destination: Destination,
  source: string,
  fromScm: boolean,
  opts: BuildOptions
) {
  const owner = yield* hubStep("owner", Schema.Int, ownerOf(task.id))
  const data: Struct = {
    user_id: owner,
    source,
    task_id: task.id,
    build_tag: destination.buildTag,
    skip_tag: destination.skipTag,
    scratch: opts.scratch ?? null,
    draft: opts.draft ?? null,
    from_scm: fromScm,
    repo_id: opts.repo_id ?? null,
    ...(destination.target === null ? {} : { target: destination.target }),
    ...(destination.skipTag ? {} : { tag: destination.destTag })
  }
  const names = [
    ...(!fromScm && !opts.scratch ? ["build_from_srpm"] : []),
    ...(opts.repo_id == null ? [] : ["build_from_repo_id"]),
    "build_rpm"
  ]
  for (const name of names) {
    yield* hubStep(`policy/${name}`, Schema.Null, assertPolicy(name, data).pipe(Effect.as(null)))
  }
  const door = yield* Door
  return yield* door.step(
    { path: "fail-any", rule: "repeat" },
    Schema.Boolean,
    Effect.map(BuilderSettings, (settings) => Boolean(opts.fail_fast) || !settings.buildArchCanFail)
  )
})
