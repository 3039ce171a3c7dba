/**
 * The engine port on a real engine: Docker, or Podman's service, which speaks Docker's API. Which of the two answers
 * is asked once and remembered; everything that differs between them stays in this room.
 */

import { readFile } from "node:fs/promises"
import { Effect, Layer, Ref } from "effect"
import { adoptStep, removeContainer, runStep } from "./ContainerRun.ts"
import { dockerodeClient } from "./DockerodeClient.ts"
import { Engine, type EngineInfo } from "./Engine.ts"
import { ensureImage, importImage, inspectImage, listImages } from "./ImageWork.ts"
import type { Host } from "./StepAttendance.ts"

const bootIdFile = "/proc/sys/kernel/random/boot_id"

/** The engine that listens on this unix socket. Making the layer asks nothing; an engine may come up later. */
export const layer = (options: { readonly socketPath: string }): Layer.Layer<Engine> =>
  Layer.effect(
    Engine,
    Effect.gen(function* () {
      const client = dockerodeClient(options.socketPath)
      const bootId = (yield* Effect.promise(() => readFile(bootIdFile, "utf8"))).trim()
      const known = yield* Ref.make<{ readonly host: Host; readonly init: boolean } | undefined>(undefined)

      const information = Effect.gen(function* () {
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
          liveRestore: kind === "podman" || info.LiveRestoreEnabled === true
        }
        // Docker tells only at the start that it has no init, and by then it is late; but it lists the one it has.
        const dockerInit = components.find(({ Name }) => Name === "docker-init")
        const init = kind === "podman" || (dockerInit?.Version ?? "N/A") !== "N/A"
        const host: Host = { client, kind, dataRoot: engine.dataRoot, bootId }
        if (!init)
          yield* Effect.logWarning("Docker has no docker-init (package tini): orphans of a step are not reaped")
        yield* Ref.set(known, { host, init })
        return { engine, host, init }
      })

      const info = Effect.map(information, ({ engine }) => engine).pipe(Effect.withSpan("Engine.info"))
      const host = Effect.flatMap(Ref.get(known), (found) =>
        found === undefined ? information : Effect.succeed(found)
      )

      return Engine.of({
        info,
        run: Effect.fn("Engine.run")(function* (spec, sink, watch) {
          const { host: at, init } = yield* host
          return yield* runStep(at, init, spec, sink, watch)
        }),
        adopt: Effect.fn("Engine.adopt")(function* (spec, sink, watch, held) {
          const { host: at } = yield* host
          return yield* adoptStep(at, spec, sink, watch, held)
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
          const { host: at } = yield* host
          return yield* removeContainer(at, name)
        }),
        inspectImage: Effect.fn("Engine.inspectImage")((reference) => inspectImage(client, reference)),
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
  )
