/** Which images a machine runs. */
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Engine } from "../../src/engine/Engine.ts"
import { layerMemory } from "../../src/engine/MemoryEngine.ts"

const images = ["amd64", "386", "arm64", "arm", "s390x"].map((architecture) => ({
  reference: `localhost/tools:${architecture}`,
  architecture
}))

const runs = (machine: string) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const how = { policy: "never", timeoutSeconds: 1, inactivitySeconds: 1, architecture: machine } as const
    const tried = yield* Effect.forEach(images, ({ reference, architecture }) =>
      engine.ensureImage(reference, how).pipe(
        Effect.as([architecture]),
        Effect.catchIf(
          ({ reason }) => reason === "wrong-architecture",
          () => Effect.succeed([])
        )
      )
    )
    return tried.flat()
  }).pipe(Effect.provide(layerMemory({ images, program: () => ({ output: [], exit: 0 }) }), { local: true }))

it.effect("a machine runs images for itself and for its 32-bit sibling, by whichever name it is called", () =>
  Effect.gen(function* () {
    assert.deepStrictEqual(yield* runs("amd64"), ["amd64", "386"])
    assert.deepStrictEqual(yield* runs("x86_64"), ["amd64", "386"])
    assert.deepStrictEqual(yield* runs("aarch64"), ["arm64", "arm"])
    assert.deepStrictEqual(yield* runs("386"), ["386"])
    assert.deepStrictEqual(yield* runs("s390x"), ["s390x"])
  })
)
