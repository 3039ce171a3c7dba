/** Who asks something of an engine, and finds it away. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { EngineError } from "../../src/engine/Engine.ts"
import { makePatience } from "../../src/engine/Patience.ts"

const error = (reason: EngineError["reason"]) =>
  new EngineError({ operation: "ask", subject: "engine", reason, message: `it is ${reason}` })

interface Engine {
  /** From and to, in seconds. */
  readonly away: ReadonlyArray<readonly [number, number]>
  /** A call is not answered even while the engine is there. */
  readonly deaf?: boolean
}

/** Time begins at nought; each call is answered at once. */
const make = ({ away, deaf = false }: Engine) => {
  let asked = 0
  const there = Effect.flatMap(Clock.currentTimeMillis, (now) =>
    away.some(([from, to]) => now >= from * 1000 && now < to * 1000) ? Effect.fail(error("unreachable")) : Effect.void
  )
  const call = Effect.suspend(() => {
    asked++
    return Effect.andThen(there, deaf ? Effect.fail(error("unreachable")) : Effect.succeed("done"))
  })
  return { patience: makePatience(there), call, asked: () => asked }
}

const isUnreachable = (result: Result.Result<unknown, EngineError> | undefined) =>
  result !== undefined && Result.isFailure(result) && result.failure.reason === "unreachable"

describe("a call that finds the engine away", () => {
  it.effect("is made again once it is back", () =>
    Effect.gen(function* () {
      const { patience, call, asked } = make({ away: [[0, 50]] })
      const fiber = yield* Effect.forkChild(patience.ask(call))
      yield* TestClock.adjust("49 seconds")
      assert.strictEqual(asked(), 1)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), "done")
      assert.strictEqual(asked(), 2)
    })
  )

  it.effect("fails when it has been away for a minute, and not before", () =>
    Effect.gen(function* () {
      const { patience, call } = make({ away: [[0, 3600]] })
      const fiber = yield* Effect.forkChild(Effect.result(patience.ask(call)))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isTrue(isUnreachable(yield* Fiber.join(fiber)))
    })
  )

  it.effect("is not waited for longer than whoever made the engine's client wants", () =>
    Effect.gen(function* () {
      const patience = makePatience(Effect.fail(error("unreachable")), 2000)
      const fiber = yield* Effect.forkChild(Effect.result(patience.ask(Effect.fail(error("unreachable")))))
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(isUnreachable(yield* Fiber.join(fiber)))
    })
  )

  it.effect("is not waited for longer by one whose engine takes the question and says nothing", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(
        Effect.result(makePatience(Effect.never).ask(Effect.fail(error("unreachable"))))
      )
      yield* TestClock.adjust("1 minute")
      assert.isTrue(isUnreachable(yield* Fiber.join(fiber)))
    })
  )

  it.effect("is made ten times more of an engine that answers all but this", () =>
    Effect.gen(function* () {
      const { patience, call, asked } = make({ away: [], deaf: true })
      const fiber = yield* Effect.forkChild(Effect.result(patience.ask(call)))
      yield* TestClock.adjust("1 minute")
      assert.isTrue(isUnreachable(yield* Fiber.join(fiber)))
      assert.strictEqual(asked(), 11)
    })
  )

  it.effect("is not made again when there is no use in it any more, or for another failure", () =>
    Effect.gen(function* () {
      const { patience, call, asked } = make({ away: [[0, 1]] })
      assert.isTrue(isUnreachable(yield* Effect.result(patience.ask(call, () => false))))
      assert.strictEqual(asked(), 1)
      for (const reason of ["missing", "refused", "timeout"] as const) {
        assert.strictEqual((yield* Effect.flip(patience.ask(Effect.fail(error(reason))))).reason, reason)
      }
    })
  )
})

describe("a vigil", () => {
  it.effect("sees any number of absences, and knows each of them afterwards", () =>
    Effect.gen(function* () {
      const absences = Array.from({ length: 30 }, (_, n) => [100 * n + 10, 100 * n + 40] as const)
      const { patience, call } = make({ away: absences })
      const vigil = patience.vigil()
      assert.isUndefined(vigil.firstMissed())
      /** Asks every second, as one does who reads a log. */
      const reading = Effect.andThen(vigil.ask(call), Effect.sleep("1 second")).pipe(Effect.forever)
      const fiber = yield* Effect.forkChild(reading)
      yield* TestClock.adjust("3000 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      assert.strictEqual(vigil.firstMissed(), "it is unreachable")
      for (const [from, to] of absences) {
        // It may have stopped reading a moment before that was noticed.
        assert.deepStrictEqual(
          [from - 5, from, from + 15, to - 1, to + 5].map((second) => vigil.wasAwayAt(second * 1000)),
          [false, true, true, true, false]
        )
      }
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("ends when the engine is away for a minute, though it showed itself for a moment", () =>
    Effect.gen(function* () {
      const { patience, call } = make({
        away: [
          [0, 30],
          [33, 3600]
        ]
      })
      const vigil = patience.vigil()
      const reading = Effect.forever(Effect.andThen(vigil.ask(call), Effect.sleep("1 second")))
      const fiber = yield* Effect.forkChild(Effect.result(reading))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(isUnreachable(yield* Fiber.join(fiber)))
    })
  )

  it.effect("ends when an engine answers all but what is asked, for a minute", () =>
    Effect.gen(function* () {
      const { patience, call } = make({ away: [], deaf: true })
      const fiber = yield* Effect.forkChild(Effect.result(patience.vigil().ask(call)))
      yield* TestClock.adjust("59 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      assert.isTrue(isUnreachable(yield* Fiber.join(fiber)))
    })
  )

  it.effect("waits once with all that watch, and for as long as with one", () =>
    Effect.gen(function* () {
      const { patience, call } = make({ away: [[0, 3600]] })
      const vigil = patience.vigil()
      const late = Effect.andThen(Effect.sleep("30 seconds"), vigil.ask(call))
      const fiber = yield* Effect.forkChild(
        Effect.all([Effect.result(vigil.ask(call)), Effect.result(late)], { concurrency: 2 })
      )
      yield* TestClock.adjust("61 seconds")
      assert.isTrue((yield* Fiber.join(fiber)).every(isUnreachable))
    })
  )
})
