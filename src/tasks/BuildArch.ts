/** `buildArch`: one architecture of a build (tasks.md 3.5). */

import { createHash } from "node:crypto"
import { join } from "node:path"
import { Effect, Random, Result, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { expireBuildroot, openBuildroot, repoEvent } from "../buildroot/Buildroot.ts"
import { buildFault } from "../buildroot/Failures.ts"
import { hubFailure, hubStep } from "../buildroot/HubSteps.ts"
import { KojiLogs } from "../buildroot/KojiLogs.ts"
import { rebuild } from "../buildroot/Rebuild.ts"
import { digestOfFile, type ResultFile, readResults, readRpmHeader } from "../buildroot/SourceFile.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { Workspace } from "../buildroot/Workspace.ts"
import { Door } from "../buildroot/World.ts"
import { getAverageBuildDuration } from "../hub/calls/builds.ts"
import { getHost, setTaskWeight } from "../hub/calls/host.ts"
import { getBuildConfig } from "../hub/calls/tags.ts"
import { HubFiles } from "../hub/HubFiles.ts"
import { findArchChoices } from "../koji/Arch.ts"
import { buildError, GiveBack, genericError } from "../koji/Fault.ts"
import { taskPath } from "../koji/Paths.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { contentsDigest } from "../koji/RpmContents.ts"
import { noarchHash, renderNoarchDiff } from "../koji/RpmDiff.ts"
import { filesOf, type RpmFile } from "../koji/RpmFiles.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"
import { buildArchWeight } from "../koji/Weights.ts"
import { type Handler, maybe, parameters, TagReference, type TaskContext, tagKey } from "./Task.ts"

const Parameters = Schema.Struct({
  pkg: Schema.String,
  root: TagReference,
  arch: Schema.String,
  keep_srpm: Schema.Union([Schema.Boolean, Schema.Int]),
  opts: maybe(Schema.Struct({ repo_id: maybe(Schema.Int) }))
})

/** What of the source package the program decides by. */
export const SourceFacts = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  epoch: Schema.NullOr(Schema.Int),
  file: Schema.String,
  specs: Schema.Array(Schema.String),
  buildArchs: Schema.Array(Schema.String),
  exclusiveArch: Schema.Array(Schema.String),
  excludeArch: Schema.Array(Schema.String),
  /** Of the whole file, so that another one of its name is not taken for it. Early records do not have it. */
  sha256: Schema.optionalKey(Schema.String)
})
export type SourceFacts = typeof SourceFacts.Type

export const buildArch: Handler = Effect.fn("buildArch")(function* (task) {
  const given = yield* parameters(task, Parameters)
  const repoId = given.opts?.repo_id ?? null
  if (repoId === null) return yield* buildError("A repo id must be provided")
  const event = yield* repoEvent("event", repoId)
  const source = yield* fetchSource(given.pkg, "SRPM file missing", () => "not a source package")
  yield* weigh(task, source.name)
  const arch = yield* concreteArch(given.arch, tagKey(given.root), event, task.arch)

  const root = yield* openBuildroot(task.id, { repoId, tag: tagKey(given.root), arch, group: "build", network: false })
  const outcome = yield* rebuild(root, source, given.arch)
  const keep = Boolean(given.keep_srpm)
  const uploaded = yield* uploadResults(task, given.arch, outcome.directories, keep)
  yield* expireBuildroot(root)
  const logs = yield* uploadedLogs
  const at = (name: string) => `${taskPath(task.id)}/${name}`
  return {
    value: { rpms: uploaded.rpms.map(at), srpms: uploaded.srpms.map(at), logs: logs.map(at), brootid: root.id },
    files: [...uploaded.rpms, ...uploaded.srpms, ...logs]
  }
})

/** Fetches a source package from the hub's work directory and reads what it says of itself. */
export const fetchSource = (path: string, missing: string, notSource: (path: string) => string) =>
  Effect.flatMap(Door, (door) =>
    door.here(
      { path: "source", rule: "repeat", input: path },
      SourceFacts,
      Effect.gen(function* () {
        const files = yield* HubFiles
        const workspace = yield* Workspace
        const name = path.split("/").at(-1) ?? ""
        const local = join(workspace.input, name)
        yield* files.fetch(`work/${path}`, local).pipe(
          Effect.mapError(({ reason, message }) =>
            // Our own disk says nothing of the task.
            reason === "unwritable"
              ? new GiveBack({ message })
              : buildError(reason === "missing" ? `${missing}: ${path}` : `${missing}: ${path}: ${message}`)
          )
        )
        const { topUrls } = yield* BuilderSettings
        const corrupted = (error: { readonly message: string }) =>
          genericError(
            `Downloaded rpm ${withoutPassword(`${topUrls[0]}/work/${path}`)} is corrupted:\n${error.message}`
          )
        const header = yield* readRpmHeader(local).pipe(Effect.mapError(corrupted))
        if (!header.isSource) return yield* buildError(notSource(path))
        const { version, release, epoch, buildArchs, exclusiveArch, excludeArch } = header
        const specs = specsAmong(yield* Effect.fromResult(filesOf(header)).pipe(Effect.mapError(corrupted)))
        const arches = { buildArchs, exclusiveArch, excludeArch }
        const digest = yield* digestOfFile(local)
        return { name: header.name, version, release, epoch, file: name, specs, ...arches, sha256: digest }
      })
    )
  )

