/** The state of the engine in memory: containers with their logs, images, and whether anybody answers. */

import { createHash } from "node:crypto"
import { Clock, Deferred, Effect, Fiber, Scope } from "effect"
import type { CreateBody } from "./CreateBody.ts"
import type { ContainerSummary, ImageInfo, TerminalSize } from "./Engine.ts"
import type { MemoryEngineOptions, MemoryImage, MemoryProgram, MemoryRoot } from "./MemoryEngine.ts"

/** An entry of a container's log, stamped as Docker stamps. */
export interface LogEntry {
  readonly stamp: string
  readonly from: "stdout" | "stderr"
  readonly bytes: Uint8Array
}

export interface MemoryContainer {
  readonly id: string
  readonly name: string
  readonly body: CreateBody
  readonly image: string
  readonly root: MemoryRoot
  readonly createdAt: number
  state: "created" | "running" | "exited"
  startedAt: number
  finishedAt: number
  exitCode: number
  outOfMemory: boolean
  outOfSpace: boolean
  readonly log: Array<LogEntry>
  /** Who killed it through the engine. */
  killedBy: string | undefined
  /** The engine was there when it ended, and has been since. */
  endSeen: boolean
  /** Replaced at every change; done when the change happens. */
  changed: Deferred.Deferred<void>
  fiber: Fiber.Fiber<void> | undefined
  /** What somebody's terminal is to it. */
  answers: MemoryProgram["answers"]
  size: TerminalSize | undefined
}

export interface StoredImage {
  readonly info: ImageInfo
  readonly environment: ReadonlyArray<string>
  readonly volumes: ReadonlyArray<string>
  readonly contents: string
}

const sigkillCode = 128 + 9
const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex")

export type MemoryModel = Effect.Success<ReturnType<typeof makeMemoryModel>>

