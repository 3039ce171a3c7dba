/**
 * A buildroot: what the hub calls one (a row with a state and a package list) and what it is here (an image).
 *
 * The hub's part follows kojid call by call (tasks.md 2.1 to 2.12): the row, the configuration that users know as
 * `mock_config.log`, the package list after init, the state, the list after the build. Tag options are read as of the
 * repository's creation, never as of now.
 */
import { Effect, Option, Schema } from "effect"
import {
  getBuildrootListing,
  listBuildroots,
  newBuildRoot,
  setBuildRootList,
  setBuildRootState
} from "../hub/calls/buildroots.ts"
import { repoInfo } from "../hub/calls/repos.ts"
import { getBuildConfig } from "../hub/calls/tags.ts"
import { HubFiles } from "../hub/HubFiles.ts"
import { Repo } from "../hub/shapes/Repo.ts"
import { digestOfBytes } from "../journal/Canonical.ts"
import { canonicalArch, targetArch } from "../koji/Arch.ts"
import { buildrootError, type KojiFault, type TaskFailure } from "../koji/Fault.ts"
import { buildrootMacros, type Macros } from "../koji/Macros.ts"
import { renderMockConfig } from "../koji/MockConfig.ts"
import { buildrootName, safeComponent } from "../koji/Paths.ts"
import { pythonStr, pythonTruth } from "../koji/PythonRepr.ts"
import { managerCommands, moduleCommands, readTagExtras } from "../koji/TagExtras.ts"
import { buildrootStates, repoStateName, repoStates } from "../koji/TaskState.ts"
import { renderYumConf, repositoryUrls } from "../koji/YumConf.ts"
import { type BaseInputs, baseImage } from "./BaseImage.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { initFault } from "./Failures.ts"
import { hardwareText } from "./Hardware.ts"
import { happenedIf, hubStep } from "./HubSteps.ts"
import { ImageRecord } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { hubPackages } from "./PackageReport.ts"
import { TaskUploads } from "./TaskUploads.ts"
import { toolsImageFor } from "./ToolsImage.ts"
import { Door } from "./World.ts"

export interface BuildrootRequest {
  readonly repoId: number
  readonly tag: number | string
  /** As the task names it: `i686`, `x86_64`. */
  readonly arch: string
  readonly group: "build" | "srpm-build"
  /** Whether the commands that build may reach the network; package installation always may. */
  readonly network: boolean
}

/** Plain data, so that a step's outcome can hold it. */
export const BuildrootFacts = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  repo: Repo,
  tagName: Schema.String,
  /** The repository's directory: canonical. */
  arch: Schema.String,
  targetArch: Schema.String,
  macros: Schema.Record(Schema.String, Schema.String),
  environment: Schema.Record(Schema.String, Schema.String),
  forcearch: Schema.Boolean,
  /** What packages say they were built on. Early records do not have it. */
  buildHost: Schema.optionalKey(Schema.String)
})
export type BuildrootFacts = typeof BuildrootFacts.Type

export interface Buildroot extends BuildrootFacts {
  readonly inputs: BaseInputs
  readonly image: ImageRecord
}

/** The event as of which everything about this repository's tag is read. Fails when there is no such repository. */
export const repoEvent = (path: string, repoId: number) =>
  hubStep(path, Schema.Int, repoInfo(repoId).pipe(Effect.map((repo) => repo.create_event)), {
    input: repoId
  })

const Inputs = Schema.Struct({
  tag: Schema.String,
  repo: Schema.Int,
  repoDigest: Schema.String,
  group: Schema.String,
  arch: Schema.String,
  targetArch: Schema.String,
  toolsImage: Schema.String,
  yumConf: Schema.String,
  packageManager: Schema.String,
  releasever: Schema.NullOr(Schema.String),
  moduleSetup: Schema.Array(Schema.Tuple([Schema.String, Schema.Array(Schema.String)])),
  forcearch: Schema.Boolean,
  environment: Schema.Record(Schema.String, Schema.String)
})

/** Makes the buildroot ready: row, configuration, image, package list. Expired at the hub when its init fails. */
export const openBuildroot = Effect.fn("openBuildroot")(function* (taskId: number, request: BuildrootRequest) {
  const door = yield* Door
  const repo = yield* hubStep("buildroot/repo", Repo, repoInfo(request.repoId), {
    input: request.repoId
  })
  const config = yield* hubStep(
    "buildroot/config",
    Schema.Struct({ id: Schema.Int, name: Schema.String, extra: Schema.Json }),
    getBuildConfig(request.tag, { event: repo.create_event }).pipe(
      Effect.map(({ id, name, extra }) => ({ id, name, extra }))
    )
  )
  if (config.id !== repo.tag_id) return yield* buildrootError(`tag/repo mismatch: ${config.name} vs ${repo.tag_name}`)
  if (repo.state !== repoStates.READY && repo.state !== repoStates.EXPIRED) {
    return yield* buildrootError(`Requested repo (${repo.id}) is ${repoStateName(repo.state) ?? repo.state}`)
  }
  yield* Effect.fromResult(safeComponent(config.name))
  const arch = canonicalArch(request.arch)
  const id = yield* hubStep("buildroot/new", Schema.Int, newBuildRoot(repo.id, arch, taskId), {
    ask: newest(taskId)
  })

  const { facts, inputs } = yield* door
    .step(
      { path: "buildroot/configure", rule: "repeat", input: id },
      Schema.Struct({ facts: BuildrootFacts, inputs: Inputs }),
      configure(id, repo, config, arch, request)
    )
    .pipe(Effect.tapError((failure) => expireAfter({ id }, failure)))
  const unready = { ...facts, inputs }
  const image = yield* door
    .here({ path: "init", rule: "ask", input: inputs.repoDigest }, ImageRecord, baseImage(inputs))
    .pipe(Effect.tapError((failure) => expireAfter(unready, failure)))
  const root: Buildroot = { ...unready, image }
  yield* tellKernel(root)
  const packages = yield* hubPackages("packages/init", root, image)
  yield* hubStep("packages/set", Schema.Null, setBuildRootList(id, packages).pipe(Effect.as(null)), {
    ask: happenedIf(Effect.map(getBuildrootListing(id), (rows) => rows.length > 0))
  })
  return root
})

