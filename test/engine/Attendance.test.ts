/** How the port behaves when time passes and engines fail, tried under a virtual clock over the engine in memory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { Engine, leaveRunning, type OutputSink } from "../../src/engine/Engine.ts"
import { ownerLabels } from "../../src/engine/Labels.ts"
import {
  layerMemory,
  MemoryEngine,
  type MemoryEngineOptions,
  type MemoryProgram
} from "../../src/engine/MemoryEngine.ts"
import { makeReaper } from "../../src/engine/Reaper.ts"
import { collector, nothingLeft, stepOf } from "../contract/EngineContract.ts"

const reference = "localhost/tools:1"
const day = 24 * 3600

/** A line a second. */
const ticking = (lines: number, exit: MemoryProgram["exit"] = 0): MemoryProgram => ({
  output: Array.from({ length: lines }, (_, i) => ({ afterMillis: 1000, bytes: `line ${i}\n` })),
  exit
})
const ticked = (lines: number) => Array.from({ length: lines }, (_, i) => `line ${i}\n`).join("")
const hanging: MemoryProgram = { output: [{ bytes: "begun\n" }], afterMillis: "never", exit: 0 }

const over = (program: MemoryProgram, options: Partial<MemoryEngineOptions> = {}) =>
  layerMemory({ program: () => program, images: [{ reference }], ...options })

const ground = Effect.gen(function* () {
  const engine = yield* Engine
  // The engine is known before time goes by: steps begin at the time that they are begun.
  yield* engine.info
  const image = yield* engine.inspectImage(reference)
  return { image: image?.id ?? "", instance: "virtual", bootId: "boot-1" }
})

const limitless = { wallSeconds: 30 * day, silenceSeconds: 30 * day }

/** Begins a step over the engine at hand. */
const begin = Effect.fnUntraced(function* (change: Parameters<typeof stepOf>[3] = {}) {
  const engine = yield* Engine
  const here = yield* ground
  const spec = stepOf(here, "step", "", { ...change, limits: { ...limitless, ...change.limits } })
  const output = collector()
  const fiber = yield* Effect.forkChild(Effect.result(engine.run(spec, output.sink, () => Effect.void)))
  return { here, spec, output, fiber }
})

