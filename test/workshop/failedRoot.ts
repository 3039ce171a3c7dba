/** The root of a step that failed, as a daemon keeps it: made by hand, on whichever engine. */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Layer } from "effect"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { failedRootImage } from "../../src/buildroot/FailedRoot.ts"
import { FailedRoots } from "../../src/buildroot/FailedRoots.ts"
import { giveToBuildUser } from "../../src/buildroot/Workspace.ts"
import { AttemptNumber, StepPath, TaskId } from "../../src/core/Ids.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { builderSettings } from "../buildroot/settings.ts"
import { collector, type Ground, stepOf } from "../contract/EngineContract.ts"

/** Runs this script, which fails, and keeps its root below the state directory `<directory>/state`. */
export const keepFailed = (directory: string, ground: Ground, script: string, attempt = 1) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const roots = yield* FailedRoots
    const of = { task: TaskId.make(7), attempt: AttemptNumber.make(attempt) }
    const root = join(directory, "state/work", `7-${attempt}`)
    for (const name of ["builddir", "captures"]) mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(directory, "state/instance"), `${ground.instance}\n`)
    writeFileSync(join(root, "builddir/note"), "of the build\n")
    for (const name of ["builddir", "builddir/note"]) yield* Effect.promise(() => giveToBuildUser(join(root, name)))
    const spec = stepOf(ground, "build/1", script, {
      user: "1000:135",
      environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/builddir", WORD: "kept" },
      mounts: [{ source: join(root, "builddir"), target: "/builddir", readOnly: false, relabel: "none" }],
      commitFailed: { ...failedRootImage(ground.instance, of), unless: [] }
    })
    const output = collector()
    const exit = yield* engine.run(spec, output.sink, () => Effect.void)
    writeFileSync(join(root, "captures/build-1.out"), output.bytes())
    const failed = { step: StepPath.make("build/1"), spec, exit, image: exit.committed ?? "", capture: "build-1.out" }
    const workspace = { root, captures: join(root, "captures") }
    const facts = { method: "buildArch", arch: "x86_64", failure: "error building package (arch x86_64)" }
    return yield* roots.keep({ ...of, ...facts, failed, workspace })
  }).pipe(
    Effect.provide(
      FailedRoots.layer(() => Effect.succeed(1)).pipe(
        Layer.provide(Layer.succeed(BuilderSettings, builderSettings({ directory, ...ground }, {})))
      )
    )
  )
