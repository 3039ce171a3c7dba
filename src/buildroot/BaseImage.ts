/**
 * The base image: what `mock --init` would have made, as a value of the tools image, the repository's contents, the
 * group, the architecture, and every option that steers dnf.
 *
 * A tools image populates an install root from the tag's one repository and from nothing else; the tree becomes an
 * image; and the image's own rpm must then list what the tools' rpm installed, or the database is handed over in the
 * form that every rpm reads, or the buildroot is refused with the setting to change.
 */

import { createReadStream } from "node:fs"
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { NodeStream } from "@effect/platform-node"
import { Effect, Result, type Schema } from "effect"
import { Engine } from "../engine/Engine.ts"
import { digestOf } from "../journal/Canonical.ts"
import { is32Bit } from "../koji/Arch.ts"
import { buildrootError, type TaskFailure } from "../koji/Fault.ts"
import { type PackageEntry, packageQueryFormat, parsePackageList } from "../koji/PackageList.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { engineFailure, failedStatus, mockStatus, own, reads, runContainer } from "./ContainerSteps.ts"
import { initFault } from "./Failures.ts"
import { type ImageRecord, ImageStore, type MadeImage } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import * as Scripts from "./Scripts.ts"
import { Workspace } from "./Workspace.ts"

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
  readonly packageManager: string
  readonly releasever: string | null
  /** Before the group: `dnf module ‹action› ‹modules›`. */
  readonly moduleSetup: ReadonlyArray<readonly [action: string, modules: ReadonlyArray<string>]>
  readonly forcearch: boolean
}

const keyOf = (inputs: BaseInputs): string => {
  // The repository's URL has its number in it; its contents are what counts.
  const { repo, yumConf, ...rest } = inputs
  const settings = yumConf.split("\n").filter((line) => !line.startsWith("baseurl=") && !line.startsWith(" "))
  return digestOf({ ...rest, settings, recipe: digestOf([Scripts.base, Scripts.check]) } as Schema.Json)
}

/** The image for these inputs, made if need be. Its transcript and dnf's logs are in this attempt's logs afterwards. */
export const baseImage = Effect.fn("baseImage")(function* (step: string, inputs: BaseInputs) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const workspace = yield* Workspace
  yield* logs.state("Start: chroot init")
  const key = keyOf(inputs)
  const { record, made } = yield* store
    .getOrMake(workspace.attempt, key, make(step, key, inputs))
    .pipe(Effect.catchTag("EngineError", (error) => Effect.fail(engineFailure(error))))
  if (!made) yield* tellTranscript(record)
  yield* copyPackageManagerLogs(record)
  yield* logs.state("Finish: chroot init")
  return record
})

const make = (step: string, key: string, inputs: BaseInputs) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const settings = yield* BuilderSettings
    const logs = yield* KojiLogs
    const workspace = yield* Workspace
    const out = yield* workspace.fresh(`${step}-out`)
    const config = yield* workspace.fresh(`${step}-config`)
    yield* Effect.promise(() => writeFile(join(config, "yum.conf"), inputs.yumConf))

    const name = `installing minimal buildroot with ${inputs.packageManager}`
    yield* logs.state(`Start: ${name}`)
    const exit = yield* runContainer({
      step: `${step}/populate`,
      image: inputs.toolsImage,
      command: personality(inputs.targetArch, [
        "/bin/sh",
        "-c",
        Scripts.base,
        "base",
        inputs.packageManager,
        inputs.group,
        packageQueryFormat,
        ...managerArguments(inputs)
      ]),
      environment: toolsEnvironment,
      user: "root",
      capabilities: "install",
      network: settings.installNetwork,
      mounts: [
        own(out, Scripts.inside.out, settings.relabel),
        reads(config, Scripts.inside.packages, settings.relabel)
      ],
      workingDirectory: "/",
      logs: ["root.log", "mock_output.log"],
      wallSeconds: settings.limits.wallSeconds,
      commit: null
    })
    const status = mockStatus(exit.reason)
    if (failedStatus(status)) return yield* initFault(status)
    yield* logs.state(`Finish: ${name}`)

    const tools = yield* readPackages(join(out, "packages.tsv"))
    const imported = yield* engine
      .importImage(
        NodeStream.fromReadable({ evaluate: () => createReadStream(join(out, "root.tar")), onError: importFailed }),
        `adjutant/${settings.instance}/base:${key}`,
        imageLabels(settings.instance, key)
      )
      .pipe(Effect.catchTag("EngineError", (error) => Effect.fail(engineFailure(error))))
    yield* Effect.promise(() => rm(join(out, "root.tar"), { force: true }))
    const checked = yield* agree(step, imported.id, tools, out, inputs)
    return {
      kind: "base",
      image: checked.image,
      inputs: { tag: inputs.tag, repo: inputs.repo, group: inputs.group, arch: inputs.arch },
      packages: tools,
      bytes: imported.sizeBytes,
      kernel: checked.kernel,
      files: yield* keepFiles(out, join(workspace.captures, `${step.replaceAll("/", "-")}-populate.out`))
    } satisfies MadeImage
  })

