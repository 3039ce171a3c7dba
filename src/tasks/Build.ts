/** `build`: the master of a build from a source package (tasks.md 3.1). */
import { type Cause, Effect, Schema } from "effect"
import { happenedIf, hubFailure, hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { completeBuild, failBuild, getBuild, initBuild, moveBuildToScratch } from "../hub/calls/builds.ts"
import { getLastEvent } from "../hub/calls/repos.ts"
import { getPackageConfig } from "../hub/calls/tags.ts"
import type { Struct } from "../hub/Value.ts"
import { buildError, genericError, type TaskFailure } from "../koji/Fault.ts"
import { isScmUrl } from "../koji/ScmUrl.ts"
import { buildStates } from "../koji/TaskState.ts"
import { fetchSource, type SourceFacts } from "./BuildArch.ts"
import { archList, buildConfigAt, choosing, type TagConfig } from "./BuildArches.ts"
import { BuildOptions, buildTarget, type Destination, policies } from "./BuildTarget.ts"
import { faultOf } from "./FaultOf.ts"
import { getRepo } from "./RepoWatch.ts"
import { subtask, waitFor } from "./Subtasks.ts"
import { type Handler, parameters, plain, type TaskContext } from "./Task.ts"

const Parameters = Schema.Struct({
  src: Schema.Unknown,
  target: Schema.NullOr(Schema.Union([Schema.String, Schema.Int])),
  opts: Schema.NullOr(BuildOptions)
})

export const build: Handler = Effect.fn("build")(function* (task) {
  const given = yield* parameters(task, Parameters)
  const opts = given.opts ?? {}
  const scratch = Boolean(opts.scratch)
  const source = given.src
  if (opts.arch_override && !scratch) return yield* buildError("arch_override is only allowed for scratch builds")
  const destination = yield* buildTarget(given.target, opts)
  if (typeof source !== "string") return yield* buildError(`Invalid source specification: ${String(source)}`)
  const fromScm = isScmUrl(source)
  const failAny = yield* policies(task, destination, source, fromScm, opts)

  const repo =
    destination.repo ?? (yield* getRepo(task, destination.buildTag, opts.wait_builds ?? [], Boolean(opts.wait_repo)))
  const event = destination.repo?.create_event ?? (yield* hubStep("event", Schema.Int, lastEvent))
  const config = yield* buildConfigAt("config", destination.buildTag, event)

  const fetched = yield* sourcePackage(task, { source, fromScm, scratch, repoId: repo.id, config, opts, destination })
  const facts = yield* fetchSource(fetched.srpm, "SRPM file missing", (path) => `${path} is not a source package`)
  const extraArches = yield* packageAllowed(destination, facts.name, event, scratch)
  const arches = yield* archList(config, facts, extraArches, scratch ? (opts.arch_override ?? null) : null)

  const data: Struct = {
    name: facts.name,
    version: facts.version,
    release: facts.release,
    epoch: facts.epoch,
    task_id: task.id,
    ...buildExtra(fetched, opts),
    ...(opts.draft ? { draft: true } : {})
  }
  const buildId = scratch ? null : yield* initialised(task, data)
  const finish = Effect.gen(function* () {
    const results = yield* buildArches(
      task,
      fetched.srpm,
      destination.buildTag,
      repo.id,
      arches,
      facts,
      config,
      failAny
    )
    yield* concluded(task, buildId, results)
  })
  yield* buildId === null ? finish : finish.pipe(Effect.tapCause((cause) => failedWith(task, buildId, cause)))
  if (buildId !== null && !destination.skipTag) {
    const child = yield* subtask(task, {
      method: "tagBuild",
      arguments: [destination.destTag, buildId, false, null, true],
      label: "tag",
      arch: "noarch"
    })
    yield* waitFor(task, "tag", [child], true)
  }
  return plain(null)
})

const lastEvent = getLastEvent().pipe(
  Effect.flatMap((event) => (event === null ? Effect.succeed(0) : Effect.succeed(event.id)))
)

/** Where the source package is, below the hub's work directory, and what it was made of. */
const Fetched = Schema.Struct({
  srpm: Schema.String,
  source: Schema.optionalKey(Schema.Struct({ source: Schema.String, url: Schema.String }))
})
type Fetched = typeof Fetched.Type

interface SourceRequest {
  readonly source: string
  readonly fromScm: boolean
  readonly scratch: boolean
  readonly repoId: number
  readonly config: TagConfig
  readonly opts: BuildOptions
  readonly destination: Destination
}

/** The source package: the uploaded one as it is, or what a child makes of it or of an SCM (tasks.md 3.2). */
const sourcePackage = Effect.fnUntraced(function* (task: TaskContext, request: SourceRequest) {
  const { source, fromScm, opts, config } = request
  const byTag = config.rebuildSrpm
  const rebuild = request.scratch && opts.rebuild_srpm != null ? opts.rebuild_srpm : byTag
  if (!fromScm && !rebuild) return { srpm: source } satisfies Fetched
  const child = yield* subtask(task, {
    method: fromScm ? "buildSRPMFromSCM" : "rebuildSRPM",
    arguments: [source, request.destination.buildTag, { repo_id: request.repoId, scratch: opts.scratch ?? null }],
    label: "srpm",
    arch: yield* choosing("srpm-arch", config, "noarch", null)
  })
  const results = yield* waitFor(task, "srpm", [child], true)
  return yield* Schema.decodeUnknownEffect(Fetched)(results.get(child)).pipe(
    Effect.mapError((error) => genericError(`task ${child} returned no source package: ${error.message}`))
  )
})

const buildExtra = (fetched: Fetched, opts: BuildOptions): Struct => {
  const extra: Record<string, Struct[string]> = {}
  if (fetched.source !== undefined) extra["source"] = { original_url: fetched.source.url }
  if (opts.custom_user_metadata) extra["custom_user_metadata"] = opts.custom_user_metadata
  return {
    ...(fetched.source === undefined ? {} : { source: fetched.source.source }),
    ...(Object.keys(extra).length === 0 ? {} : { extra })
  }
}

/** Whether the destination takes this package at all; its extra arches. */
const packageAllowed = Effect.fnUntraced(function* (
  destination: Destination,
  name: string,
  event: number,
  scratch: boolean
) {
  const config = yield* hubStep(
    "package",
    Schema.NullOr(Schema.Struct({ blocked: Schema.Boolean, extraArches: Schema.NullOr(Schema.String) })),
    getPackageConfig(destination.destTag, name, { event }).pipe(
      Effect.map((found) => (found === null ? null : { blocked: found.blocked, extraArches: found.extra_arches }))
    )
  )
  if (!destination.skipTag && !scratch) {
    if (config === null) return yield* buildError(`package ${name} not in list for tag ${destination.destTagName}`)
    if (config.blocked) return yield* buildError(`package ${name} is blocked for tag ${destination.destTagName}`)
  }
  return config?.extraArches ?? null
})

/** The hub takes a second call of the controlling task for what it is. */
const initialised = (task: TaskContext, data: Struct) =>
  hubStep("initBuild", Schema.Int, initBuild(data), { input: task.id })

/**
 * A build fails with its task, whatever the task fails with, and stays as it is when the task only goes back to the hub:
 * the next attempt finds it. When the hub cannot be told, the task is given back for the same reason.
 */
const failedWith = (task: TaskContext, buildId: number, cause: Cause.Cause<TaskFailure>) =>
  Effect.gen(function* () {
    if (faultOf(cause) === null) return
    const door = yield* Door
    const ask = happenedIf(Effect.map(getBuild(buildId), ({ state }) => state === buildStates.FAILED))
    yield* hubStep("failBuild", Schema.Null, failBuild(task.id, buildId).pipe(Effect.as(null)), { ask }).pipe(
      // A hub that has failed or canceled it by itself says so; what went wrong with the task is what people must read.
      Effect.catchTag("KojiFault", (refused) => door.note(`build ${buildId} is not set to failed: ${refused.message}`))
    )
  })

/** What a `buildArch` child returns (tasks.md 3.5). */
const ArchResult = Schema.Struct({
  rpms: Schema.Array(Schema.String),
  srpms: Schema.Array(Schema.String),
  logs: Schema.Array(Schema.String),
  brootid: Schema.Int
})

interface Collated {
  readonly srpm: string
  readonly rpms: ReadonlyArray<string>
  readonly buildroots: Record<string, number>
  readonly logs: Record<string, ReadonlyArray<string>>
}

/** One child an arch, all waited for; their results put together (tasks.md 3.4). */
const buildArches = Effect.fnUntraced(function* (
  task: TaskContext,
  srpm: string,
  buildTag: number,
  repoId: number,
  arches: ReadonlyArray<string>,
  facts: SourceFacts,
  config: TagConfig,
  failAny: boolean
) {
  const children = new Map<string, number>()
  for (const [at, arch] of arches.entries()) {
    const child = yield* subtask(task, {
      method: "buildArch",
      arguments: [srpm, buildTag, arch, at === 0, { repo_id: repoId }],
      label: arch,
      arch: yield* choosing(`arch/${arch}`, config, arch, facts)
    })
    children.set(arch, child)
  }
  const results = yield* waitFor(task, "buildArch", [...children.values()], failAny)
  const rpms: Array<string> = []
  const buildroots: Record<string, number> = {}
  const logs: Record<string, ReadonlyArray<string>> = {}
  let source: string | null = null
  for (const [arch, child] of children) {
    const result = yield* Schema.decodeUnknownEffect(ArchResult)(results.get(child)).pipe(
      Effect.mapError((error) => genericError(`buildArch task ${child} returned no result: ${error.message}`))
    )
    rpms.push(...result.rpms)
    for (const path of [...result.rpms, ...result.srpms]) buildroots[path] = result.brootid
    if (result.logs.length > 0) logs[arch] = result.logs
    const [made] = result.srpms
    if (made === undefined) continue
    if (source !== null) return yield* buildError(`multiple builds returned a srpm.  task ${task.id}`)
    source = made
  }
  if (source === null) return yield* buildError("could not find a built srpm")
  return { srpm: source, rpms, buildroots, logs } satisfies Collated
})

/** Hands the results to the hub: into the build, or into the scratch area. */
const concluded = (task: TaskContext, buildId: number | null, results: Collated) =>
  Effect.gen(function* () {
    const door = yield* Door
    const { srpm, rpms, buildroots, logs } = results
    if (buildId === null) {
      yield* hubStep(
        "moveBuildToScratch",
        Schema.Null,
        moveBuildToScratch(task.id, srpm, rpms, { logs }).pipe(Effect.as(null)),
        { once: true }
      )
      return
    }
    yield* door.step(
      { path: "completeBuild", rule: "ask", input: buildId },
      Schema.Null,
      completeBuild(task.id, buildId, srpm, rpms, buildroots, { logs }).pipe(
        // A retry after a lost answer finds the build complete: that is what was asked for.
        Effect.catchTag("HubFault", (fault) =>
          getBuild(buildId).pipe(
            Effect.flatMap((found) =>
              found.state === buildStates.COMPLETE && found.task_id === task.id ? Effect.void : Effect.fail(fault)
            )
          )
        ),
        Effect.as(null),
        Effect.mapError((error): TaskFailure => hubFailure(error))
      ),
      happenedIf(
        Effect.map(getBuild(buildId), ({ state, task_id }) => state === buildStates.COMPLETE && task_id === task.id)
      ).pipe(Effect.mapError(hubFailure))
    )
  })
