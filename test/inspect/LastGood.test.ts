import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import { buildFacts, valuesOfInterest } from "../../src/inspect/diff/BuildFacts.ts"
import { earlierLike, isGoodAndLike } from "../../src/inspect/LastGood.ts"
import { nothingAround } from "../../src/inspect/Surroundings.ts"
import type { TimedEvent } from "../../src/inspect/Timeline.ts"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import { valueAround } from "../../src/inspect/Values.ts"
import { buildStory } from "./builds.ts"
import * as Examples from "./examples.ts"

let state = ""
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "adjutant-good-"))
})
afterEach(() => rmSync(state, { recursive: true }))

/** The history as another task's, some milliseconds later. */
const asTask = (events: ReadonlyArray<TimedEvent>, task: number, later: number): ReadonlyArray<TimedEvent> =>
  events.map(({ at, event }) => ({
    at: at + later,
    event: event._tag === "Accepted" ? { ...event, task: TaskId.make(task) } : event
  }))

const write = (task: number, later: number, changes: Parameters<typeof buildStory>[0] = {}) => {
  const file = join(state, "tasks", String(task), "1.jsonl")
  mkdirSync(dirname(file), { recursive: true })
  const events = asTask(buildStory(changes).events, task, later)
  writeFileSync(
    file,
    Examples.journalOf(events, { kind: "attempt", task: TaskId.make(task), attempt: AttemptNumber.make(1) })
  )
  return events
}

const factsOf = Effect.fnUntraced(function* (events: ReadonlyArray<TimedEvent>) {
  const values = valuesOfInterest()
  for (const { event } of events) values.add(event)
  const timeline = timelineOf(events)
  if (timeline === null) throw new Error("no timeline")
  return yield* buildFacts(timeline, values.values, valueAround(nothingAround), Effect.succeed(undefined))
})

describe("the last good build", () => {
  it.effect("is looked for among the earlier ones of the same kind, arch and package, the newest first", () =>
    Effect.gen(function* () {
      write(1, 0)
      write(2, 1_000)
      write(3, 2_000)
      write(5, 9_000)
      writeFileSync(join(state, "tasks/3/1.jsonl.torn-4"), "x")
      writeFileSync(join(state, "tasks/3/2.jsonl"), "no journal\n")
      const facts = yield* factsOf(write(4, 3_000))
      const { candidates, looked } = yield* earlierLike(state, facts)
      assert.deepStrictEqual(
        candidates.map(({ file }) => file.slice(state.length)),
        ["/tasks/3/1.jsonl", "/tasks/2/1.jsonl", "/tasks/1/1.jsonl"]
      )
      assert.strictEqual(looked, 6)
    })
  )

  it.effect("went well, of the same package, in the same tag", () =>
    Effect.gen(function* () {
      const mine = yield* factsOf(buildStory({ status: 1 }).events)
      const like = (changes: Parameters<typeof buildStory>[0]) =>
        Effect.map(factsOf(buildStory(changes).events), (other) => isGoodAndLike(mine, other))
      assert.isTrue(yield* like({ release: "0" }))
      assert.isFalse(yield* like({ status: 1 }))
      assert.isFalse(yield* like({ name: "hello-doc" }))
      assert.isFalse(yield* like({ tag: "f41-build" }))
    })
  )

  it.effect("is none where there are no journals", () =>
    Effect.gen(function* () {
      const facts = yield* factsOf(buildStory().events)
      assert.deepStrictEqual(yield* earlierLike(join(state, "nowhere"), facts), { candidates: [], looked: 0 })
    })
  )
})
