/**
 * The installed image: a base, and what some requirements add to it (or take from it).
 *
 * `resolve` asks dnf in a tools image, with the network, on a copy of the image's rpm database, and downloads;
 * `install` runs rpm inside the image itself, with no network, and the engine commits. The same requirements on the
 * same image are the same image again, so neither runs twice.
 */

import { copyFile, mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { Engine } from "../engine/Engine.ts"
import { imageLabels } from "../engine/Labels.ts"
import { digestOf } from "../journal/Canonical.ts"
import { packageQueryFormat } from "../koji/PackageList.ts"
import { withPasswords } from "../koji/YumConf.ts"
import type { BaseInputs } from "./BaseImage.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { type ContainerRequest, dropContainers, engineFailure, own, reads, runContainer } from "./ContainerSteps.ts"
import { copyPackageManagerLogs, keepFiles, readPackages, tellTranscript } from "./ImageFiles.ts"
import { type ImageRecord, ImageStore, type MadeImage } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { failedStatus, type MockStatus, mockStatus } from "./MockStatus.ts"
import { resolve, resolvePython } from "./ResolveScripts.ts"
import { installEnvironment, personality } from "./RootEnvironment.ts"
import { install } from "./RootScripts.ts"
import { inside } from "./Scripts.ts"
import { readPlain } from "./SourceFile.ts"
import { Workspace } from "./Workspace.ts"

const Transaction = Schema.Struct({
  install: Schema.Array(Schema.String),
  remove: Schema.Array(Schema.String),
  /** Whether something that is installed gives way to another version of itself, or to what obsoletes it. */
  replacing: Schema.Boolean
})
type Transaction = typeof Transaction.Type

const transactionBytesMax = 16 * 1024 * 1024

/** The requirements could not be met; how mock would have put it. */
export class NotInstalled extends Schema.TaggedError<NotInstalled>()("NotInstalled", {
  status: Schema.Int,
  detail: Schema.String
}) {}

/** The image has everything already: there is nothing to make. */
class NothingNew extends Schema.TaggedError<NothingNew>()("NothingNew", {}) {}

/**
 * The image that has what these requirements ask for: `base` itself when nothing has to be added to it. Fails with
 * `NotInstalled` when they cannot be met.
 */
export const installedImage = Effect.fn("installedImage")(function* (
  step: string,
  base: ImageRecord,
  inputs: BaseInputs,
  requirements: ReadonlyArray<string>
) {
  const store = yield* ImageStore
  const workspace = yield* Workspace
  const sorted = [...new Set(requirements)].sort()
  const recipe = digestOf([resolve, resolvePython, install])
  const key = digestOf({ base: base.key, requirements: sorted, recipe })
  return yield* store.getOrMake(workspace.attempt, key, make(step, key, base, inputs, sorted)).pipe(
    Effect.tap(({ record, made }) =>
      made ? Effect.void : Effect.andThen(dropContainers(step), tellTranscript(record))
    ),
    Effect.tap(({ record }) => copyPackageManagerLogs(join(store.files(record.key), "log"))),
    Effect.map(({ record }) => record),
    Effect.catchTag("NothingNew", () => Effect.succeed(base)),
    Effect.catchTag("EngineError", (error) => Effect.fail(engineFailure(error)))
  )
})

const make = Effect.fnUntraced(function* (
  step: string,
  key: string,
  base: ImageRecord,
  inputs: BaseInputs,
  requirements: ReadonlyArray<string>
) {
  const settings = yield* BuilderSettings
  const logs = yield* KojiLogs
  const workspace = yield* Workspace

  yield* logs.root(`installing requirements: ${requirements.join(", ")}`)
  const packages = workspace.place(`${step}-packages`)
  const { transaction, capture } = yield* resolved(step, packages, base, inputs, requirements)
  if (transaction.install.length === 0 && transaction.remove.length === 0) return yield* new NothingNew()

  const out = workspace.place(`${step}-out`)
  const request: ContainerRequest = {
    step,
    part: "install",
    image: base.image,
    command: personality(inputs.targetArch, [
      ...["/bin/sh", "-c", install, "install", packageQueryFormat],
      rpmOptions(transaction, inputs.forcearch),
      ...transaction.remove
    ]),
    environment: installEnvironment(inputs.environment),
    user: "root",
    capabilities: "install",
    network: "none",
    mounts: [reads(packages, inside.packages, settings.relabel), own(out, inside.out, settings.relabel)],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: { reference: `adjutant/${settings.instance}/installed:${key}`, labels: imageLabels(settings.instance, key) }
  }
  const exit = yield* runContainer(request, { prepare: () => workspace.fresh(`${step}-out`) })
  const status = mockStatus(exit.reason)
  if (failedStatus(status) || exit.committed === null) {
    return yield* notInstalled(failedStatus(status) ? status : { _tag: "Status", status: 30, detail: "" })
  }
  return {
    kind: "installed",
    image: exit.committed,
    inputs: { base: base.key, requirements: [...requirements], ...transaction },
    packages: yield* readPackages(out),
    bytes: yield* addedBytes(base.image, exit.committed),
    kernel: base.kernel,
    files: yield* keepFiles({ step, captures: [capture, exit.capture], state: out, logs: [packages] })
  } satisfies MadeImage
})

/** As dnf has rpm do it: what it wants beside an older version stays beside it, and a signature is not asked for. */
const rpmOptions = ({ replacing }: Transaction, forcearch: boolean): string =>
  [
    replacing ? "-Uv" : "-iv",
    ...["--oldpackage", "--replacepkgs", "--nosignature"],
    ...(forcearch ? ["--ignorearch"] : [])
  ].join(" ")

/** What dnf would do. The packages lie in `packages` afterwards. */
const resolved = Effect.fnUntraced(function* (
  step: string,
  packages: string,
  base: ImageRecord,
  inputs: BaseInputs,
  requirements: ReadonlyArray<string>
) {
  const settings = yield* BuilderSettings
  const store = yield* ImageStore
  const workspace = yield* Workspace
  const prepare = Effect.fnUntraced(function* () {
    yield* workspace.fresh(`${step}-packages`)
    yield* Effect.promise(async () => {
      await mkdir(join(packages, "log"))
      await copyFile(join(store.files(base.key), "state.tar"), join(packages, "state.tar"))
      await writeFile(join(packages, "yum.conf"), withPasswords(inputs.yumConf, settings))
      await writeFile(join(packages, "resolve.py"), resolvePython)
    })
  })
  const request: ContainerRequest = {
    step,
    part: "resolve",
    image: inputs.toolsImage,
    command: personality(inputs.targetArch, ["/bin/sh", "-c", resolve, "resolve", ...requirements]),
    environment: {
      ...installEnvironment(inputs.environment),
      ADJUTANT_RELEASEVER: inputs.releasever ?? "",
      ADJUTANT_FORCEARCH: inputs.forcearch ? inputs.targetArch : ""
    },
    user: "root",
    capabilities: "install",
    network: settings.installNetwork,
    mounts: [own(packages, inside.out, settings.relabel)],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: null
  }
  const exit = yield* runContainer(request, { prepare })
  const status = mockStatus(exit.reason)
  if (failedStatus(status)) {
    yield* copyPackageManagerLogs(join(packages, "log"))
    return yield* notInstalled(status)
  }
  const transaction = yield* readPlain(join(packages, "transaction.json"), transactionBytesMax).pipe(
    Effect.flatMap(Schema.decodeEffect(Schema.fromJsonString(Transaction))),
    Effect.mapError((error) => new NotInstalled({ status: 30, detail: `dnf left no transaction: ${error.message}` }))
  )
  return { transaction, capture: exit.capture }
})

/** What an image holds beyond the one it was made from: an engine counts the layers below it too. */
const addedBytes = Effect.fnUntraced(function* (base: string, image: string) {
  const engine = yield* Engine
  const size = (id: string) => Effect.map(engine.inspectImage(id), (found) => found?.sizeBytes ?? 0)
  return Math.max(0, (yield* size(image)) - (yield* size(base)))
}, Effect.mapError(engineFailure))

const notInstalled = (status: MockStatus) =>
  new NotInstalled({ status: status._tag === "Status" ? status.status : 30, detail: status.detail })
