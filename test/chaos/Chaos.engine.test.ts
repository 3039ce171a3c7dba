/** A few rounds of chaos on each engine; the engine itself is left alive, for others use it. `scripts/chaos` does more. */
import { assert, describe, layer } from "@effect/vitest"
import { Effect } from "effect"
import { System } from "../e2e/system.ts"
import { patient } from "../e2e/until.ts"
import { disasters } from "./Disasters.ts"
import { build, judge, storm } from "./Round.ts"

const rounds = 3

describe.each(["docker", "podman"] as const)("a disaster in the middle of a build on %s", (engine) => {
  layer(
    System.layer(engine, () => Effect.succeed([])),
    { excludeTestServices: true, timeout: patient }
  )((it) => {
    it.effect(
      "changes nothing of what comes of it",
      () =>
        Effect.gen(function* () {
          const system = yield* System
          const source = yield* storm(`${system.directory}/sources`)
          const builder = yield* system.builder({ name: "storm", apart: true })
          const { outcome } = yield* build(builder, source)
          const { millis } = outcome
          const chosen = disasters(engine === "docker" ? 1 : 2, { millis, events: outcome.events, engine: false })
          for (let round = 1; round <= rounds; round++) {
            const disaster = chosen.next().value
            const verdict = yield* judge(builder, disaster, yield* build(builder, source, disaster), outcome)
            assert.deepStrictEqual(verdict.problems, [], verdict.disaster)
          }
        }),
      patient
    )
  })
})
