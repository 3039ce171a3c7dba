/** A step on a Podman whose log files are not for us: its log is read through the engine, in turns. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { Engine, leaveRunning } from "../../src/engine/Engine.ts"
import { layerMemory, MemoryEngine, type MemoryProgram } from "../../src/engine/MemoryEngine.ts"
import { collector, nothingLeft, stepOf } from "../contract/EngineContract.ts"

const reference = "localhost/tools:1"
const ticked = (lines: number) => Array.from({ length: lines }, (_, i) => `line ${i}\n`).join("")
/** A line a second, every third of stderr. */
const ticking = (lines: number, afterMillis: MemoryProgram["afterMillis"] = 0): MemoryProgram => ({
  output: Array.from({ length: lines }, (_, i) => ({
    afterMillis: 1000,
    bytes: `line ${i}\n`,
    from: i % 3 === 2 ? ("stderr" as const) : ("stdout" as const)
  })),
  afterMillis,
  exit: 4
})
const over = (program: MemoryProgram) =>
  Effect.provide(layerMemory({ kind: "podman", hidesLogFiles: true, program: () => program, images: [{ reference }] }))

const stepHere = Effect.fnUntraced(function* (change: Parameters<typeof stepOf>[3] = {}) {
  const engine = yield* Engine
  // The engine is known before time goes by: steps begin at the time that they are begun.
  yield* engine.info
  const image = yield* engine.inspectImage(reference)
  const ground = { image: image?.id ?? "", instance: "turns", bootId: "boot-1" }
  return { engine, ground, spec: stepOf(ground, "step", "", change) }
})
const day = 24 * 3600
const limitless = { limits: { wallSeconds: day, silenceSeconds: day } }
const ignore = () => Effect.void

describe("a log that is read in turns", () => {
  for (const output of ["joined", "apart"] as const) {
    it.effect(`is whole, to the byte, through absences of the engine (${output})`, () =>
      Effect.gen(function* () {
        const memory = yield* MemoryEngine
        const { engine, spec, ground } = yield* stepHere({ ...limitless, output })
        const { sink, text } = collector()
        const fiber = yield* Effect.forkChild(engine.run(spec, sink, ignore))
        for (let absence = 0; absence < 3; absence++) {
          yield* TestClock.adjust("20500 millis")
          yield* memory.goAway("go on")
          yield* TestClock.adjust("30 seconds")
          yield* memory.comeBack
        }
        yield* TestClock.adjust("10 minutes")
        const exit = yield* Fiber.join(fiber)
        assert.deepStrictEqual(exit.reason, { _tag: "Exited", code: 4 })
        assert.strictEqual(exit.missingBytes, 0)
        if (output === "joined") assert.strictEqual(text(), ticked(200))
        assert.deepStrictEqual(sorted(text()), sorted(ticked(200)))
        yield* nothingLeft(ground)
      }).pipe(over(ticking(200)))
    )
  }

  it.effect("is never ahead of what was said, and not far behind", () =>
    Effect.gen(function* () {
      const { engine, spec } = yield* stepHere(limitless)
      const { sink, text } = collector()
      const fiber = yield* Effect.forkChild(engine.run(spec, sink, ignore))
      for (let second = 1; second <= 30; second++) {
        yield* TestClock.adjust("1 second")
        assert.isTrue(ticked(second).startsWith(text()), `after ${second} seconds: ${text()}`)
        assert.isAtLeast(text().length, ticked(second - 4).length)
      }
      yield* Fiber.interrupt(fiber)
    }).pipe(over(ticking(100)))
  )

  it.effect("lets a step be silent only since it was last heard", () =>
    Effect.gen(function* () {
      const { engine, spec } = yield* stepHere({ limits: { wallSeconds: day, silenceSeconds: 4 } })
      const fiber = yield* Effect.forkChild(engine.run(spec, collector().sink, ignore))
      yield* TestClock.adjust("1 hour")
      const exit = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exit.reason, { _tag: "LimitReached", limit: "silence", value: 4 })
      assert.isAtLeast(exit.finishedAt - exit.startedAt, (100 + 4) * 1000)
      assert.isAtMost(exit.finishedAt - exit.startedAt, (100 + 4 + 1) * 1000)
    }).pipe(over(ticking(100, "never")))
  )

  it.effect("is taken up by the next daemon where the last one left it", () =>
    Effect.gen(function* () {
      const { engine, spec } = yield* stepHere(limitless)
      const { sink, text } = collector()
      const left = yield* engine
        .run(spec, sink, ignore)
        .pipe(Effect.provideService(leaveRunning, Effect.succeed(true)), Effect.forkChild)
      yield* TestClock.adjust("33500 millis")
      yield* Fiber.interrupt(left)
      assert.isAbove(text().length, 100)
      const held = { stdout: text().length, stderr: 0 }
      const adopted = yield* Effect.forkChild(Effect.result(engine.adopt(spec, sink, ignore, held)))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(Result.getOrThrow(yield* Fiber.join(adopted)).missingBytes, 0)
      assert.strictEqual(text(), ticked(100))
    }).pipe(over(ticking(100)))
  )
})

const sorted = (text: string): ReadonlyArray<string> => text.split("\n").toSorted()
