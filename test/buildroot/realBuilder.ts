/**
 * An attempt on a real engine, as far as buildroots need one: everything behind the door but the hub. Its directory is
 * a temporary one, and the images it makes are gone with it.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Context, Effect, Layer } from "effect"
import type { BaseInputs } from "../../src/buildroot/BaseImage.ts"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { ImageStore } from "../../src/buildroot/ImageStore.ts"
import { KojiLogs } from "../../src/buildroot/KojiLogs.ts"
import { Workspace } from "../../src/buildroot/Workspace.ts"
import { order } from "../../src/core/AttemptCommand.ts"
import { AttemptNumber, InstanceId, StepPath, TaskId } from "../../src/core/Ids.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { imageOwnerLabels } from "../../src/engine/Labels.ts"
import { AttemptJournal } from "../../src/journal/AttemptJournal.ts"
import { layerMemory } from "../../src/journal/MemoryJournalStore.ts"
import { renderYumConf } from "../../src/koji/YumConf.ts"
import { realEngine } from "../engine/realGround.ts"
import type { EngineName } from "../engines.ts"
import { builderSettings } from "./settings.ts"

/** Where the attempt stands: a directory of the test's, the owner of its images, the tools image. */
export class Site extends Context.Service<
  Site,
  { readonly directory: string; readonly instance: string; readonly image: string; readonly bootId: string }
>()("adjutant/test/Site") {}

export type Behind = AttemptJournal | BuilderSettings | Engine | ImageStore | KojiLogs | Workspace

const task = TaskId.make(7)

const site = (engine: ReturnType<typeof realEngine>) =>
  Layer.effect(
    Site,
    Effect.gen(function* () {
      const directory = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-roots-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const instance = directory.slice(-6).toLowerCase()
      const { removeImage, listImages } = yield* Engine
      yield* Effect.addFinalizer(() =>
        Effect.gen(function* () {
          // An image that another one is made of goes after it: as many rounds as there can be layers.
          for (let round = 0; round < 5; round++) {
            for (const { id } of yield* listImages(imageOwnerLabels(instance))) yield* Effect.ignore(removeImage(id))
          }
        }).pipe(Effect.ignoreCause)
      )
      return { directory, ...(yield* engine.ground(instance)) }
    })
  )

const settings = (change: Partial<BuilderSettings["Service"]>) =>
  Layer.effect(
    BuilderSettings,
    Effect.map(Site, (site) => builderSettings(site, change))
  )

/** The engine, the settings and the store of images, for as long as the scope lives. */
export const realSite = (engine: EngineName, change: Partial<BuilderSettings["Service"]> = {}) => {
  const real = realEngine(engine)
  return ImageStore.layer.pipe(
    Layer.provideMerge(settings(change)),
    Layer.provideMerge(site(real)),
    Layer.provideMerge(real.layer),
    Layer.orDie
  )
}

/** An attempt on it, with a journal and directories of its own. */
export const attemptOn = (number: number) => {
  const attempt = AttemptNumber.make(number)
  const workspace = Layer.unwrap(Effect.map(Site, ({ directory }) => Workspace.layer(directory, task, attempt)))
  const logs = Layer.unwrap(
    Effect.gen(function* () {
      const { logs, captures } = yield* Workspace
      const { directory } = yield* Site
      return KojiLogs.layer({ directory: logs, captures, container: join(directory, "container.log") }, "test")
    })
  )
  const accepted = Layer.effectDiscard(
    Effect.gen(function* () {
      const journal = yield* AttemptJournal
      const { instance, bootId } = yield* Site
      yield* journal.submit(
        order.Accept.make({
          ...{ task, attempt, method: "buildArch", arch: "x86_64", request: null },
          ...{ instance: InstanceId.make(instance), bootId, version: "test" }
        })
      )
    })
  )
  return accepted.pipe(
    Layer.provideMerge(logs),
    Layer.provideMerge(workspace),
    Layer.provideMerge(AttemptJournal.layer(task, attempt).pipe(Layer.provide(layerMemory))),
    Layer.orDie
  )
}

/** One attempt, and everything that steps of a buildroot use. */
export const realBuilder = (engine: EngineName) => attemptOn(1).pipe(Layer.provideMerge(realSite(engine)))

/** Does it as the work of the step of this path: containers run in steps only. */
export const inStep = <A, E>(path: string, work: (path: string) => Effect.Effect<A, E, Behind>) =>
  Effect.gen(function* () {
    const journal = yield* AttemptJournal
    yield* journal.submit(order.IntendStep.make({ step: StepPath.make(path), rule: "ask", input: "" }))
    return yield* work(path)
  })

/** The inputs of a root whose packages come from this URL. */
export const inputsFor = (url: string, toolsImage: string, change: Partial<BaseInputs> = {}): BaseInputs => ({
  tag: "test-build",
  repo: 1,
  repoDigest: url,
  group: "build",
  arch: "x86_64",
  targetArch: "x86_64",
  toolsImage,
  yumConf: renderYumConf({ urls: [url], proxy: null, moduleHotfixes: false, best: 0 }),
  packageManager: "dnf",
  releasever: null,
  moduleSetup: [],
  forcearch: false,
  environment: {},
  ...change
})
