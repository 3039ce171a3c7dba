/** Two daemons on one engine, and people: every sweep takes what is its own and unclaimed, and nothing else (attack 13). */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { Engine, type EngineError } from "../../src/engine/Engine.ts"
import { imageLabels } from "../../src/engine/Labels.ts"
import { layerMemory, MemoryEngine } from "../../src/engine/MemoryEngine.ts"
import { makeReaper } from "../../src/engine/Reaper.ts"
import { collector, stepOf } from "../contract/EngineContract.ts"
import { numbersFrom } from "../core/generate.ts"

const sweeps = 1000

describe("the reaper", () => {
  it.live("never takes another's container, nor a person's, in a thousand sweeps of two daemons", () =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const memory = yield* MemoryEngine
      const below = numbersFrom(13)
      const [image] = yield* memory.images
      const daemons = ["first", "second"].map((instance) => {
        const claimed = new Set<string>()
        const claims = Effect.sync(() => ({
          containers: new Set(claimed),
          images: new Set<string>(),
          making: new Set<string>()
        }))
        const ground = { image: image?.id ?? "", instance, bootId: "boot-1" }
        return { instance, claimed, ground, reaper: makeReaper(instance, claims) }
      })
      const fibers: Array<Fiber.Fiber<unknown, EngineError>> = []
      const begin = Effect.fnUntraced(function* (spec: ReturnType<typeof stepOf>) {
        const output = collector()
        fibers.push(yield* Effect.forkChild(engine.run(spec, output.sink, () => Effect.void)))
        yield* output.first
      })
      // A person's container carries what our image carries.
      const person = stepOf({ image: image?.id ?? "", instance: "", bootId: "" }, "x", "")
      yield* begin({ ...person, name: "frosty_hopper", labels: imageLabels("first", "key") })
      yield* begin({ ...person, name: "adjutant-other", labels: {} })

      const alive = new Set<string>()
      for (let round = 0; round < sweeps; round++) {
        const daemon = daemons[below(2)]
        if (daemon === undefined) continue
        if (below(3) === 0) {
          const spec = stepOf(daemon.ground, `step/${round}`, "")
          daemon.claimed.add(spec.name)
          yield* begin(spec)
          alive.add(spec.name)
        }
        if (below(4) === 0) daemon.claimed.delete([...daemon.claimed][below(10)] ?? "")
        for (const { name } of yield* daemon.reaper.sweep) {
          assert.isFalse(daemon.claimed.has(name), name)
          assert.isTrue(name.startsWith(`adjutant-${daemon.instance}-`), name)
          alive.delete(name)
        }
      }
      const left = (yield* memory.containers).map(({ name }) => name)
      assert.sameMembers(left, [...alive, "frosty_hopper", "adjutant-other"])
      for (const { claimed } of daemons) assert.includeMembers(left, [...claimed])
      yield* Effect.forEach(fibers, Fiber.interrupt)
    }).pipe(
      Effect.provide(
        layerMemory({
          images: [{ reference: "localhost/tools:1" }],
          program: () => ({ output: [{ bytes: "begun\n" }], afterMillis: "never", exit: 0 })
        })
      )
    )
  )
})
