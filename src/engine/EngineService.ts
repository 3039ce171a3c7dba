/**
 * The engine port over an engine's API. Which engine answers is asked once and remembered; everything that differs
 * between Docker and Podman stays behind this.
 */
import { Effect, Fiber, Ref } from "effect"
import { adoptStep, removeContainer, runStep } from "./ContainerRun.ts"
import type { EngineClient } from "./DockerodeClient.ts"
import { Engine, type EngineError, type EngineInfo } from "./Engine.ts"
import { ensureImage, importImage, inspectImage, listImages } from "./ImageWork.ts"
import { makePatience } from "./Patience.ts"
import type { Host, Machine } from "./StepAttendance.ts"
import { interactStep } from "./TerminalStep.ts"

interface Known {
  /** Who said so. */
  readonly presence: string
  readonly engine: EngineInfo
  readonly host: Host
  readonly init: boolean
}

interface Learning {
  readonly presence: string
  readonly fiber: Fiber.Fiber<Known, EngineError>
}

/** The service. Making it asks nothing; an engine may come up later. `awayMillisMax`: see `Patience`. */
export const engineOver = Effect.fnUntraced(function* (client: EngineClient, machine: Machine, awayMillisMax?: number) {
  const patience = makePatience(client.ping, awayMillisMax)
  const known = yield* Ref.make<Known | undefined>(undefined)

  /** The long answers, of whoever is there. */
  const learn = Effect.fnUntraced(function* (presence: string) {
    const version = yield* client.version
    const info = yield* client.info
    const components = version.Components ?? []
    const kind = components.some(({ Name }) => Name === "Podman Engine") ? "podman" : "docker"
    const security = (info.SecurityOptions ?? []).map((option) => option.split(",")[0])
    const rootless = security.includes("name=rootless")
    const limits = info.MemoryLimit === true && info.PidsLimit === true
    const engine: EngineInfo = {
      kind,
      version: version.Version,
      apiVersion: version.ApiVersion,
      dataRoot: info.DockerRootDir,
      architecture: version.Arch,
      rootless,
      limitsEnforced: limits && !(rootless && info.CgroupVersion === "1"),
      selinux: security.includes("name=selinux"),
      liveRestore: kind === "podman" || info.LiveRestoreEnabled === true,
      storageDriver: info.Driver ?? "unknown"
    }
    // Docker would tell only when a container is started, which is late; but it lists the init that it has.
    const dockerInit = components.find(({ Name }) => Name === "docker-init")?.Version ?? "N/A"
    const init = kind === "podman" || dockerInit !== "N/A"
    if (!init) yield* Effect.logWarning("Docker has no docker-init (package tini): orphans of a step are not reaped")
    const host: Host = { ...machine, client, patience, kind, dataRoot: engine.dataRoot }
    const answer = { presence, engine, host, init }
    yield* Ref.set(known, answer)
    return answer
  })
  const learning = yield* Ref.make<Learning | undefined>(undefined)

  /**
   * What answers. The long answers, which are dear to Podman, are asked for once in a presence, and go on being waited
   * for when whoever asked has no more time: a busy machine that was asked anew each time would never get to an end.
   */
  const ask = Effect.gen(function* () {
    const presence = yield* client.ping
    const before = yield* Ref.get(known)
    if (before?.presence === presence) return before
    const begun = yield* Ref.get(learning)
    if (begun?.presence === presence && begun.fiber.pollUnsafe() === undefined) return yield* Fiber.join(begun.fiber)
    const fiber = yield* Effect.forkDetach(learn(presence))
    yield* Ref.set(learning, { presence, fiber })
    return yield* Fiber.join(fiber)
  }).pipe(Effect.tapError(() => Ref.set(known, undefined)))
  const answering = Effect.flatMap(Ref.get(known), (found) => (found === undefined ? ask : Effect.succeed(found)))

  return Engine.of({
    info: Effect.map(ask, ({ engine }) => engine).pipe(Effect.withSpan("Engine.info")),
    run: Effect.fn("Engine.run")(function* (spec, sink, watch) {
      const { host, init } = yield* patience.ask(answering)
      return yield* runStep(host, init, spec, sink, watch)
    }),
    adopt: Effect.fn("Engine.adopt")(function* (spec, sink, watch, held) {
      const { host } = yield* patience.ask(answering)
      return yield* adoptStep(host, spec, sink, watch, held)
    }),
    interact: Effect.fn("Engine.interact")(function* (spec, terminal) {
      const { host, init } = yield* answering
      return yield* interactStep(host, init, spec, terminal)
    }),
    list: Effect.fn("Engine.list")(function* (labels) {
      const containers = yield* client.listContainers(labels)
      return containers.map(({ Id, Names, ImageID, State, Labels }) => ({
        name: (Names[0] ?? Id).replace(/^\//, ""),
        id: Id,
        image: ImageID,
        running: State === "running",
        labels: Labels ?? {}
      }))
    }),
    remove: Effect.fn("Engine.remove")(function* (name) {
      const { host } = yield* answering
      return yield* removeContainer(host, name)
    }),
    inspectImage: Effect.fn("Engine.inspectImage")((reference) => patience.ask(inspectImage(client, reference))),
    ensureImage: Effect.fn("Engine.ensureImage")((reference, how) => ensureImage(client, reference, how)),
    importImage: Effect.fn("Engine.importImage")((tar, reference, labels) =>
      importImage(client, tar, reference, labels)
    ),
    listImages: Effect.fn("Engine.listImages")((labels) => listImages(client, labels)),
    removeImage: Effect.fn("Engine.removeImage")((reference) =>
      client.removeImage(reference).pipe(
        Effect.catchIf(
          ({ reason }) => reason === "missing",
          () => Effect.void
        )
      )
    )
  })
})
