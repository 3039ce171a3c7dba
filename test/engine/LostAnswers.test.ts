/** Calls that an engine carries out and whose answers are lost: nothing is left behind, nothing runs twice. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { Engine, EngineError, leaveRunning } from "../../src/engine/Engine.ts"
import { imageLabels } from "../../src/engine/Labels.ts"
import { layerMemory, MemoryEngine, make } from "../../src/engine/MemoryEngine.ts"
import { makeReaper } from "../../src/engine/Reaper.ts"
import { collector, nothingLeft, stepOf } from "../contract/EngineContract.ts"

const reference = "localhost/tools:1"
const operations = ["ping", "version", "info", "inspect", "create", "start", "wait", "logs", "kill", "commit", "remove"]

/** Steps of three kinds, with the nth answer of an operation lost. */
const story = (operation: string, nth: number, kind: "docker" | "podman") =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const memory = yield* MemoryEngine
    const [image] = yield* memory.images
    const ground = { image: image?.id ?? "", instance: "lost", bootId: "boot-1" }
    const commit = { reference: "localhost/made:1", labels: imageLabels("lost", "key") }
    const specs = [
      stepOf(ground, "plain", ""),
      stepOf(ground, "commits", "", { commit }),
      stepOf(ground, "limited", "", { limits: { wallSeconds: 2 } })
    ]
    for (const spec of specs) {
      const output = collector()
      const fiber = yield* Effect.forkChild(Effect.result(engine.run(spec, output.sink, () => Effect.void)))
      for (let second = 0; second < 300 && fiber.pollUnsafe() === undefined; second++)
        yield* TestClock.adjust("1 second")
      const end = yield* Fiber.join(fiber)
      const exit = Result.getOrThrow(end)
      if (exit.reason._tag === "Exited") assert.strictEqual(output.text(), "one\ntwo\n")
      yield* nothingLeft(ground)
    }
    const started = yield* memory.started
    assert.strictEqual(new Set(started).size, started.length, "no step is run twice")
    const nobody = Effect.succeed({
      containers: new Set<string>(),
      images: new Set<string>(),
      making: new Set<string>()
    })
    const { sweep } = makeReaper("lost", nobody)
    for (let look = 0; look < 3; look++) yield* sweep
    assert.lengthOf(yield* memory.images, 1, "an image that nobody heard of is reaped")
  }).pipe(
    Effect.provide(
      layerMemory({
        kind,
        images: [{ reference }],
        program: () => ({
          output: [{ bytes: "one\n" }, { afterMillis: 1500, bytes: "two\n" }],
          afterMillis: 1500,
          exit: 0
        }),
        losesAnswer: (what, count) => what === operation && count === nth
      })
    )
  )

describe("an answer that is lost", () => {
  for (const kind of ["docker", "podman"] as const) {
    for (const operation of operations) {
      it.effect(`of ${kind} to ${operation}, whichever it is, leaves nothing behind`, () =>
        Effect.forEach([1, 2, 3, 4, 5, 6], (nth) => story(operation, nth, kind), { discard: true })
      )
    }
  }
})

describe("a removal that the engine carries out and complains of", () => {
  it.effect("has removed something", () =>
    Effect.gen(function* () {
      const { connect, handle } = yield* make({ program: () => ({ output: [], exit: 0 }), images: [{ reference }] })
      const complains = new EngineError({
        ...{ operation: "remove", subject: "step", reason: "refused" },
        message: "cleaning up container step: removing container step network: no such file or directory"
      })
      const engine = yield* connect((operation, call) =>
        operation === "remove" ? Effect.tap(call, () => Effect.fail(complains)) : call
      )
      const [image] = yield* handle.images
      const spec = stepOf({ image: image?.id ?? "", instance: "complains", bootId: "boot-1" }, "left", "")
      yield* engine
        .run(spec, collector().sink, () => Effect.fail("leave"))
        .pipe(Effect.provideService(leaveRunning, Effect.succeed(true)), Effect.ignore)
      assert.lengthOf(yield* handle.containers, 1)
      const removal = yield* Effect.forkChild(engine.remove(spec.name))
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(yield* Fiber.join(removal))
      assert.lengthOf(yield* handle.containers, 0)
    })
  )
})