/** rpm's mark on the file that the package was made by: it alone is unpacked as a spec, others are mere sources. */
const specFileFlag = 1 << 5

const specsAmong = (files: ReadonlyArray<RpmFile>): ReadonlyArray<string> => {
  const named = files.filter(({ path }) => path.endsWith(".spec") && !path.includes("/"))
  const marked = named.filter(({ flags }) => (flags & specFileFlag) !== 0)
  return (marked.length === 0 ? named : marked).map(({ path }) => path)
}

/** A package that takes long weighs more (tasks.md 3.5): the hub's scheduler goes by it. */
const weigh = (task: TaskContext, name: string) =>
  Effect.gen(function* () {
    const average = yield* hubStep("average", Schema.NullOr(Schema.Finite), getAverageBuildDuration(name, { age: 6 }))
    const weight = buildArchWeight(average)
    if (weight === null) return
    yield* hubStep("weight", Schema.Null, setTaskWeight(task.id, weight).pipe(Effect.as(null)))
  })

/** The arch of the buildroot: the task's own, or for noarch one that host and tag have in common. A die is a step. */
export const concreteArch = Effect.fn("concreteArch")(function* (
  arch: string,
  tag: number | string,
  event: number,
  preferred: string | null
) {
  const door = yield* Door
  return yield* door.step(
    { path: "arch", rule: "repeat", input: [arch, tag, event] },
    Schema.String,
    Effect.gen(function* () {
      const host = yield* getHost().pipe(Effect.mapError(hubFailure))
      const config = yield* getBuildConfig(tag, { event }).pipe(Effect.mapError(hubFailure))
      const choices = yield* Effect.fromResult(findArchChoices(arch, host, config, preferred))
      const at = yield* Random.nextIntBetween(0, choices.length, { halfOpen: true })
      return choices[at] ?? choices[0]
    })
  )
})

const Uploaded = Schema.Struct({
  rpms: Schema.Array(Schema.String),
  srpms: Schema.Array(Schema.String),
  /** A digest for each package that does not depend on when it was built. Early records do not have them. */
  contents: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

/** Uploads what the build made: binary packages, the source package if it is kept, and the hashes of noarch ones. */
const uploadResults = (task: TaskContext, arch: string, directories: ReadonlyArray<string>, keepSource: boolean) =>
  Effect.flatMap(Door, (door) =>
    door.here(
      { path: "upload", rule: "repeat" },
      Uploaded,
      Effect.gen(function* () {
        const uploads = yield* TaskUploads
        const logs = yield* KojiLogs
        const workspace = yield* Workspace
        const found: Array<ResultFile> = []
        for (const directory of directories) {
          const { files, strange } = yield* readResults(workspace.builddir, directory).pipe(
            Effect.catchTag("UnreadableFile", ({ message }) => noResults(arch, message))
          )
          for (const what of strange) yield* logs.root(`unexpected among the results: ${what}`)
          found.push(...files)
        }
        const packages = found.filter((file) => !file.name.endsWith(".src.rpm") && !file.name.endsWith(".nosrc.rpm"))
        const sources = found.filter((file) => file.name.endsWith(".src.rpm"))
        const hashes: Record<string, string> = {}
        for (const file of packages.filter(({ name }) => name.endsWith(".noarch.rpm"))) {
          hashes[file.name] = yield* Effect.fromResult(noarchHash(file.header, sha256)).pipe(
            Effect.mapError((error) => buildError(`${file.name}: ${error.message}`))
          )
        }
        if (Object.keys(hashes).length > 0) {
          yield* logs.append(["noarch_rpmdiff.json"], renderNoarchDiff(task.id, hashes))
        }
        const contents: Record<string, string> = {}
        for (const { name, header } of found) {
          const digest = contentsDigest(header, sha256)
          if (Result.isSuccess(digest)) contents[name] = digest.success
        }
        for (const file of packages) yield* uploads.file(file.path, file.name)
        const srpms: Array<string> = []
        if (keepSource) {
          const [source, ...more] = sources
          if (source === undefined) return yield* buildError(`no srpm files found for task ${task.id}`)
          if (more.length > 0) {
            const names = sources.map(({ name }) => name)
            return yield* buildError(`multiple srpm files found for task ${task.id}: ${pythonRepr(names)}`)
          }
          for (const tag of ["packager", "vendor", "distribution"] as const) {
            if (!source.header[tag]) return yield* buildError(`The build system failed to set the ${tag} tag`)
          }
          yield* uploads.file(source.path, source.name)
          srpms.push(source.name)
        }
        return { rpms: packages.map(({ name }) => name), srpms, contents }
      })
    )
  )

/** mock's status for a build that leaves nothing to take. */
const noResults = Effect.fnUntraced(function* (arch: string, detail: string) {
  const logs = yield* KojiLogs
  yield* logs.root(detail)
  return yield* buildFault(arch, { _tag: "Status", status: 40, detail })
})

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Sees all logs of the attempt to the hub, and names those that have arrived; an empty log never does. */
export const uploadedLogs = Effect.flatMap(Door, (door) =>
  door.here(
    { path: "logs", rule: "repeat" },
    Schema.Array(Schema.String),
    Effect.flatMap(TaskUploads, (uploads) => uploads.flushLogs)
  )
)
