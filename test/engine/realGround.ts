/** Where the tests of a real engine stand: its layer, the tools image by id, this machine's boot. */

import { readFileSync } from "node:fs"
import { Effect } from "effect"
import { layer } from "../../src/engine/DockerEngine.ts"
import { Engine } from "../../src/engine/Engine.ts"
import type { Ground } from "../contract/EngineContract.ts"
import { type EngineName, engineSocket, toolsImage } from "../engines.ts"

export const realEngine = (name: EngineName) => {
  const socketPath = engineSocket(name)
  const ground = (instance: string) =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const image = yield* engine.inspectImage(toolsImage)
      if (image === undefined) throw new Error(`${name} lacks ${toolsImage}: run \`scripts/tools-image load ${name}\``)
      const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
      return { image: image.id, instance, bootId } satisfies Ground
    })
  return { socketPath, layer: layer({ socketPath }), ground }
}