/** The image's own rpm must list what the tools' rpm installed; if it does not, the database is handed over. */
const agree = Effect.fnUntraced(function* (
  step: string,
  image: string,
  tools: ReadonlyArray<PackageEntry>,
  out: string,
  inputs: BaseInputs
) {
  const first = yield* askImage(`${step}/check`, image, inputs)
  if (same(first.packages, tools)) return { image, kernel: first.kernel }
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace
  const logs = yield* KojiLogs
  yield* logs.root(
    `the image's rpm lists ${first.packages.length} of ${tools.length} packages: converting its database`
  )
  const exported = yield* workspace.fresh(`${step}-export`)
  const query = (
    name: string,
    at: string,
    script: string,
    mounts: ReadonlyArray<ReturnType<typeof own>>,
    commit: boolean
  ) =>
    runContainer({
      step: `${step}/${name}`,
      image: at,
      command: ["/bin/sh", "-c", script],
      environment: toolsEnvironment,
      user: "root",
      capabilities: "install",
      network: "none",
      mounts,
      workingDirectory: "/",
      logs: ["root.log", "mock_output.log"],
      wallSeconds: settings.limits.wallSeconds,
      commit: commit
        ? {
            reference: `adjutant/${settings.instance}/base:${step.length}-converted`,
            labels: imageLabels(settings.instance, "")
          }
        : null
    })
  yield* query(
    "export",
    inputs.toolsImage,
    Scripts.exportDatabase,
    [reads(out, Scripts.inside.packages, settings.relabel), own(exported, Scripts.inside.out, settings.relabel)],
    false
  )
  const converted = yield* query(
    "import",
    image,
    Scripts.importDatabase,
    [reads(exported, Scripts.inside.packages, settings.relabel)],
    true
  )
  if (converted.committed !== null) {
    const second = yield* askImage(`${step}/check-again`, converted.committed, inputs)
    if (same(second.packages, tools)) return { image: converted.committed, kernel: second.kernel }
  }
  yield* logs.root(
    `the rpm of the packages in ${inputs.tag} cannot read the database that the tools image wrote: ` +
      `set tools_images for this tag in [adjutant] to an image of the same distribution`
  )
  return yield* initFault({
    _tag: "Status",
    status: 20,
    detail: "rpm database not readable; see tools_images in [adjutant]"
  })
})

const askImage = Effect.fnUntraced(function* (step: string, image: string, inputs: BaseInputs) {
  const settings = yield* BuilderSettings
  const workspace = yield* Workspace
  const out = yield* workspace.fresh(step)
  const exit = yield* runContainer({
    step,
    image,
    command: personality(inputs.targetArch, ["/bin/sh", "-c", Scripts.check, "check", packageQueryFormat]),
    environment: buildrootEnvironment,
    user: "root",
    capabilities: "build",
    network: "none",
    mounts: [own(out, Scripts.inside.out, settings.relabel)],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: null
  })
  if (exit.reason._tag !== "Exited" || exit.reason.code !== 0) return { packages: [], kernel: "" }
  const kernel = yield* Effect.promise(() =>
    readFile(join(workspace.captures, `${step.replaceAll("/", "-")}.out`), "utf8")
  )
  return { packages: yield* readPackages(join(out, "packages.tsv")), kernel: kernel.trim() }
})