for (const kind of ["docker", "podman"] as const) {
  describe(`a step on an engine that answers as ${kind}`, () => {
    it.effect("runs for two days, and its times are the engine's", () =>
      Effect.gen(function* () {
        const { fiber, here } = yield* begin()
        yield* TestClock.adjust("2 days")
        yield* TestClock.adjust("1 minute")
        const exit = Result.getOrThrow(yield* Fiber.join(fiber))
        assert.deepStrictEqual(exit.reason, { _tag: "Exited", code: 3 })
        assert.strictEqual(exit.finishedAt - exit.startedAt, 2 * day * 1000)
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over({ output: [], afterMillis: 2 * day * 1000, exit: 3 }, { kind })))
    )

    it.effect("ends at its wall clock to the second, not before", () =>
      Effect.gen(function* () {
        const { fiber } = yield* begin({ limits: { wallSeconds: day } })
        yield* TestClock.adjust(`${day - 1} seconds`)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 minute")
        const exit = Result.getOrThrow(yield* Fiber.join(fiber))
        assert.deepStrictEqual(exit.reason, { _tag: "LimitReached", limit: "wall", value: day })
        assert.strictEqual(exit.finishedAt - exit.startedAt, day * 1000)
      }).pipe(Effect.provide(over(hanging, { kind })))
    )

    it.effect("went over its limit of output also when it was over before anybody read that", () =>
      Effect.gen(function* () {
        const { fiber, output, here } = yield* begin({ limits: { outputBytes: 20 } })
        yield* TestClock.adjust("1 minute")
        const exit = Result.getOrThrow(yield* Fiber.join(fiber))
        assert.deepStrictEqual(exit.reason, { _tag: "LimitReached", limit: "output", value: 20 })
        assert.strictEqual(exit.outputBytes, 20)
        assert.strictEqual(output.text(), "as much as there is ")
        yield* nothingLeft(here)
      }).pipe(
        Effect.provide(over({ output: [{ bytes: "as much as there is room for and more\n" }], exit: 0 }, { kind }))
      )
    )

    it.effect("lacked memory if the kernel says so, whatever the engine has heard", () =>
      Effect.gen(function* () {
        const { fiber, spec } = yield* begin()
        yield* TestClock.adjust("1 minute")
        const { reason } = Result.getOrThrow(yield* Fiber.join(fiber))
        assert.deepStrictEqual(reason, { _tag: "OutOfMemory", memoryBytes: spec.limits.memoryBytes })
      }).pipe(Effect.provide(over({ output: [], exit: "out of memory" }, { kind, hidesWantOfMemory: true })))
    )

    it.effect("is silent only since its last byte", () =>
      Effect.gen(function* () {
        const { fiber } = yield* begin({ limits: { silenceSeconds: 60 } })
        yield* TestClock.adjust("1 hour")
        const exit = Result.getOrThrow(yield* Fiber.join(fiber))
        assert.deepStrictEqual(exit.reason, { _tag: "LimitReached", limit: "silence", value: 60 })
        assert.strictEqual(exit.finishedAt - exit.startedAt, (100 + 60) * 1000)
      }).pipe(Effect.provide(over({ ...ticking(100), afterMillis: "never" }, { kind })))
    )

    for (const quirk of [
      { followLosesLast: 7 },
      { followNeverEnds: true },
      { followLosesLast: 7, followNeverEnds: true }
    ]) {
      it.effect(`has its whole log although ${Object.keys(quirk).join(" and ")}`, () =>
        Effect.gen(function* () {
          const { fiber, output } = yield* begin()
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(Result.getOrThrow(yield* Fiber.join(fiber)).outputBytes, ticked(2000).length)
          assert.strictEqual(output.text(), ticked(2000))
        }).pipe(Effect.provide(over(ticking(2000), { kind, ...quirk })))
      )
    }

    it.effect("goes on through an engine's absence, and loses nothing", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const { fiber, output, here } = yield* begin()
        for (let absence = 0; absence < 5; absence++) {
          yield* TestClock.adjust("20500 millis")
          yield* memory.goAway("go on")
          yield* TestClock.adjust("30 seconds")
          yield* memory.comeBack
        }
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(Result.getOrThrow(yield* Fiber.join(fiber)).reason, { _tag: "Exited", code: 4 })
        assert.strictEqual(output.text(), ticked(1500))
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over(ticking(1500, 4), { kind })))
    )

    it.effect("begins once an engine that is away for a moment is back", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const here = yield* ground
        yield* memory.goAway("go on")
        const engine = yield* Engine
        const output = collector()
        const spec = stepOf(here, "step", "", { limits: limitless })
        const fiber = yield* Effect.forkChild(Effect.result(engine.run(spec, output.sink, () => Effect.void)))
        yield* TestClock.adjust("50 seconds")
        yield* memory.comeBack
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(Result.getOrThrow(yield* Fiber.join(fiber)).reason, { _tag: "Exited", code: 4 })
        assert.strictEqual(output.text(), ticked(3))
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over(ticking(3, 4), { kind })))
    )

    it.effect("has its end, and is removed, although the engine is away for a moment when it is over", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const engine = yield* Engine
        const here = yield* ground
        const spec = stepOf(here, "step", "", { limits: limitless })
        const leaves = (event: { readonly _tag: string }) =>
          event._tag === "Exited" ? memory.goAway("go on") : Effect.void
        const fiber = yield* Effect.forkChild(Effect.result(engine.run(spec, collector().sink, leaves)))
        yield* TestClock.adjust("50 seconds")
        yield* memory.comeBack
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(Result.getOrThrow(yield* Fiber.join(fiber)).reason, { _tag: "Exited", code: 4 })
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over(ticking(3, 4), { kind })))
    )

    it.effect("is uncertain when the engine's absence killed it", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const { fiber, here } = yield* begin()
        yield* TestClock.adjust("10 seconds")
        yield* memory.goAway("die")
        yield* TestClock.adjust("30 seconds")
        yield* memory.comeBack
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(Result.getOrThrow(yield* Fiber.join(fiber)).reason._tag, "Uncertain")
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over(hanging, { kind })))
    )

    it.effect(`is ${kind === "docker" ? "uncertain" : "believed"} when it ended while the engine was away`, () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const { fiber, here } = yield* begin()
        yield* TestClock.adjust("5 seconds")
        yield* memory.goAway("go on")
        yield* TestClock.adjust("30 seconds")
        yield* memory.comeBack
        yield* TestClock.adjust("1 minute")
        const { _tag } = Result.getOrThrow(yield* Fiber.join(fiber)).reason
        assert.strictEqual(_tag, kind === "docker" ? "Uncertain" : "Exited")
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over(ticking(20, 3), { kind })))
    )

    it.effect("fails when the engine stays away, and the reaper finds what it left", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const engine = yield* Engine
        const { fiber, spec, here } = yield* begin()
        yield* TestClock.adjust("10 seconds")
        yield* memory.goAway("go on")
        yield* TestClock.adjust("5 minutes")
        const failed = yield* Fiber.join(fiber)
        assert.isTrue(Result.isFailure(failed) && failed.failure.reason === "unreachable")
        yield* memory.comeBack
        assert.lengthOf(yield* engine.list(ownerLabels(here.instance)), 1)
        const nobody = Effect.succeed({
          containers: new Set<string>(),
          images: new Set<string>(),
          making: new Set<string>()
        })
        const reaped = yield* makeReaper(here.instance, nobody).sweep
        assert.deepStrictEqual(
          reaped.map(({ name }) => name),
          [spec.name]
        )
        yield* nothingLeft(here)
      }).pipe(Effect.provide(over(hanging, { kind })))
    )

    it.effect("leaves nothing, whenever it is interrupted", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        for (let millis = 0; millis < 6000; millis += 250) {
          const { fiber, here } = yield* begin()
          yield* TestClock.adjust(`${millis} millis`)
          yield* Effect.forkChild(Fiber.interrupt(fiber))
          yield* TestClock.adjust("1 minute")
          yield* Fiber.await(fiber)
          yield* nothingLeft(here)
        }
        assert.deepStrictEqual(yield* memory.removed, yield* memory.created)
      }).pipe(Effect.provide(over(ticking(5), { kind })))
    )

    it.effect("is believed when it ended while nobody watched, if the engine was there to hear its last lines", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const engine = yield* Engine
        const none = { stdout: 0, stderr: 0 }
        for (const absence of ["none", "at its end", "after its end"]) {
          const here = yield* ground
          const spec = stepOf(here, "step", "", { limits: limitless })
          const left = yield* engine
            .run(spec, collector().sink, () => Effect.void)
            .pipe(Effect.provideService(leaveRunning, Effect.succeed(true)), Effect.forkChild)
          yield* TestClock.adjust("5 seconds")
          yield* Fiber.interrupt(left)
          if (absence === "at its end") yield* memory.goAway("go on")
          yield* TestClock.adjust("1 minute")
          if (absence === "after its end") yield* memory.goAway("go on")
          yield* memory.comeBack
          const output = collector()
          const adopted = yield* Effect.forkChild(engine.adopt(spec, output.sink, () => Effect.void, none))
          yield* TestClock.adjust("1 minute")
          const { _tag } = (yield* Fiber.join(adopted)).reason
          const trusted = kind === "podman" || absence === "none"
          assert.strictEqual(_tag, trusted ? "Exited" : "Uncertain", absence)
          if (trusted) assert.strictEqual(output.text(), ticked(20))
          yield* nothingLeft(here)
        }
      }).pipe(Effect.provide(over(ticking(20, 3), { kind })))
    )

    it.effect("is uncertain when somebody else killed it, or the machine was started anew", () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const engine = yield* Engine
        const { fiber, spec } = yield* begin()
        yield* TestClock.adjust("10 seconds")
        yield* memory.kill(spec.name)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(Result.getOrThrow(yield* Fiber.join(fiber)).reason._tag, "Uncertain")
        const earlier: ContainerSpec = { ...spec, labels: { ...spec.labels, "io.koji.adjutant.boot_id": "boot-0" } }
        const sink: OutputSink = { write: () => Effect.void }
        const left = yield* engine
          .run(earlier, sink, () => Effect.void)
          .pipe(Effect.provideService(leaveRunning, Effect.succeed(true)), Effect.forkChild)
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(left)
        yield* memory.kill(spec.name)
        const none = { stdout: 0, stderr: 0 }
        const adopted = yield* Effect.forkChild(engine.adopt(earlier, sink, () => Effect.void, none))
        yield* TestClock.adjust("1 minute")
        const { reason } = yield* Fiber.join(adopted)
        assert.isTrue(reason._tag === "Uncertain" && reason.detail.includes("started anew"))
      }).pipe(Effect.provide(over(hanging, { kind })))
    )
  })
}

