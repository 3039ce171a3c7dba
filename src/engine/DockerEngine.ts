/** The engine port on a real engine: Docker, or Podman's service, which speaks Docker's API. */

import { access, readFile, stat } from "node:fs/promises"
import { Effect, Layer } from "effect"
import { dockerodeClient } from "./DockerodeClient.ts"
import { Engine } from "./Engine.ts"
import { engineOver } from "./EngineService.ts"
import { outOfSpace } from "./FreeSpace.ts"
import { openGrowing } from "./GrowingFile.ts"
import { killedForMemory } from "./KernelLog.ts"
import type { Machine } from "./StepAttendance.ts"

const bootIdFile = "/proc/sys/kernel/random/boot_id"

export interface EngineOptions {
  readonly socketPath: string
  /** How long it may be away at a time; a minute if nothing is said. */
  readonly awayMillisMax?: number
}

/** The engine that listens on this unix socket, on this machine: mounts and disk usage are looked at as files. */
export const layer = ({ socketPath, awayMillisMax }: EngineOptions): Layer.Layer<Engine> =>
  Layer.effect(
    Engine,
    Effect.gen(function* () {
      const bootId = yield* Effect.promise(() => readFile(bootIdFile, "utf8"))
      const machine: Machine = {
        ...{ bootId: bootId.trim(), exists, fileBytes, openGrowing, killedForMemory },
        outOfSpace: (_, paths) => outOfSpace(paths)
      }
      return yield* engineOver(dockerodeClient(socketPath), machine, awayMillisMax)
    })
  )

const exists = (path: string) =>
  Effect.promise(() =>
    access(path).then(
      () => true,
      () => false
    )
  )

const fileBytes = (path: string) =>
  Effect.promise(() =>
    stat(path).then(
      ({ size }) => size,
      () => 0
    )
  )
