import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { Engine } from "../../src/engine/Engine.ts"
import { layerMemory, MemoryEngine } from "../../src/engine/MemoryEngine.ts"
import { collector, nothingLeft, stepOf } from "../contract/EngineContract.ts"

/** A step of two lines on an engine that spoils these readings of its log; how it ended and what arrived. */
const story = (kind: "docker" | "podman", spoilsLog: (nth: number) => boolean) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const [image] = yield* (yield* MemoryEngine).images
    const ground = { image: image?.id ?? "", instance: "spoilt", bootId: "boot-1" }
    const output = collector()
    const step = engine.run(stepOf(ground, "step", ""), output.sink, () => Effect.void)
    const fiber = yield* Effect.forkChild(Effect.result(step))
    for (let second = 0; second < 60 && fiber.pollUnsafe() === undefined; second++) yield* TestClock.adjust("1 second")
    const end = yield* Fiber.join(fiber)
    yield* nothingLeft(ground)
    return { end, text: output.text() }
  }).pipe(
    Effect.provide(
      layerMemory({
        kind,
        hidesLogFiles: true,
        images: [{ reference: "localhost/tools:1" }],
        program: () => ({
          output: [{ bytes: "one\n" }, { afterMillis: 1500, bytes: "two\n" }],
          afterMillis: 1500,
          exit: 0
        }),
        spoilsLog
      })
    )
  )

describe("a log into which the engine writes an error of its own", () => {
  for (const kind of ["docker", "podman"] as const) {
    it.effect(`is read again on ${kind}, and nothing is lost, doubled or taken for output`, () =>
      Effect.forEach([1, 2, 3], (upTo) =>
        Effect.gen(function* () {
          const { end, text } = yield* story(kind, (nth) => nth <= upTo)
          assert.isTrue(Result.isSuccess(end), `the first ${upTo} readings spoilt`)
          assert.strictEqual(text, "one\ntwo\n")
        })
      )
    )

    it.effect(`that never stops doing so ends the step on ${kind} with what it is`, () =>
      Effect.gen(function* () {
        const { end } = yield* story(kind, () => true)
        assert.isTrue(Result.isFailure(end))
        if (Result.isFailure(end)) assert.include(end.failure.message, "not a log frame")
      })
    )
  }
})
