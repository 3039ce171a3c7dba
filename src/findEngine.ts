/** Which container engine there is to work with. */
import { Effect, Result } from "effect"
import { failure } from "./cli/CommandFailed.ts"
import type { AdjutantOptions } from "./config/AdjutantOptions.ts"
import * as DockerEngine from "./engine/DockerEngine.ts"
import { Engine } from "./engine/Engine.ts"

/** Where each engine listens unless the configuration says otherwise; the first that answers is taken. */
const sockets: Record<"docker" | "podman", ReadonlyArray<string>> = {
  docker: ["/var/run/docker.sock"],
  podman: ["/run/podman/podman.sock", "/run/koji-adjutant/podman.sock"]
}

/** The engine that the options mean, if it answers. */
export const findEngine = Effect.fn("findEngine")(function* (
  options: Pick<AdjutantOptions, "engine" | "engine_socket">
) {
  const { engine, engine_socket: given } = options
  const kinds = engine === "auto" ? (["docker", "podman"] as const) : [engine]
  const candidates = given === null ? kinds.flatMap((kind) => sockets[kind]) : [given]
  const refused: Array<string> = []
  for (const socketPath of candidates) {
    const layer = DockerEngine.layer({ socketPath })
    const info = yield* Effect.result(
      Effect.flatMap(Engine, ({ info }) => info).pipe(Effect.provide(layer, { local: true }))
    )
    if (Result.isSuccess(info)) return { socketPath, info: info.success }
    refused.push(`${socketPath}: ${info.failure.message}`)
  }
  return yield* failure(
    `no container engine answers; start one, or set engine_socket in [adjutant]. ${refused.join("; ")}`
  )
})
