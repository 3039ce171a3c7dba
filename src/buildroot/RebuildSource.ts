/** A source package made again inside the root, as `mock --chroot rpmbuild -bs` does for `rebuildSRPM` (tasks.md 3.7). */
import { chmod, copyFile, mkdir, readdir, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { setBuildRootState } from "../hub/calls/buildroots.ts"
import { buildError, type TaskFailure } from "../koji/Fault.ts"
import { buildEnvironment, renderRpmMacros } from "../koji/Macros.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { type Buildroot, expireAnd } from "./Buildroot.ts"
import { type ContainerRequest, own, runContainer } from "./ContainerSteps.ts"
import { sourceFault } from "./Failures.ts"
import { hubStep } from "./HubSteps.ts"
import { KojiLogs } from "./KojiLogs.ts"
import { failedStatus, mockStatus } from "./MockStatus.ts"
import type { Source } from "./Rebuild.ts"
import { personality } from "./RootEnvironment.ts"
import { judged, RoundStatus } from "./RoundStatus.ts"
import * as Scripts from "./Scripts.ts"
import { ifThere } from "./SourceFile.ts"
import { Workspace } from "./Workspace.ts"
import { Door } from "./World.ts"

/** Makes a source package again inside the root (`mock --chroot rpmbuild -bs`); the directory of the result. */
export const rebuildSource = Effect.fn("rebuildSource")(function* (root: Buildroot, source: Source) {
  const door = yield* Door
  yield* hubStep("building", Schema.Null, setBuildRootState(root.id, "BUILDING").pipe(Effect.as(null)))
  const ended = yield* door.here(
    { path: "build/source", rule: "ask", input: [root.image.image, source.file] },
    Schema.Struct({ ...RoundStatus.fields, specs: Schema.Array(Schema.String), directory: Schema.String }),
    Effect.gen(function* () {
      const settings = yield* BuilderSettings
      const workspace = yield* Workspace
      const logs = yield* KojiLogs
      yield* logs.state(`Start: rpmbuild ${source.file}`)
      const unpacked = join(workspace.chrootTmpdir, "srpm_unpacked")
      const prepare = Effect.promise(async () => {
        await rm(unpacked, { recursive: true, force: true })
        await mkdir(join(workspace.chrootTmpdir, "srpm"), { recursive: true })
        await copyFile(join(workspace.input, source.file), join(workspace.chrootTmpdir, "srpm", source.file))
        await writeFile(
          join(workspace.builddir, ".rpmmacros"),
          renderRpmMacros(root.macros, root.buildHost ?? settings.hostName, root.forcearch)
        )
        await chmod(workspace.status, 0o777)
      })
      const rebuild: ContainerRequest = {
        step: "build/source",
        part: null,
        image: root.image.image,
        command: personality(root.targetArch, ["/bin/sh", "-c", Scripts.rebuildSource, "rebuild", source.file]),
        environment: buildEnvironment(root.environment),
        user: "root",
        capabilities: "build",
        network: "none",
        mounts: [
          own(workspace.builddir, "/builddir", settings.relabel),
          own(workspace.chrootTmpdir, settings.chrootTmpdir, settings.relabel),
          own(workspace.status, Scripts.inside.status, settings.relabel)
        ],
        workingDirectory: "/",
        logs: ["root.log", "mock_output.log"],
        wallSeconds: settings.rpmbuildTimeoutSeconds,
        commit: null,
        keepFailed: { unless: [] }
      }
      const exit = yield* runContainer(rebuild, { prepare: () => prepare })
      yield* logs.state(`Finish: rpmbuild ${source.file}`)
      const status = mockStatus(exit.reason)
      const specs = (yield* Effect.promise(() => ifThere(readdir(join(unpacked, "SPECS"))))) ?? []
      return {
        status: status._tag === "Status" ? status.status : null,
        signal: status._tag === "Signal" ? status.signal : null,
        detail: status.detail,
        stage: "source",
        specs: specs.filter((name) => name.endsWith(".spec")),
        directory: join(unpacked, "SRPMS")
      }
    })
  )
  if (ended.status === Scripts.exits.noSpec) {
    const failure: TaskFailure =
      ended.specs.length === 0
        ? buildError("No spec file found")
        : buildError(`Multiple spec files found: ${pythonRepr(ended.specs.map((name) => `${unpackedSpecs}/${name}`))}`)
    return yield* failure
  }
  const status = judged(ended)
  if (failedStatus(status)) return yield* expireAnd(root, sourceFault(status))
  return ended.directory
})

const unpackedSpecs = "/chroot_tmpdir/srpm_unpacked/SPECS"
