/**
 * The base image: what `mock --init` would have made, as a value of the tools image, the repository's contents, the
 * group, the architecture, and every option that steers dnf.
 *
 * A tools image populates an install root from the tag's one repository and from nothing else; the tree becomes an
 * image; and the image's own rpm must then list what the tools' rpm installed, or the database is handed over in the
 * form that every rpm reads, or the buildroot is refused with the setting to change.
 */
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, type Schema } from "effect"
import { Engine } from "../engine/Engine.ts"
import { imageLabels } from "../engine/Labels.ts"
import { digestOf } from "../journal/Canonical.ts"
import { buildrootError, GiveBack } from "../koji/Fault.ts"
import { buildEnvironment } from "../koji/Macros.ts"
import { type PackageEntry, packageQueryFormat } from "../koji/PackageList.ts"
import { managerCommands } from "../koji/TagExtras.ts"
import { withPasswords } from "../koji/YumConf.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { type ContainerRequest, dropContainers, engineFailure, own, reads, runContainer } from "./ContainerSteps.ts"
import { initFault } from "./Failures.ts"
import { copyPackageManagerLogs, keepFiles, readPackages, samePackages, tellTranscript } from "./ImageFiles.ts"
import { ImageStore, type MadeImage } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { failedStatus, mockStatus } from "./MockStatus.ts"
import { installEnvironment, personality } from "./RootEnvironment.ts"
import * as RootScripts from "./RootScripts.ts"
import { inside } from "./Scripts.ts"
import { readPlain, streamPlain } from "./SourceFile.ts"
import { readyBaseFor } from "./ToolsImage.ts"
import { exists, removeWorkspace, Workspace } from "./Workspace.ts"

/** Everything a base image is made of. Equal values, equal image. */
export interface BaseInputs {
  readonly tag: string
  readonly repo: number
  /** The digest of the repository's repomd.xml: its contents, whatever its number. */
  readonly repoDigest: string
  readonly group: string
  readonly arch: string
  readonly targetArch: string
  readonly toolsImage: string
  readonly yumConf: string
  /** By mock's name of it. */
  readonly packageManager: string
  readonly releasever: string | null
  /** Before the group: `dnf module ‹action› ‹modules›`. */
  readonly moduleSetup: ReadonlyArray<readonly [action: string, modules: ReadonlyArray<string>]>
  readonly forcearch: boolean
  /** The tag's variables: scriptlets see them. */
  readonly environment: Readonly<Record<string, string>>
}

const keyOf = (inputs: BaseInputs, ready: string | undefined): string => {
  // The repository's URL has its number in it; its contents are what counts.
  const { repo, yumConf, ...rest } = inputs
  const settings = yumConf.split("\n").filter((line) => !line.startsWith("baseurl=") && !line.startsWith(" "))
  return digestOf({
    ...rest,
    settings,
    ready: ready ?? null,
    recipe: digestOf([RootScripts.base, RootScripts.check, RootScripts.checkReady])
  } as Schema.Json)
}

/** The step that all of this is the work of. */
const step = "init"

/** The image for these inputs, made if need be. Its transcript and dnf's logs are in this attempt's logs afterwards. */
export const baseImage = Effect.fn("baseImage")(function* (inputs: BaseInputs) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const workspace = yield* Workspace
  yield* logs.state("Start: chroot init")
  const ready = yield* readyBaseFor(inputs.tag, inputs.arch)
  const key = keyOf(inputs, ready)
  const making = ready === undefined ? make(key, inputs) : takeReady(ready, inputs)
  const { record, made } = yield* store
    .getOrMake(workspace.attempt, key, making)
    .pipe(Effect.catchTag("EngineError", (error) => Effect.fail(engineFailure(error))))
  if (!made) {
    yield* dropContainers(step)
    yield* tellTranscript(record)
  }
  yield* copyPackageManagerLogs(join(store.files(record.key), "log"))
  yield* logs.state("Finish: chroot init")
  return record
})

