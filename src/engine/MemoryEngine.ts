/**
 * An engine in memory, for tests and simulation: commands are values, time is Effect's clock, chance there is none.
 *
 * It stands in for the *API* and not for the port: the port's own code (attendance, limits, outages, removal) runs over
 * it unchanged, so that what it does when an engine goes away in the middle of a build, or loses the last lines of a
 * followed log, is tried under a virtual clock by the thousand. Containers live in the layer's scope, not in that of
 * whoever runs a step: they outlive a client that goes away, as real ones do.
 */
import { Context, Effect, Layer } from "effect"
import type { ContainerSpec } from "./ContainerSpec.ts"
import { type ContainerSummary, Engine, type EngineInfo, type ImageInfo, type TerminalSize } from "./Engine.ts"
import { engineOver } from "./EngineService.ts"
import { reserveBytes } from "./FreeSpace.ts"
import { direct, memoryClient, type Through } from "./MemoryClient.ts"
import { memoryLogFile } from "./MemoryLogFile.ts"
import { makeMemoryModel } from "./MemoryModel.ts"

/** What a command does: its output, chunk by chunk, and its end. */
export interface MemoryProgram {
  readonly output: ReadonlyArray<{
    /** After the chunk before, or the start. */
    readonly afterMillis?: number
    readonly from?: "stdout" | "stderr"
    readonly bytes: Uint8Array | string
    /** What it does just before it says so. */
    readonly work?: Effect.Effect<void>
  }>
  /** From the last chunk to the end; `never` is a command that hangs. */
  readonly afterMillis?: number | "never"
  /** `out of space`: it does not end, and takes the machine's last room. */
  readonly exit: number | { readonly signal: number } | "out of memory" | "out of space"
  /** What it says to what is typed at its terminal; a number ends it with that code. */
  readonly answers?: (typed: string, size: TerminalSize | undefined) => string | number
  /** What it does besides, just before its end: to files under its mounts, to a model. */
  readonly work?: Effect.Effect<void>
}

/**
 * A container's own root file system, as one text. It begins as its image's, which is what was imported (as UTF-8) or
 * committed; a program may change it.
 */
export interface MemoryRoot {
  contents: string
}

/** An image that is there at the start, or that a registry has. */
export interface MemoryImage {
  readonly reference: string
  readonly architecture?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly environment?: ReadonlyArray<string>
  readonly volumes?: ReadonlyArray<string>
  readonly sizeBytes?: number
  readonly contents?: string
  /** Of a registry's image: pauses between the items of its pull's progress; ends in an error if it `fails`. */
  readonly progressMillis?: ReadonlyArray<number>
  readonly fails?: string
}

export interface MemoryEngineOptions {
  readonly program: (spec: ContainerSpec, root: MemoryRoot) => MemoryProgram
  readonly kind?: "docker" | "podman"
  readonly images?: ReadonlyArray<MemoryImage>
  readonly registry?: ReadonlyArray<MemoryImage>
  readonly bootId?: string
  /** As real engines do at times: the last entries of a followed log do not come, or the follow does not end. */
  readonly followLosesLast?: number
  readonly followNeverEnds?: boolean
  /** The nth call of this kind is carried out, and its answer lost: the caller hears that nobody answers. */
  readonly losesAnswer?: (operation: string, nth: number) => boolean
  /** The nth log that is read ends with an error of the engine's own, as Podman's does now and then. */
  readonly spoilsLog?: (nth: number) => boolean
  /** It does not say which container lacked memory, or not in time; the kernel's log does. */
  readonly hidesWantOfMemory?: boolean
  /** Podman's log files are not for whoever runs the steps. */
  readonly hidesLogFiles?: boolean
  /** Which paths of the host exist; all of them if not said. */
  readonly exists?: (path: string) => boolean
}

/** What a test does to the engine behind the port's back. */
export class MemoryEngine extends Context.Service<
  MemoryEngine,
  {
    readonly containers: Effect.Effect<ReadonlyArray<ContainerSummary>>
    readonly images: Effect.Effect<ReadonlyArray<ImageInfo>>
    /** Names of containers, in the order in which they were ever created, started and removed. */
    readonly created: Effect.Effect<ReadonlyArray<string>>
    readonly started: Effect.Effect<ReadonlyArray<string>>
    readonly removed: Effect.Effect<ReadonlyArray<string>>
    /** The engine stops answering; its containers go on, or die by SIGKILL (no live-restore). */
    goAway(containers: "go on" | "die"): Effect.Effect<void>
    readonly comeBack: Effect.Effect<void>
    /** As `docker kill` by somebody else would. */
    kill(name: string): Effect.Effect<void>
    /** What the engine says of itself. */
    readonly info: Effect.Effect<EngineInfo, unknown>
  }
>()("adjutant/engine/MemoryEngine") {}

/** The handle, and the port for every client that connects: several, or one after another. */
export const make = Effect.fnUntraced(function* (options: MemoryEngineOptions) {
  const model = yield* makeMemoryModel(options)
  const specs = new Map<string, ContainerSpec>()
  const programOf = (name: string, root: MemoryRoot): MemoryProgram => {
    const spec = specs.get(name)
    return spec === undefined ? { output: [], exit: 0 } : options.program(spec, root)
  }
  const connect = Effect.fnUntraced(function* (through: Through = direct, bootId = options.bootId ?? "boot-1") {
    const engine = yield* engineOver(memoryClient(model, options, programOf, through), {
      bootId,
      exists: (path) => Effect.sync(() => options.exists?.(path) ?? true),
      fileBytes: () => Effect.succeed(0),
      openGrowing: (path) =>
        Effect.sync(() => (options.hidesLogFiles === true ? undefined : memoryLogFile(model, path))),
      killedForMemory: (id) => Effect.sync(() => model.findContainer(id)?.outOfMemory ?? false),
      outOfSpace: (id) => Effect.as(model.lacksSpace(id), { limit: "space", value: reserveBytes } as const)
    })
    return Engine.of({
      ...engine,
      run: (spec, sink, watch) =>
        Effect.suspend(() => {
          specs.set(spec.name, spec)
          return engine.run(spec, sink, watch)
        }),
      interact: (spec, terminal) =>
        Effect.suspend(() => {
          specs.set(spec.name, spec)
          return engine.interact(spec, terminal)
        })
    })
  })
  const { info } = yield* connect()
  const handle = MemoryEngine.of({
    containers: model.summaries,
    images: model.imageInfos,
    created: Effect.sync(() => [...model.created]),
    started: Effect.sync(() => [...model.started]),
    removed: Effect.sync(() => [...model.removed]),
    goAway: model.goAway,
    comeBack: model.comeBack,
    kill: (name) => model.kill(name, "somebody"),
    info
  })
  return { connect, handle }
})

/** The port, and the handle behind its back. */
export const layerMemory = (options: MemoryEngineOptions): Layer.Layer<Engine | MemoryEngine> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { connect, handle } = yield* make(options)
      return Context.make(Engine, yield* connect()).pipe(Context.add(MemoryEngine, handle))
    })
  )
