/** `createrepo`: the metadata of one architecture of a repository (tasks.md 4.5, 4.6). */

import { cp, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { type ContainerRequest, own, reads, runContainer } from "../buildroot/ContainerSteps.ts"
import { hubStep } from "../buildroot/HubSteps.ts"
import { KojiLogs } from "../buildroot/KojiLogs.ts"
import { mockStatus } from "../buildroot/MockStatus.ts"
import { toolsEnvironment } from "../buildroot/RootEnvironment.ts"
import { ifThere } from "../buildroot/SourceFile.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { toolsImageFor } from "../buildroot/ToolsImage.ts"
import { exists, Workspace } from "../buildroot/Workspace.ts"
import { Door } from "../buildroot/World.ts"
import { repoInfo } from "../hub/calls/repos.ts"
import { getExternalRepoList } from "../hub/calls/tags.ts"
import { ExternalRepo } from "../hub/shapes/ExternalRepo.ts"
import { Repo } from "../hub/shapes/Repo.ts"
import { genericError } from "../koji/Fault.ts"
import { pathInfo, safeComponent, taskPath } from "../koji/Paths.ts"
import { repoStates } from "../koji/TaskState.ts"
import { uploadedLogs } from "./BuildArch.ts"
import { reposAreHere } from "./NewRepo.ts"
import { type Handler, maybe, parameters } from "./Task.ts"

const Parameters = Schema.Struct({
  repo_id: Schema.Int,
  arch: Schema.String,
  oldrepo: maybe(Schema.Struct({ id: Schema.Int }))
})

/** Where things are inside the containers of this task. */
const top = "/mnt/koji"
const output = "/run/adjutant/out"

export const createRepo: Handler = Effect.fn("createRepo")(function* (task) {
  const door = yield* Door
  const given = yield* parameters(task, Parameters)
  const repo = yield* hubStep("repo", Repo, repoInfo(given.repo_id))
  if (repo.state !== repoStates.INIT) {
    return yield* genericError(`Repo ${repo.id} not in INIT state (got ${repo.state})`)
  }
  yield* reposAreHere("topdir")
  const tagName = yield* Effect.fromResult(safeComponent(repo.tag_name))
  const arch = yield* Effect.fromResult(safeComponent(given.arch))
  const facts = yield* door.here(
    { path: "inspect", rule: "repeat", input: repo.id },
    Facts,
    inspect(repo.id, tagName, arch)
  )

  const old = given.oldrepo ?? null
  const update =
    facts.packages && facts.update && old !== null
      ? yield* hubStep("old-repo", Schema.NullOr(Repo), repoInfo(old.id))
      : null
  const copied =
    update !== null &&
    (yield* door.here(
      { path: "old-metadata", rule: "repeat", input: update.id },
      Schema.Boolean,
      copyOld(update, arch)
    ))

  const directory = `${pathInfo(top).repo(repo.id, tagName)}/${arch}`
  const command = [
    ...(facts.createrepoC ? ["/usr/bin/createrepo_c", "--error-exit-val"] : ["/usr/bin/createrepo"]),
    "-vd",
    "-o",
    `${output}/repo`,
    ...(facts.packages ? ["-i", `${directory}/pkglist`] : []),
    ...(facts.comps ? ["-g", `${pathInfo(top).repo(repo.id, tagName)}/groups/comps.xml`] : []),
    ...(copied ? ["--update", ...(facts.skipStat ? ["--skip-stat"] : [])] : []),
    facts.packages ? directory : `${output}/repo`
  ]
  const made = yield* runTool("createrepo", "createrepo.log", tagName, arch, command)
  if (made !== 0) return yield* genericError(`failed to create repo: ${folded(command)} exited with status ${made}`)

  const externals = yield* hubStep(
    "external-repos",
    Schema.Array(ExternalRepo),
    getExternalRepoList(repo.tag_id, { event: repo.create_event })
  )
  if (externals.length > 0) yield* merge(repo, tagName, arch, externals, facts.comps)
  else if (!facts.packages) {
    yield* door.here(
      { path: "empty", rule: "repeat" },
      Schema.Null,
      Effect.gen(function* () {
        const workspace = yield* Workspace
        yield* Effect.promise(() => writeFile(join(workspace.root, "repo", "repodata", "EMPTY_REPO"), ""))
        return null
      })
    )
  }
  const names = yield* door.here({ path: "upload", rule: "repeat" }, Schema.Array(Schema.String), uploadMetadata)
  yield* uploadedLogs
  return { value: [taskPath(task.id), names], files: names }
})

const Facts = Schema.Struct({
  packages: Schema.Boolean,
  comps: Schema.Boolean,
  update: Schema.Boolean,
  skipStat: Schema.Boolean,
  createrepoC: Schema.Boolean
})

const inspect = Effect.fnUntraced(function* (repoId: number, tagName: string, arch: string) {
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace
  const repository = pathInfo(settings.topDirectory).repo(repoId, tagName)
  const directory = join(repository, arch)
  const look = (path: string) => Effect.promise(() => ifThere(stat(path)))
  if ((yield* look(directory))?.isDirectory() !== true)
    return yield* genericError(`Repo directory missing: ${directory}`)
  yield* Effect.promise(() => mkdir(join(workspace.root, "repo"), { recursive: true }))
  return {
    packages: ((yield* look(join(directory, "pkglist")))?.size ?? 0) > 0,
    comps: (yield* look(join(repository, "groups/comps.xml"))) !== undefined,
    update: settings.createrepoUpdate,
    skipStat: settings.createrepoSkipStat,
    createrepoC: settings.useCreaterepoC
  }
})

/** The old repository's metadata, to start from; false when it is not there (then all is made anew). */
const copyOld = Effect.fnUntraced(function* (old: Repo, arch: string) {
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace
  const logs = yield* KojiLogs
  const name = yield* Effect.fromResult(safeComponent(old.tag_name))
  const from = join(pathInfo(settings.topDirectory).repo(old.id, name), arch, "repodata")
  const to = join(workspace.root, "repo", "repodata")
  const copied = yield* Effect.promise(async () => {
    const found = await ifThere(cp(from, to, { recursive: true, dereference: true }).then(() => true))
    // Not all of it was there, and what was is nothing to start from.
    if (found === undefined) await rm(to, { recursive: true, force: true })
    await rm(join(to, "pkgorigins.gz"), { force: true })
    return found === true
  })
  if (!copied) yield* logs.append(["createrepo.log"], `old repo has no metadata at ${from}: not updating\n`)
  return copied
})

/** Runs one of the repository tools in a tools image that sees the hub's tree, read-only. Returns its exit status. */
const runTool = (path: string, log: string, tagName: string, arch: string, command: ReadonlyArray<string>) =>
  Effect.flatMap(Door, (door) =>
    door.here(
      { path, rule: "ask", input: [...command] },
      Schema.Int,
      Effect.gen(function* () {
        const settings = yield* BuilderSettings
        const workspace = yield* Workspace
        const logs = yield* KojiLogs
        yield* logs.append([log], `$ ${command.join(" ")}\n`)
        const tool: ContainerRequest = {
          step: path,
          part: null,
          image: yield* toolsImageFor(tagName, arch),
          command,
          environment: { ...toolsEnvironment, TMPDIR: output },
          user: "root",
          capabilities: "install",
          network: path === "createrepo" ? "none" : settings.installNetwork,
          // The hub's tree is shared storage: read-only, and its labels are not ours to change.
          mounts: [reads(settings.topDirectory, top, false), own(workspace.root, output, settings.relabel)],
          workingDirectory: "/",
          logs: [log],
          wallSeconds: settings.limits.wallSeconds,
          commit: null
        }
        // What a tool that was cut off has left in the way of the next.
        const unfinished = join(workspace.root, "repo", ".repodata")
        const exit = yield* runContainer(tool, {
          prepare: () => Effect.promise(() => rm(unfinished, { recursive: true, force: true }))
        })
        const status = mockStatus(exit.reason)
        if (status.detail !== "") yield* logs.append([log], `${status.detail}\n`)
        return status._tag === "Status" ? status.status : 128 + status.signal
      })
    )
  )

/** Merges external repositories into the one just made (tasks.md 4.6). */
const merge = Effect.fnUntraced(function* (
  repo: Repo,
  tagName: string,
  arch: string,
  externals: ReadonlyArray<ExternalRepo>,
  comps: boolean
) {
  const door = yield* Door
  const modes = [...new Set(externals.map((external) => external.merge_mode ?? "koji"))]
  if (modes.length > 1) {
    return yield* genericError(`Found multiple merge modes for external repos: ${modes.join(", ")}`)
  }
  const premerge = `repo_${repo.id}_premerge`
  yield* door.here(
    { path: "premerge", rule: "repeat" },
    Schema.Null,
    Effect.gen(function* () {
      const { root } = yield* Workspace
      yield* Effect.promise(async () => {
        if (!(await exists(join(root, premerge)))) await rename(join(root, "repo"), join(root, premerge))
        await mkdir(join(root, "repo"), { recursive: true })
      })
      return null
    })
  )
  const urls = externals
    .filter((external) => external.arches == null || external.arches.split(/\s+/).includes(arch))
    .map((external) => external.url.replaceAll("$arch", arch))
  const repository = pathInfo(top).repo(repo.id, tagName)
  const mode = modes[0] ?? "koji"
  const command = [
    "/usr/bin/mergerepo_c",
    ...(mode === "bare" ? ["--pkgorigins", "--all"] : mode === "simple" ? ["--koji", "--simple"] : ["--koji"]),
    ...(mode === "bare" ? [] : ["-b", `${repository}/${arch}/blocklist`]),
    "-a",
    arch,
    "-o",
    `${output}/repo`,
    "--arch-expand",
    ...(comps ? ["-g", `${repository}/groups/comps.xml`] : []),
    "-r",
    `file://${output}/${premerge}/`,
    ...urls.flatMap((url) => ["-r", url])
  ]
  const status = yield* runTool("mergerepos", "mergerepos.log", tagName, arch, command)
  if (status !== 0) return yield* genericError(`failed to merge repos: ${folded(command)} exited with status ${status}`)
})

const uploadMetadata = Effect.gen(function* () {
  const workspace = yield* Workspace
  const uploads = yield* TaskUploads
  const directory = join(workspace.root, "repo", "repodata")
  const names = (yield* Effect.promise(() => readdir(directory))).sort()
  for (const name of names) yield* uploads.file(join(directory, name), name)
  return names
})

/** As koji shows a command in an error: words apart by blanks, folded at 78 columns. */
const folded = (command: ReadonlyArray<string>): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of command) {
    if (line !== "" && line.length + 1 + word.length > 78) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].join(" \\\n")
}
