/**
 * The installed image: a base, and what some requirements add to it (or take from it).
 *
 * `resolve` asks dnf in a tools image, with the network, on a copy of the image's rpm database, and downloads;
 * `install` runs rpm inside the image itself, with no network, and the engine commits. The same requirements on the
 * same image are the same image again, so neither runs twice.
 */

import { cp, mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { Engine } from "../engine/Engine.ts"
import { imageLabels } from "../engine/Labels.ts"
import { digestOf } from "../journal/Canonical.ts"
import { buildEnvironment } from "../koji/Macros.ts"
import { packageQueryFormat } from "../koji/PackageList.ts"
import type { BaseInputs } from "./BaseImage.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import {
  captureName,
  engineFailure,
  failedStatus,
  type MockStatus,
  mockStatus,
  own,
  reads,
  runContainer
} from "./ContainerSteps.ts"
import { keepFiles, readPackages, tellTranscript } from "./ImageFiles.ts"
import { type ImageRecord, ImageStore, type MadeImage } from "./ImageStore.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { personality, toolsEnvironment } from "./RootEnvironment.ts"
import * as Scripts from "./Scripts.ts"
import { Workspace } from "./Workspace.ts"

const Transaction = Schema.Struct({
  install: Schema.Array(Schema.String),
  files: Schema.Array(Schema.String),
  remove: Schema.Array(Schema.String)
})

/** The requirements could not be met; how mock would have put it. */
export class NotInstalled extends Schema.TaggedError<NotInstalled>()("NotInstalled", {
  status: Schema.Int,
  detail: Schema.String
}) {}

/** The image that has what these requirements ask for. Fails with `NotInstalled` when they cannot be met. */
export const installedImage = Effect.fn("installedImage")(function* (
  step: string,
  base: ImageRecord,
  inputs: BaseInputs,
  requirements: ReadonlyArray<string>
) {
  const store = yield* ImageStore
  const workspace = yield* Workspace
  const sorted = [...new Set(requirements)].sort()
  const key = digestOf({ base: base.key, requirements: sorted, recipe: digestOf([Scripts.resolve, Scripts.install]) })
  const { record, made } = yield* store
    .getOrMake(workspace.attempt, key, make(step, key, base, inputs, sorted))
    .pipe(Effect.catchTag("EngineError", (error) => Effect.fail(engineFailure(error))))
  if (!made) yield* tellTranscript(record)
  return record
})

const make = Effect.fnUntraced(function* (
  step: string,
  key: string,
  base: ImageRecord,
  inputs: BaseInputs,
  requirements: ReadonlyArray<string>
) {
  const settings = yield* BuilderSettings
  const store = yield* ImageStore
  const logs = yield* KojiLogs
  const workspace = yield* Workspace

  yield* logs.root(`installing requirements: ${requirements.join(", ")}`)
  const packages = yield* workspace.fresh(`${step}-packages`)
  const database = yield* workspace.fresh(`${step}-rpmdb`)
  const script = join(packages, "resolve.py")
  yield* Effect.promise(async () => {
    await mkdir(join(database, "var/lib"), { recursive: true })
    await cp(join(store.files(base.key), "rpmdb"), join(database, "var/lib/rpm"), { recursive: true })
    await writeFile(join(packages, "yum.conf"), inputs.yumConf)
    await writeFile(script, Scripts.resolve)
  })
  const resolved = yield* runContainer({
    step,
    part: "resolve",
    image: inputs.toolsImage,
    command: personality(inputs.targetArch, [
      "/usr/bin/python3",
      `${Scripts.inside.out}/resolve.py`,
      Scripts.inside.repository,
      `${Scripts.inside.out}/yum.conf`,
      Scripts.inside.out,
      `${Scripts.inside.out}/transaction.json`,
      ...requirements
    ]),
    environment: { ...toolsEnvironment, ADJUTANT_RELEASEVER: inputs.releasever ?? "" },
    user: "root",
    capabilities: "install",
    network: settings.installNetwork,
    mounts: [
      own(packages, Scripts.inside.out, settings.relabel),
      own(database, Scripts.inside.repository, settings.relabel)
    ],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: null
  })
  const status = mockStatus(resolved.reason)
  if (failedStatus(status)) return yield* notInstalled(status)
  const transaction = yield* Effect.promise(() => readFile(join(packages, "transaction.json"), "utf8")).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Schema.fromJsonString(Transaction))),
    Effect.mapError((error) => new NotInstalled({ status: 30, detail: `dnf left no transaction: ${error.message}` }))
  )

  const out = yield* workspace.fresh(`${step}-out`)
  const exit = yield* runContainer({
    step,
    part: "install",
    image: base.image,
    command: personality(inputs.targetArch, [
      "/bin/sh",
      "-c",
      Scripts.install,
      "install",
      packageQueryFormat,
      ...transaction.remove
    ]),
    environment: buildEnvironment({}),
    user: "root",
    capabilities: "install",
    network: "none",
    mounts: [
      reads(packages, Scripts.inside.packages, settings.relabel),
      own(out, Scripts.inside.out, settings.relabel)
    ],
    workingDirectory: "/",
    logs: ["root.log", "mock_output.log"],
    wallSeconds: settings.limits.wallSeconds,
    commit: { reference: `adjutant/${settings.instance}/installed:${key}`, labels: imageLabels(settings.instance, key) }
  })
  const installed = mockStatus(exit.reason)
  if (installed._tag === "Signal" || installed.status !== 0 || exit.committed === null) {
    return yield* notInstalled(
      installed._tag === "Status" && installed.status === 0 ? { ...installed, status: 30 } : installed
    )
  }
  const engine = yield* Engine
  const size = yield* engine.inspectImage(exit.committed).pipe(
    Effect.map((image) => image?.sizeBytes ?? 0),
    Effect.mapError(engineFailure)
  )
  return {
    kind: "installed",
    image: exit.committed,
    inputs: {
      base: base.key,
      requirements: [...requirements],
      install: transaction.install,
      remove: transaction.remove
    },
    packages: yield* readPackages(join(out, "packages.tsv")),
    bytes: size,
    kernel: base.kernel,
    files: yield* keepFiles(out, join(workspace.captures, captureName(step, "install")))
  } satisfies MadeImage
})

const notInstalled = (status: MockStatus) =>
  new NotInstalled({ status: status._tag === "Status" ? status.status : 30, detail: status.detail })
