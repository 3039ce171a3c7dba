import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { goingOn } from "../../src/daemon/Tidying.ts"

describe("what tidies up beside the loop", () => {
  it.effect("goes on after a defect of one round, by itself, and ends with its scope", () =>
    Effect.gen(function* () {
      const rounds = { ill: 0, well: 0 }
      const ill = Effect.suspend(() => (++rounds.ill <= 2 ? Effect.die("the disk does not answer") : Effect.never))
      const well = Effect.forever(
        Effect.andThen(
          Effect.sync(() => rounds.well++),
          Effect.sleep("1 minute")
        )
      )
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* goingOn("ill", ill)
          yield* goingOn("well", well)
          yield* TestClock.adjust("10 minutes")
        })
      )
      assert.deepStrictEqual(rounds, { ill: 3, well: 11 })
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(rounds, { ill: 3, well: 11 })
    })
  )
})
