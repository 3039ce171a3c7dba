import { Effect, Stream } from "effect"
import { Engine } from "../../src/engine/Engine.ts"
import { layerMemory } from "../../src/engine/MemoryEngine.ts"
import { engineContract, programs } from "../contract/EngineContract.ts"

const reference = "localhost/tools:1"

const answers = [
  { name: "docker", as: { kind: "docker" } },
  { name: "podman", as: { kind: "podman" } },
  { name: "podman, whose log files are not for us", as: { kind: "podman", hidesLogFiles: true } }
] as const

for (const { name, as } of answers) {
  const layer = layerMemory({
    ...as,
    images: [{ reference }],
    program: ({ command }) => programs[command.at(-1) ?? ""] ?? { output: [], exit: 127 }
  })
  const ground = (instance: string) =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const image = yield* engine.ensureImage(reference, {
        policy: "never",
        timeoutSeconds: 1,
        inactivitySeconds: 1,
        architecture: null
      })
      return { image: image.id, instance, bootId: "boot-1" }
    })
  engineContract(`an engine in memory that answers as ${name}`, layer, ground, (marker) =>
    Stream.make(new TextEncoder().encode(marker), new TextEncoder().encode("and more"))
  )
}
