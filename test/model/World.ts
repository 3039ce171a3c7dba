/**
 * One history's world: a hub, an engine, daemons, and the time they live in. A story is an Effect over it.
 */
import { type Context, Effect, Fiber, type Scope } from "effect"
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { leaveRunning } from "../../src/engine/Engine.ts"
import { label } from "../../src/engine/Labels.ts"
import { type MemoryProgram, make as makeMemoryEngine } from "../../src/engine/MemoryEngine.ts"
import type { Wire } from "./Answering.ts"
import { type DaemonChoices, ModelDaemon, toolsImage } from "./Daemon.ts"
import { ModelHub } from "./Hub.ts"
import { beginning, template } from "./HubTemplate.ts"
import { type FileFates, modelDirectory } from "./Machine.ts"
import { type Recipe, sourceFile, sourceName } from "./Packages.ts"
import { ModelPost } from "./Post.ts"
import { programOf, Recipes } from "./Programs.ts"
import { Process, Time } from "./Time.ts"

export interface WorldOptions {
  /** With a seed fibres take turns in an order of its own, and chance is of its choosing. */
  readonly seed?: number
  readonly wire?: Wire
  readonly engine?: "docker" | "podman"
  readonly files?: FileFates
  /** Whether the hub makes tasks that send mail. */
  readonly notifications?: boolean
}

/** Changes what a container does, by the path of its step (`init/populate`, `build/1`). */
export type Interference = (step: string, program: MemoryProgram, spec: ContainerSpec) => MemoryProgram

export interface World {
  readonly time: Time
  readonly hub: ModelHub
  readonly post: ModelPost
  readonly engine: Effect.Success<ReturnType<typeof makeMemoryEngine>>["handle"]
  readonly recipes: Recipes
  /** From now on containers do what this makes of what they would have done. */
  interfere(change: Interference): void
  /** A daemon that has not been started. */
  daemon(choices?: Partial<DaemonChoices>): Effect.Effect<ModelDaemon>
  /** Whether a container of this step runs. */
  isRunning(step: string): boolean
  /** Somebody starts a container by this name, with these labels, that does nothing and never ends. */
  leave(name: string, labels: Readonly<Record<string, string>>): Effect.Effect<void>
  /** A recipe's source package, uploaded by a packager: its path below `work`. */
  source(recipe: Recipe): string
  /** Waits until it is so, looking every so often; a day at most. */
  until(what: () => boolean, everyMillis?: number): Effect.Effect<void>
}

const daySeconds = 86_400

const sleeping = (name: string, labels: Readonly<Record<string, string>>): ContainerSpec => ({
  ...{ name, image: toolsImage, command: ["sleep", "infinity"], environment: {}, user: "0:0", workingDirectory: "/" },
  ...{ hostname: "mock", labels, mounts: [], tmpfs: {}, network: "none", capabilities: "build", readOnlyRoot: false },
  limits: {
    ...{ memoryBytes: 2 ** 30, cpus: 1, processes: 10, openFiles: 10, wallSeconds: 10 * daySeconds },
    ...{ silenceSeconds: 10 * daySeconds, outputBytes: 2 ** 20, diskBytes: 2 ** 30 }
  },
  ...{ output: "joined", commit: null }
})

const build = (options: WorldOptions, time: Time, directory: string): Effect.Effect<World, never, Scope.Scope> =>
  Effect.gen(function* () {
    const made = yield* Effect.promise(template)
    const hub = yield* ModelHub.open(`${directory}/hub`, made, {
      wire: options.wire ?? "xml",
      now: () => time.now,
      notifications: options.notifications ?? false
    })
    const recipes = new Recipes([])
    let interference: Interference = (_, program) => program
    const { connect, handle } = yield* makeMemoryEngine({
      kind: options.engine ?? "docker",
      images: [{ reference: toolsImage }],
      program: (spec, root) => interference(spec.labels[label.step] ?? "", programOf(spec, root, recipes), spec)
    })
    const post = new ModelPost()
    const around = { time, hub, post, directory, connect }
    return {
      time,
      hub,
      post,
      engine: handle,
      recipes,
      interfere: (change) => {
        interference = change
      },
      daemon: (choices) => ModelDaemon.make(around, { name: "builder1", ...choices }),
      isRunning: (step) =>
        Effect.runSync(handle.containers).some(({ running, labels }) => running && labels[label.step] === step),
      leave: Effect.fnUntraced(function* (name: string, labels: Readonly<Record<string, string>>) {
        const engine = yield* connect()
        const run = engine.run(sleeping(name, labels), { write: () => Effect.void }, () => Effect.void)
        const left = Effect.provideService(run, leaveRunning, Effect.succeed(true))
        const fiber = yield* Effect.forkDetach(left)
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(fiber)
      }),
      source: (recipe) => {
        recipes.add(recipe)
        return hub.place(`cli-build/${sourceName(recipe)}`, sourceFile(recipe))
      },
      until: Effect.fnUntraced(function* (what: () => boolean, everyMillis = 1000) {
        const start = time.now
        while (!what()) {
          if (time.now - start > 1000 * daySeconds) return yield* Effect.die(new Error(`it is never so: ${what}`))
          yield* Effect.sleep(`${everyMillis} millis`)
        }
      })
    }
  })

/** Runs a story in a world of its own. */
export const story = async <A, E>(
  tell: (world: World) => Effect.Effect<A, E>,
  options: WorldOptions = {}
): Promise<A> => {
  const { path, remove } = modelDirectory(options.files)
  const { seed } = options
  const time = new Time({ now: beginning, ...(seed === undefined ? {} : { seed }) })
  const context: Context.Context<never> = time.contextOf(new Process("story"), seed ?? 0)
  try {
    return await time.run(context, Effect.scoped(Effect.flatMap(build(options, time, path), tell)))
  } catch (error) {
    if (error instanceof Error)
      error.message += `\n${time.log.map(({ process, text }) => `${process}: ${text}`).join("\n")}`
    throw error
  } finally {
    remove()
  }
}