const same = (a: ReadonlyArray<PackageEntry>, b: ReadonlyArray<PackageEntry>): boolean => {
  const names = (list: ReadonlyArray<PackageEntry>) =>
    list
      .map((entry) => `${entry.name}-${entry.version}-${entry.release}.${entry.arch}`)
      .sort()
      .join("\n")
  return names(a) === names(b)
}

/** Reads a package list that a container wrote. */
export const readPackages = Effect.fnUntraced(function* (path: string) {
  const text = yield* Effect.promise(() => readFile(path, "utf8").catch(() => ""))
  const parsed = parsePackageList(text)
  if (Result.isSuccess(parsed)) return parsed.success
  return yield* Effect.fail<TaskFailure>(buildrootError(`Can't get list of installed rpms: ${parsed.failure.message}`))
})

/** What the store keeps of the making: transcript, dnf's logs, rpm database. */
export const keepFiles = Effect.fnUntraced(function* (out: string, transcript: string) {
  yield* Effect.promise(async () => {
    await mkdir(join(out, "log"), { recursive: true })
    await rm(join(out, "cache"), { recursive: true, force: true })
    await cp(transcript, join(out, "transcript"))
  })
  return out
})

/** An image that was made for another task: what was said at its making belongs into this task's logs too. */
export const tellTranscript = Effect.fnUntraced(function* (record: ImageRecord) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const transcript = yield* Effect.promise(() =>
    readFile(join(store.files(record.key), "transcript")).catch(() => new Uint8Array())
  )
  yield* logs.root(`using the image ${record.image}, made before from the same packages; this was its making:`)
  yield* logs.append(["root.log", "mock_output.log"], transcript)
})

/** dnf's own logs, under the names Koji gives them. */
const copyPackageManagerLogs = Effect.fnUntraced(function* (record: ImageRecord) {
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const directory = join(store.files(record.key), "log")
  for (const name of ["dnf.log", "dnf.librepo.log", "dnf.rpm.log", "dnf5.log"]) {
    const bytes = yield* Effect.promise(() => readFile(join(directory, name)).catch(() => new Uint8Array()))
    yield* logs.append([name], bytes)
  }
})

const managerArguments = (inputs: BaseInputs): ReadonlyArray<string> => [
  ...(inputs.releasever === null ? [] : [`--releasever=${inputs.releasever}`]),
  ...(inputs.forcearch ? [`--forcearch=${inputs.targetArch}`] : [])
]

/** 32-bit targets run under the personality that makes `uname -m` say so. */
export const personality = (arch: string, command: ReadonlyArray<string>): ReadonlyArray<string> =>
  is32Bit(arch) ? ["linux32", ...command] : command

export const toolsEnvironment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8", HOME: "/root", TERM: "vt100" }

/** Exactly the variables that mock sets (tasks.md 2A). */
export const buildrootEnvironment = {
  TERM: "vt100",
  SHELL: "/bin/bash",
  HOME: "/builddir",
  HOSTNAME: "mock",
  PATH: "/usr/bin:/bin:/usr/sbin:/sbin",
  LANG: "C.UTF-8",
  PROMPT_COMMAND: 'printf "\\033]0;<mock-chroot>\\007"',
  PS1: "<mock-chroot> \\s-\\v\\$ "
}

export const imageLabels = (instance: string, key: string): Readonly<Record<string, string>> => ({
  "io.koji.adjutant.instance": instance,
  "io.koji.adjutant.image": key
})

const importFailed = (cause: unknown): TaskFailure => buildrootError(`reading the buildroot's tree: ${String(cause)}`)
