/**
 * `scripts/chaos --rounds N --seed S [--engine docker|podman]`: real builds, a disaster in each, and a
 * table of what became of them.
 */
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { System } from "../e2e/system.ts"
import type { EngineName } from "../engines.ts"
import { disasters, failpointsOf } from "./Disasters.ts"
import { build, judge, type Outcome, storm, type Verdict } from "./Round.ts"

const say = (text: string) => void process.stdout.write(`${text}\n`)
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seed: { type: "string", default: "1" },
    engine: { type: "string", default: "docker" }
  }
})
const [rounds, seed] = [Number(values.rounds), Number(values.seed)]
if (!(Number.isSafeInteger(rounds) && rounds > 0 && Number.isSafeInteger(seed))) {
  process.stderr.write("chaos: --rounds and --seed are whole numbers\n")
  process.exit(2)
}
const engine: EngineName = values.engine === "podman" ? "podman" : "docker"
/** A builder that has made its images goes another way than a new one. */
const roundsOfABuilder = 5

const row = (round: number | string, { disaster, outcome, logs, problems }: Verdict): string =>
  [
    String(round).padStart(5),
    disaster.padEnd(58),
    outcome.state.padEnd(8),
    String(outcome.attempts).padStart(8),
    `${(outcome.millis / 1000).toFixed(1)} s`.padStart(8),
    logs.padEnd(14),
    problems.length === 0 ? "well" : problems.join("; ")
  ].join("  ")

const program = Effect.gen(function* () {
  const system = yield* System
  const source = yield* storm(`${system.directory}/sources`)
  const first = yield* system.builder({ name: "calm", apart: true })
  const cold = yield* build(first, source)
  const warm = yield* build(first, source)
  const expected: Outcome = cold.outcome
  say(
    `undisturbed: ${(cold.outcome.millis / 1000).toFixed(1)} s, and ${(warm.outcome.millis / 1000).toFixed(1)} s with its images made`
  )
  say(`failpoints: ${failpointsOf(cold.outcome.events).length}`)
  say(`\nround  disaster${" ".repeat(52)}ended     attempts      time  build.log       verdict`)
  const chosen = disasters(seed, { millis: warm.outcome.millis, events: cold.outcome.events, engine: true })
  let builder = first
  let wrong = 0
  for (let round = 1; round <= rounds; round++) {
    if (round % roundsOfABuilder === 1) builder = yield* system.builder({ name: `storm${round}`, apart: true })
    const disaster = chosen.next().value
    const verdict = yield* build(builder, source, disaster).pipe(
      Effect.flatMap((built) =>
        Effect.map(judge(builder, disaster, built, expected), (found) => ({ ...found, said: built.said }))
      )
    )
    say(row(round, verdict))
    if (verdict.problems.length > 0) {
      wrong++
      say(verdict.said)
    }
  }
  say(`\n${rounds} rounds on ${engine}, seed ${seed}: ${wrong} went wrong`)
  return wrong
})

const wrong = await Effect.runPromise(program.pipe(Effect.provide(System.layer(engine, () => Effect.succeed([])))))
process.exit(wrong === 0 ? 0 : 1)