export const makeMemoryModel = Effect.fnUntraced(function* (options: MemoryEngineOptions) {
  const scope = yield* Scope.Scope
  // The engine's own clock and scheduler: what it does goes on without whoever asked for it.
  const own = yield* Effect.context<never>()
  const containers = new Map<string, MemoryContainer>()
  const images = new Map<string, StoredImage>()
  const created: Array<string> = []
  const started: Array<string> = []
  const removed: Array<string> = []
  let gone = false
  let goneSignal = yield* Deferred.make<void>()
  let entries = 0

  const addImage = Effect.fnUntraced(function* (image: MemoryImage, content: string | Uint8Array) {
    const id = `sha256:${sha256(content)}`
    const before = images.get(id)
    for (const [other, stored] of images) {
      const references = stored.info.references.filter((reference) => reference !== image.reference)
      images.set(other, { ...stored, info: { ...stored.info, references } })
    }
    const references = [...(before?.info.references ?? []).filter((name) => name !== image.reference), image.reference]
    const info: ImageInfo = {
      id,
      references,
      architecture: image.architecture ?? "amd64",
      sizeBytes: image.sizeBytes ?? 0,
      createdAt: yield* Clock.currentTimeMillis,
      labels: image.labels ?? {}
    }
    images.set(id, {
      info,
      environment: image.environment ?? [],
      volumes: image.volumes ?? [],
      contents: image.contents ?? ""
    })
    return info
  })

  const findContainer = (nameOrId: string): MemoryContainer | undefined =>
    containers.get(nameOrId) ?? [...containers.values()].find(({ id }) => id === nameOrId)
  const findImage = (reference: string): StoredImage | undefined =>
    images.get(reference) ?? [...images.values()].find(({ info }) => info.references.includes(reference))

  const change = Effect.fnUntraced(function* (container: MemoryContainer) {
    const { changed } = container
    container.changed = yield* Deferred.make<void>()
    yield* Deferred.succeed(changed, undefined)
  })

  const end = Effect.fnUntraced(function* (container: MemoryContainer, exitCode: number) {
    if (container.state !== "running") return
    container.state = "exited"
    container.exitCode = exitCode
    container.finishedAt = yield* Clock.currentTimeMillis
    container.endSeen = !gone
    yield* change(container)
  })

  const say = Effect.fnUntraced(function* (container: MemoryContainer, from: LogEntry["from"], bytes: Uint8Array) {
    const now = yield* Clock.currentTimeMillis
    entries++
    const stamp = `${new Date(now).toISOString().slice(0, -1)}${String(entries % 1_000_000).padStart(6, "0")}Z`
    container.log.push({ stamp, from, bytes })
    yield* change(container)
  })

  /** Somebody types, and the program answers or ends. */
  const type = Effect.fnUntraced(function* (container: MemoryContainer, typed: string) {
    const answer = container.answers?.(typed, container.size)
    if (typeof answer === "string") return yield* say(container, "stdout", new TextEncoder().encode(answer))
    if (answer === undefined || container.state !== "running") return
    if (container.fiber !== undefined) yield* Fiber.interrupt(container.fiber)
    yield* end(container, answer)
  })

  const live = Effect.fnUntraced(function* (container: MemoryContainer, program: MemoryProgram) {
    for (const chunk of program.output) {
      if (chunk.afterMillis !== undefined) yield* Effect.sleep(`${chunk.afterMillis} millis`)
      if (chunk.work !== undefined) yield* chunk.work
      const bytes = typeof chunk.bytes === "string" ? new TextEncoder().encode(chunk.bytes) : chunk.bytes
      yield* say(container, chunk.from ?? "stdout", bytes)
    }
    if (program.afterMillis === "never") return yield* Effect.never
    if (program.afterMillis !== undefined) yield* Effect.sleep(`${program.afterMillis} millis`)
    if (program.work !== undefined) yield* program.work
    if (program.exit === "out of space") {
      container.outOfSpace = true
      yield* change(container)
      return yield* Effect.never
    }
    container.outOfMemory = program.exit === "out of memory"
    const { exit } = program
    yield* end(container, typeof exit === "number" ? exit : typeof exit === "object" ? 128 + exit.signal : sigkillCode)
  })

  const start = Effect.fnUntraced(function* (container: MemoryContainer, program: MemoryProgram) {
    container.state = "running"
    container.answers = program.answers
    container.startedAt = yield* Clock.currentTimeMillis
    container.fiber = yield* Effect.forkIn(live(container, program), scope)
  })

  const kill = Effect.fnUntraced(function* (nameOrId: string, by: string | undefined) {
    const container = findContainer(nameOrId)
    if (container === undefined || container.state !== "running") return false
    container.killedBy = by
    if (container.fiber !== undefined) yield* Fiber.interrupt(container.fiber)
    yield* end(container, sigkillCode)
    return true
  })

  for (const image of options.images ?? []) yield* addImage(image, image.reference)

  return {
    containers,
    images,
    own,
    created,
    started,
    removed,
    addImage,
    findContainer,
    findImage,
    start,
    type,
    kill: (nameOrId: string, by: string | undefined) => kill(nameOrId, by),
    remove: Effect.fnUntraced(function* (container: MemoryContainer) {
      yield* kill(container.id, "the remover")
      containers.delete(container.name)
      removed.push(container.name)
      yield* change(container)
    }),
    summaries: Effect.sync(
      (): ReadonlyArray<ContainerSummary> =>
        [...containers.values()].map(({ name, id, image, state, body }) => {
          return { name, id, image, running: state === "running", labels: body.Labels }
        })
    ),
    /** Succeeds when this container has taken the last room. */
    lacksSpace: Effect.fnUntraced(function* (id: string) {
      for (;;) {
        const container = findContainer(id)
        if (container === undefined) return yield* Effect.never
        if (container.outOfSpace) return
        yield* Deferred.await(container.changed)
      }
    }),
    imageInfos: Effect.sync((): ReadonlyArray<ImageInfo> => [...images.values()].map(({ info }) => info)),
    isGone: () => gone,
    /** Succeeds when the engine goes away the next time. */
    goes: Effect.suspend(() => Deferred.await(goneSignal)),
    goAway: Effect.fnUntraced(function* (fate: "go on" | "die") {
      if (gone) return
      gone = true
      for (const container of containers.values()) container.endSeen = false
      yield* Deferred.succeed(goneSignal, undefined)
      if (fate === "die") for (const name of [...containers.keys()]) yield* kill(name, undefined)
    }),
    comeBack: Effect.gen(function* () {
      gone = false
      goneSignal = yield* Deferred.make<void>()
    })
  }
})
