/**
 * Journals of every version of the schema, as programs of that version wrote them: read for ever, and to the same state.
 *
 * `NAME.jsonl` is a task of one kind with one end; `NAME.state.json` is what it added up to when it was recorded
 * (`record.ts`, and for version 1 a run of the whole system). Neither is ever changed.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AttemptEvent, Outcome } from "../../src/core/AttemptEvent.ts"
import { violations } from "../../src/core/Invariants.ts"
import { lineVersion } from "../../src/journal/Line.ts"
import { methods } from "../../src/tasks/Registry.ts"
import { assertReplays } from "../tasks/replaying.ts"
import { read } from "./reading.ts"

const versions = readdirSync(import.meta.dirname).filter((name) => /^v\d+$/.test(name))
const goldens = versions.flatMap((version) =>
  readdirSync(join(import.meta.dirname, version))
    .filter((name) => name.endsWith(".jsonl"))
    .map((name) => ({ version, name, path: join(import.meta.dirname, version, name) }))
)

type Members = { readonly [name: string]: unknown }
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Without what states have learnt to hold since: a container's record has members of its own, and all else has names. */
const asRecorded = (state: unknown, recorded: unknown): unknown => {
  if (!isMembers(state) || !isMembers(recorded)) return state
  const isContainer = Object.hasOwn(recorded, "phase")
  const names = Object.keys(state).filter((name) => !isContainer || Object.hasOwn(recorded, name))
  return Object.fromEntries(names.map((name) => [name, asRecorded(state[name], recorded[name])]))
}

describe("golden journals", () => {
  for (const { version, name, path } of goldens) {
    it.effect(`${version}/${name} is whole, lawful, and adds up to what it did`, () =>
      Effect.gen(function* () {
        const { scan, events, state, check } = yield* read(path)
        assert.isNull(scan.problem)
        assert.deepStrictEqual(violations(events), [])
        assert.isNull(check.impossibleEvent)
        const recorded = JSON.parse(readFileSync(path.replace(/\.jsonl$/, ".state.json"), "utf8"))
        assert.deepStrictEqual(asRecorded(state, recorded), recorded)
      })
    )
  }

  for (const { version, name, path } of goldens.filter((golden) => golden.version === `v${lineVersion}`)) {
    it.effect(`${version}/${name} is what the program of this version would do again`, () =>
      Effect.gen(function* () {
        const { events } = yield* read(path)
        yield* assertReplays(events, ({ _tag, ...value }) =>
          "value" in value ? Effect.succeed(value.value) : Effect.die(new Error(`${_tag}: kept elsewhere`))
        )
      })
    )
  }

  it("are there for every version", () => {
    assert.deepStrictEqual(
      versions.sort(),
      Array.from({ length: lineVersion }, (_, at) => `v${at + 1}`)
    )
  })

  it.effect("have every kind of event, every end, and every kind of task", () =>
    Effect.gen(function* () {
      const events = (yield* Effect.forEach(goldens, ({ path }) => read(path))).flatMap((golden) => golden.events)
      const tags = new Set(events.map(({ _tag }) => _tag))
      assert.deepStrictEqual(
        Object.keys(AttemptEvent.cases).filter((tag) => ![...tags].some((seen) => seen === tag)),
        ["Noted"]
      )
      const ends = new Set(events.flatMap((event) => (event._tag === "ResultDecided" ? [event.outcome._tag] : [])))
      assert.sameMembers([...ends], Object.keys(Outcome.cases))
      const kinds = new Set(events.flatMap((event) => (event._tag === "Accepted" ? [event.method] : [])))
      assert.sameMembers([...kinds], [...methods])
    })
  )
})
