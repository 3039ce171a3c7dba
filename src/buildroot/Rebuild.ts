/**
 * What `mock --rebuild` does, as container steps: the source package is made again inside the root, what it requires
 * is installed, what it generates as further requirements too, and then it is built (tasks.md 2A, 14.5).
 *
 * When nothing is missing all of it is one container; each time something is, that container ends with a code of its
 * own, the requirements become an installed image, and the next round runs in that one over the same `/builddir`.
 */

import { chmod, copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { setBuildRootState, updateBuildRootList } from "../hub/calls/buildroots.ts"
import { buildError } from "../koji/Fault.ts"
import { buildEnvironment, renderRpmMacros } from "../koji/Macros.ts"
import { requirementTexts } from "../koji/Requirements.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { type Buildroot, expireAnd } from "./Buildroot.ts"
import { type ContainerRequest, own, runContainer } from "./ContainerSteps.ts"
import { buildFault } from "./Failures.ts"
import { hubStep } from "./HubSteps.ts"
import { samePackages } from "./ImageFiles.ts"
import { ImageRecord } from "./ImageStore.ts"
import { installedImage } from "./InstalledImage.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { failedStatus, type MockStatus, mockStatus } from "./MockStatus.ts"
import { hubPackages } from "./PackageReport.ts"
import { personality } from "./RootEnvironment.ts"
import { judged, RoundStatus } from "./RoundStatus.ts"
import * as Scripts from "./Scripts.ts"
import { readResults, readSmall } from "./SourceFile.ts"
import { giveToBuildUser, Workspace } from "./Workspace.ts"
import { Door } from "./World.ts"

/** A source package that has been fetched into the attempt's input directory. */
export interface Source {
  readonly file: string
  readonly specs: ReadonlyArray<string>
}

/** What of a buildroot the rounds of a build go by. */
type BuildsIn = Pick<
  Buildroot,
  "image" | "inputs" | "macros" | "environment" | "targetArch" | "forcearch" | "buildHost"
>

/** mock's bound on each of its two loops. */
const installsMax = 10
/** Our script has ended by itself by then: what still asks for more is a build that meddles with it. */
const roundsMax = 2 * installsMax + 1

/** Builds the package for `target` (the task's own arch, also `noarch`). The directories that hold the results. */
export const rebuild = Effect.fn("rebuild")(function* (root: Buildroot, source: Source, target: string) {
  yield* hubStep("building", Schema.Null, setBuildRootState(root.id, "BUILDING").pipe(Effect.as(null)))
  // A build that failed is an outcome here, not an error: the hub hears what was installed of it too.
  const { status, image } = yield* buildRounds(root, source, target)
  const door = yield* Door
  yield* door.here({ path: "build/installed", rule: "repeat" }, Schema.Null, Effect.as(writeInstalled(image), null))
  const packages = yield* hubPackages("packages/after", root, image)
  yield* hubStep("packages/update", Schema.Null, updateBuildRootList(root.id, packages).pipe(Effect.as(null)))
  if (failedStatus(status)) return yield* expireAnd(root, buildFault(target, status))
  const directories = yield* resultDirectories("results", ["build/RPMS", "build/SRPMS"])
  return { directories }
})

/**
 * The rounds of building, until one needs nothing more: the image it ran in, and how it ended. Like mock, it installs
 * what is missing until that adds nothing, or has been done often enough, and then leaves the word to rpmbuild; first
 * for what the spec file says, then for what it generates.
 */
export const buildRounds = Effect.fnUntraced(function* (root: BuildsIn, source: Source, target: string) {
  const door = yield* Door
  const phase = `build phase for ${source.file}`
  yield* door.here({ path: "build/prepare", rule: "repeat" }, Schema.Null, announce(source, phase))
  let image: ImageRecord = root.image
  let dynamic = false
  let settled = false
  let installs = 0
  for (let round = 1; ; round++) {
    const ended: RoundStatus = yield* buildRound(root, source, image, { target, round, dynamic, settled })
    const generated = ended.status === Scripts.exits.dynamicRequiresMissing
    const missing = generated || ended.status === Scripts.exits.requiresMissing
    if (!missing || round > roundsMax) return { image, status: judged(ended) }
    if (generated && !dynamic) installs = 0
    dynamic = generated
    const installed = yield* installRound(root, image, round, generated)
    if (installed.failed !== null) return { image, status: installed.failed }
    installs++
    settled = installs >= installsMax || samePackages(installed.image.packages, image.packages)
    image = installed.image
  }
})

const announce = (source: Source, phase: string) =>
  Effect.gen(function* () {
    const logs = yield* KojiLogs
    yield* logs.state(`Start: ${phase}`)
    yield* logs.state(`Start: build setup for ${source.file}`)
    return null
  })

/** `/builddir` as a build finds it at its start, whatever one before has left there. */
const readyBuilddir = (root: BuildsIn, source: Source) =>
  Effect.gen(function* () {
    const settings = yield* BuilderSettings
    const workspace = yield* Workspace
    yield* Effect.promise(async () => {
      for (const name of await readdir(workspace.builddir)) {
        await rm(join(workspace.builddir, name), { recursive: true, force: true })
      }
      const build = join(workspace.builddir, "build")
      for (const name of ["RPMS", "SPECS", "SRPMS", "SOURCES", "BUILD", "BUILDROOT", "originals"]) {
        await mkdir(join(build, name), { recursive: true })
        await giveToBuildUser(join(build, name))
      }
      await giveToBuildUser(build)
      await copyFile(join(workspace.input, source.file), join(build, "originals", source.file))
      await chmod(join(build, "originals", source.file), 0o644)
      await writeFile(
        join(workspace.builddir, ".rpmmacros"),
        renderRpmMacros(root.macros, root.buildHost ?? settings.hostName, root.forcearch)
      )
      await giveToBuildUser(join(workspace.builddir, ".rpmmacros"))
    })
  })

interface Round {
  readonly target: string
  readonly round: number
  readonly dynamic: boolean
  readonly settled: boolean
}

const buildRound = (root: BuildsIn, source: Source, image: ImageRecord, how: Round) =>
  Effect.flatMap(Door, (door) =>
    door.here(
      { path: `build/${how.round}`, rule: "ask", input: [image.image, how.target, how.dynamic, how.settled] },
      RoundStatus,
      Effect.gen(function* () {
        const settings = yield* BuilderSettings
        const workspace = yield* Workspace
        const logs = yield* KojiLogs
        const [spec, ...more] = source.specs
        if (spec === undefined || more.length > 0) {
          const detail =
            spec === undefined ? "no spec file in the source package" : `several spec files: ${source.specs.join(", ")}`
          yield* logs.root(detail)
          return { status: 40, signal: null, detail, stage: "unpack" }
        }
        if (how.round === 1) {
          yield* logs.state(`Finish: build setup for ${source.file}`)
          yield* logs.state(`Start: rpmbuild ${source.file}`)
          yield* logs.state("Start: Outputting list of installed packages")
          yield* logs.state("Finish: Outputting list of installed packages")
        }
        const command = (round: number, dynamic: boolean) =>
          personality(root.targetArch, [
            ...["/bin/bash", "--login", "-c", Scripts.build, "build", source.file, spec, how.target],
            ...[String(round), dynamic ? "dynamic" : "static", how.settled ? "settled" : ""]
          ])
        const build: ContainerRequest = {
          step: `build/${how.round}`,
          part: null,
          image: image.image,
          command: command(how.round, how.dynamic),
          environment: buildEnvironment(root.environment),
          user: "build",
          capabilities: "build",
          network: "none",
          mounts: [
            own(workspace.builddir, "/builddir", settings.relabel),
            own(workspace.chrootTmpdir, settings.chrootTmpdir, settings.relabel),
            own(workspace.status, Scripts.inside.status, settings.relabel)
          ],
          workingDirectory: "/builddir",
          logs: ["build.log", "mock_output.log"],
          wallSeconds: settings.rpmbuildTimeoutSeconds,
          commit: null,
          keepFailed: { unless: [Scripts.exits.requiresMissing, Scripts.exits.dynamicRequiresMissing] }
        }
        // A round that is run again begins from the source package: nobody knows what the one before did to /builddir.
        const exit = yield* runContainer(build, {
          prepare: (again) => (again || how.round === 1 ? readyBuilddir(root, source) : Effect.void),
          commandAgain: command(1, false)
        })
        const status = mockStatus(exit.reason)
        const stage = (yield* readSmall(join(workspace.status, "stage"), stageBytesMax)).trim()
        yield* tellRoot(status, stage, exit.capture)
        const finished =
          status._tag === "Signal" ||
          status.status < Scripts.exits.requiresMissing ||
          status.status > Scripts.exits.dynamicRequiresMissing
        if (finished && status._tag === "Status" && status.status === 0) {
          yield* logs.state(`Finish: rpmbuild ${source.file}`)
          yield* logs.state(`Finish: build phase for ${source.file}`)
          yield* logs.state("Finish: run")
        }
        return {
          status: status._tag === "Status" ? status.status : null,
          signal: status._tag === "Signal" ? status.signal : null,
          detail: status.detail,
          stage
        }
      })
    )
  )

/**
 * A source package that does not unpack and a command that was killed are told with "see root.log": mock ran those
 * commands from there (tasks.md 2.7). Here they wrote to build.log, so root.log is told as well.
 */
const tellRoot = Effect.fnUntraced(function* (status: MockStatus, stage: string, capture: string) {
  const logs = yield* KojiLogs
  if (status.detail !== "") yield* logs.root(`${status.detail}; what it wrote until then is in build.log`)
  else if (status._tag === "Signal")
    yield* logs.root(`killed by signal ${status.signal}; what it wrote is in build.log`)
  else if (stage === "unpack" && status.status !== 0) {
    yield* logs.append(["root.log"], yield* readSmall(capture, unpackBytesMax))
  } else if (status.status === statusUnmet) {
    yield* logs.root("rpmbuild misses requirements, or has something in its way: build.log says which")
  }
})

/** rpmbuild's own status for requirements that are not met, which is also mock's for a time-out (tasks.md 14.1). */
const statusUnmet = 11

/** rpm says little when it unpacks. */
const unpackBytesMax = 64 * 1024

/** What a stage file holds is one word of ours; a build may write what it likes there. */
const stageBytesMax = 64

const Installed = Schema.Struct({
  image: ImageRecord,
  failed: Schema.NullOr(Schema.Struct({ status: Schema.Int, detail: Schema.String }))
})

const installRound = (root: BuildsIn, image: ImageRecord, round: number, generated: boolean) =>
  Effect.flatMap(Door, (door) =>
    door
      .here(
        { path: `install/${round}`, rule: "ask", input: [image.image, generated] },
        Installed,
        Effect.gen(function* () {
          const workspace = yield* Workspace
          const { files } = yield* readResults(workspace.builddir, join(workspace.builddir, "build", "SRPMS")).pipe(
            Effect.mapError(({ message: detail }) =>
              buildFault(root.targetArch, { _tag: "Status", status: 40, detail })
            )
          )
          const suffix = generated ? ".buildreqs.nosrc.rpm" : ".src.rpm"
          const made = files.find((file) => file.name.endsWith(suffix))
          if (made === undefined) return yield* buildError(`no ${suffix} was left by rpmbuild`)
          const requirements = requirementTexts(made.header)
          return yield* installedImage(`install/${round}`, image, root.inputs, requirements).pipe(
            Effect.map((installed) => ({ image: installed, failed: null })),
            Effect.catchTag("NotInstalled", (error) =>
              Effect.succeed({ image, failed: { status: error.status, detail: error.detail } })
            )
          )
        })
      )
      .pipe(
        Effect.map(({ image: installed, failed }) => ({
          image: installed,
          failed: failed === null ? null : ({ _tag: "Status", ...failed } satisfies MockStatus)
        }))
      )
  )

/** `installed_pkgs.log`, of the image that the last round ran in; once, since logs only grow: `‹nevra› ‹buildtime› ‹size› installed`. */
const writeInstalled = Effect.fnUntraced(function* (image: ImageRecord) {
  const logs = yield* KojiLogs
  const lines = image.packages.map(({ name, epoch, version, release, arch, buildtime, size }) => {
    const evr = `${epoch === null ? "" : `${epoch}:`}${version}-${release}`
    return `${name}-${evr}.${arch} ${buildtime} ${size} installed\n`
  })
  yield* logs.append(["installed_pkgs.log"], lines.sort().join(""))
})

/** The host directories, below `/builddir`, in which results lie. */
const resultDirectories = (path: string, names: ReadonlyArray<string>) =>
  Effect.flatMap(Door, (door) =>
    door.here(
      { path, rule: "repeat" },
      Schema.Array(Schema.String),
      Effect.map(Workspace, (workspace) => names.map((name) => join(workspace.builddir, name)))
    )
  )