/** The buildroot that an earlier process of this attempt made and could not record: the newest one that is new. */
const newest = (taskId: number) =>
  Effect.map(listBuildroots({ taskID: taskId, state: [buildrootStates.INIT] }), (rows) =>
    Option.fromNullishOr(rows.map(({ id }) => id).sort((a, b) => b - a)[0])
  )

interface ConfigFacts {
  readonly id: number
  readonly name: string
  readonly extra: Schema.Json
}

const configure = Effect.fnUntraced(function* (
  id: number,
  repo: Repo,
  config: ConfigFacts,
  arch: string,
  request: BuildrootRequest
) {
  const settings = yield* BuilderSettings
  const files = yield* HubFiles
  const logs = yield* KojiLogs
  const uploads = yield* TaskUploads
  const extras = yield* Effect.fromResult(readTagExtras(asExtra(config.extra)))
  const name = buildrootName(config.name, id, repo.id)
  const target = targetArch(request.arch)
  const site = { ...settings }
  const text = renderMockConfig({
    buildrootId: id,
    name,
    repoId: repo.id,
    tag: config.name,
    repoArch: arch,
    targetArch: target,
    installGroup: request.group,
    setupDns: request.network,
    internalDevSetup: null,
    bindMounts: null,
    maven: null,
    hostsFile: null,
    extras,
    site
  })
  yield* logs.append(["mock_config.log"], text)
  yield* uploads.flushLogs
  yield* logs.append(["hw_info.log"], yield* hardwareText(settings.stateDirectory))

  const urls = repositoryUrls(settings, { id: repo.id, tag: config.name, arch })
  const repomd = yield* files.read(`repos/${config.name}/${repo.id}/${arch}/repodata/repomd.xml`, repomdBytesMax).pipe(
    Effect.catch((error) => {
      const detail = `the repository cannot be used: ${error.message}`
      return Effect.andThen(logs.root(detail), Effect.fail(initFault({ _tag: "Status", status: 30, detail })))
    })
  )
  const modules = yield* Effect.fromResult(moduleCommands(extras))
  const packageManager = extras.packageManager ?? "dnf"
  // A name that nobody knows is told here, not when the root is made.
  yield* Effect.fromResult(managerCommands(packageManager))
  const bootstrap = settings.mockBootstrapImage ? extras.bootstrapImage : null
  const inputs: typeof Inputs.Type = {
    tag: config.name,
    repo: repo.id,
    repoDigest: digestOfBytes(repomd),
    group: request.group,
    arch,
    targetArch: target,
    toolsImage: yield* toolsImageFor(config.name, arch, bootstrap ?? undefined),
    yumConf: renderYumConf({
      urls,
      proxy: settings.yumProxy,
      moduleHotfixes: extras.moduleHotfixes,
      best: extras.yumBest
    }),
    packageManager,
    releasever: pythonTruth(extras.releasever) ? pythonStr(extras.releasever ?? null) : null,
    moduleSetup: modules.map(({ action, modules: names }) => [action, names] as const),
    forcearch: extras.forcearch,
    environment: extras.environment
  }
  const macros: Macros = buildrootMacros({ ...settings, targetArch: target, tagMacros: extras.macros })
  const facts: BuildrootFacts = {
    id,
    name,
    repo,
    tagName: config.name,
    arch,
    targetArch: target,
    macros,
    environment: extras.environment,
    forcearch: extras.forcearch,
    buildHost: settings.hostName
  }
  return { facts, inputs }
})

/** A repomd.xml is a few kilobytes; one beyond this is something else. */
const repomdBytesMax = 4 * 1024 * 1024

const asExtra = (extra: Schema.Json) =>
  typeof extra === "object" && extra !== null && !Array.isArray(extra)
    ? (extra as { readonly [key: string]: Schema.Json })
    : {}

/** The kernel, where mock's `--chroot "uname -r"` would have left it. */
const tellKernel = (root: Buildroot) =>
  Effect.flatMap(Door, (door) =>
    door.here(
      { path: "init/kernel", rule: "repeat" },
      Schema.Null,
      Effect.flatMap(KojiLogs, (logs) => logs.root(`uname -r: ${root.image.kernel}`)).pipe(Effect.as(null))
    )
  )

/** The hub marks the buildroot as gone. */
export const expireBuildroot = (root: Pick<Buildroot, "id">) =>
  hubStep("expire", Schema.Null, setBuildRootState(root.id, "EXPIRED").pipe(Effect.as(null)))

/** Expires the buildroot when what failed was the buildroot, as kojid does; other failures leave that to maintenance. */
export const expireAfter = (root: Pick<Buildroot, "id">, failure: TaskFailure) =>
  failure._tag === "KojiFault" ? expireBuildroot(root) : Effect.void

/** Fails with this fault, the buildroot expired first. */
export const expireAnd = (root: Pick<Buildroot, "id">, fault: KojiFault) =>
  Effect.andThen(expireBuildroot(root), Effect.fail(fault))