describe("a pull", () => {
  const pulled = (progressMillis: ReadonlyArray<number>, fails?: string) =>
    Effect.gen(function* () {
      const engine = yield* Engine
      const how = {
        policy: "if-not-present",
        timeoutSeconds: 100,
        inactivitySeconds: 10,
        architecture: "x86_64"
      } as const
      const fiber = yield* Effect.forkChild(Effect.result(engine.ensureImage("registry.example/image:1", how)))
      yield* TestClock.adjust("1 hour")
      return yield* Fiber.join(fiber)
    }).pipe(
      Effect.provide(
        over(hanging, {
          registry: [
            { reference: "registry.example/image:1", progressMillis, ...(fails === undefined ? {} : { fails }) }
          ]
        })
      )
    )

  it.effect("takes its time as long as something happens", () =>
    Effect.gen(function* () {
      const image = Result.getOrThrow(yield* pulled(Array.from({ length: 11 }, () => 9000)))
      assert.deepStrictEqual(image.references, ["registry.example/image:1"])
    })
  )

  it.effect("that stands still, or goes on too long, is given up", () =>
    Effect.gen(function* () {
      const still = yield* pulled([1000, 11_000])
      assert.isTrue(Result.isFailure(still) && still.failure.reason === "timeout")
      assert.isTrue(Result.isFailure(still) && still.failure.message.includes("no progress for 10 seconds"))
      const long = yield* pulled(Array.from({ length: 12 }, () => 9000))
      assert.isTrue(Result.isFailure(long) && long.failure.message.includes("not done within 100 seconds"))
    })
  )

  it.effect("that is refused has the registry's words", () =>
    Effect.gen(function* () {
      const refused = yield* pulled([1000], "denied: no such user")
      assert.isTrue(Result.isFailure(refused) && refused.failure.reason === "refused")
      assert.isTrue(Result.isFailure(refused) && refused.failure.message === "denied: no such user")
    })
  )
})