const make = (key: string, inputs: BaseInputs) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const settings = yield* BuilderSettings
    const logs = yield* KojiLogs
    const workspace = yield* Workspace
    const out = workspace.place("init-out")
    const config = workspace.place("init-config")
    const prepare = Effect.fnUntraced(function* () {
      yield* workspace.fresh("init-out")
      yield* workspace.fresh("init-config")
      yield* Effect.promise(async () => {
        await writeFile(join(config, "yum.conf"), withPasswords(inputs.yumConf, settings))
        const modules = inputs.moduleSetup.map(([action, names]) => `${action} ${names.join(" ")}\n`)
        await writeFile(join(config, "modules"), modules.join(""))
      })
    })

    const name = `installing minimal buildroot with ${inputs.packageManager}`
    const managers = yield* Effect.fromResult(managerCommands(inputs.packageManager))
    yield* logs.state(`Start: ${name}`)
    const populate: ContainerRequest = {
      step,
      part: "populate",
      image: inputs.toolsImage,
      command: personality(inputs.targetArch, [
        ...["/bin/sh", "-c", RootScripts.base, "base", managers.join(" "), inputs.group],
        ...[packageQueryFormat, ...managerArguments(inputs)]
      ]),
      environment: installEnvironment(inputs.environment),
      user: "root",
      capabilities: "install",
      network: settings.installNetwork,
      mounts: [own(out, inside.out, settings.relabel), reads(config, inside.packages, settings.relabel)],
      workingDirectory: "/",
      logs: ["root.log", "mock_output.log"],
      wallSeconds: settings.limits.wallSeconds,
      commit: null
    }
    const exit = yield* runContainer(populate, { prepare })
    const status = mockStatus(exit.reason)
    if (failedStatus(status)) {
      yield* copyPackageManagerLogs(join(out, "log"))
      return yield* initFault(status)
    }
    yield* logs.state(`Finish: ${name}`)

    const tools = yield* readPackages(out)
    const tree = join(out, "root.tar")
    const reference = `adjutant/${settings.instance}/base:${key}`
    // A process that went away after all this had removed the tree; and what nobody claims meanwhile is swept away.
    const isThere = yield* Effect.promise(() => exists(tree))
    const before = isThere ? undefined : yield* engine.inspectImage(reference).pipe(Effect.mapError(engineFailure))
    if (!isThere && before === undefined) {
      return yield* new GiveBack({ message: `the image ${reference} is gone, and what it was made of as well` })
    }
    const importing = streamPlain(tree).pipe(
      Effect.flatMap((tar) => engine.importImage(tar, reference, imageLabels(settings.instance, key))),
      Effect.scoped,
      Effect.mapError((error) =>
        error._tag === "EngineError"
          ? engineFailure(error)
          : buildrootError(`reading the buildroot's tree: ${error.message}`)
      )
    )
    // Removing ten thousand files takes as long as a good part of the import.
    const [imported] = yield* Effect.all(
      [before ? Effect.succeed(before) : importing, removeWorkspace(join(out, "root"))],
      {
        concurrency: 2
      }
    )
    const checked = yield* agree(key, imported.id, tools, out, inputs)
    yield* Effect.promise(() => rm(tree, { force: true }))
    return {
      kind: "base",
      image: checked.image,
      inputs: { tag: inputs.tag, repo: inputs.repo, group: inputs.group, arch: inputs.arch },
      packages: tools,
      bytes: imported.sizeBytes,
      kernel: checked.kernel,
      files: yield* keepFiles({ step, captures: [exit.capture], state: out, logs: [out] })
    } satisfies MadeImage
  })

/** An image that the operator has named: its packages are what its own rpm lists. */
const takeReady = (image: string, inputs: BaseInputs) =>
  Effect.gen(function* () {
    const asked = yield* askImage("check", image, inputs, RootScripts.checkReady)
    if (asked.packages.length === 0) {
      return yield* initFault({ _tag: "Status", status: 20, detail: `the rpm of ${image} lists no packages` })
    }
    return {
      kind: "base",
      image,
      inputs: { tag: inputs.tag, ready: image },
      packages: asked.packages,
      bytes: 0,
      kernel: asked.kernel,
      files: yield* keepFiles({ step, captures: [asked.capture], state: asked.out, logs: [] })
    } satisfies MadeImage
  })

/** The image's own rpm must list what the tools' rpm installed; if it does not, the database is handed over. */
const agree = Effect.fnUntraced(function* (
  key: string,
  image: string,
  tools: ReadonlyArray<PackageEntry>,
  out: string,
  inputs: BaseInputs
) {
  const first = yield* askImage("check", image, inputs)
  if (samePackages(first.packages, tools)) return { image, kernel: first.kernel }
  const settings = yield* BuilderSettings
  const logs = yield* KojiLogs
  yield* logs.root(
    `the image's rpm lists ${first.packages.length} of ${tools.length} packages: converting its database`
  )
  const converted = yield* runContainer({
    step,
    part: "import",
    image,
    command: personality(inputs.targetArch, ["/bin/sh", "-c", RootScripts.importDatabase]),
    environment: installEnvironment(inputs.environment),
    user: "root",
    capabilities: "install",
    network: "none",
    mounts: [reads(out, inside.packages, settings.relabel)],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: {
      reference: `adjutant/${settings.instance}/base:${key}-converted`,
      labels: imageLabels(settings.instance, key)
    }
  })
  if (converted.committed !== null) {
    const second = yield* askImage("check-again", converted.committed, inputs)
    if (samePackages(second.packages, tools)) return { image: converted.committed, kernel: second.kernel }
  }
  const detail = `the rpm of ${inputs.tag}'s packages cannot read the tools image's database: set tools_images in [adjutant]`
  yield* logs.root(`${detail} to an image of the same distribution for this tag`)
  return yield* initFault({ _tag: "Status", status: 20, detail })
})

/** What the image's own rpm lists, the kernel it runs on, and where it left its state. */
const askImage = Effect.fnUntraced(function* (
  part: string,
  image: string,
  inputs: BaseInputs,
  script: string = RootScripts.check
) {
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace
  const out = workspace.place(`init-${part}`)
  const request: ContainerRequest = {
    step,
    part,
    image,
    command: personality(inputs.targetArch, ["/bin/sh", "-c", script, "check", packageQueryFormat]),
    environment: buildEnvironment({}),
    user: "root",
    capabilities: "build",
    network: "none",
    mounts: [own(out, inside.out, settings.relabel)],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: null
  }
  const { reason, capture } = yield* runContainer(request, { prepare: () => workspace.fresh(`init-${part}`) })
  if (failedStatus(mockStatus(reason))) return { packages: [], kernel: "", out, capture }
  const kernel = yield* readPlain(join(out, "kernel"), kernelBytesMax).pipe(Effect.orElseSucceed(() => ""))
  return { packages: yield* readPackages(out), kernel: kernel.trim(), out, capture }
})

/** `uname -r`. */
const kernelBytesMax = 1024

const managerArguments = (inputs: BaseInputs): ReadonlyArray<string> => [
  ...(inputs.releasever === null ? [] : [`--releasever=${inputs.releasever}`]),
  ...(inputs.forcearch ? [`--forcearch=${inputs.targetArch}`] : [])
]
