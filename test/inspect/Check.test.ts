import { assert, describe, expect, it } from "@effect/vitest"
import { Equal } from "effect"
import { happened } from "../../src/core/AttemptEvent.ts"
import { replay } from "../../src/core/AttemptState.ts"
import { StepPath } from "../../src/core/Ids.ts"
import { historyCheck } from "../../src/inspect/Check.ts"
import { momentAfter } from "../../src/inspect/Moment.ts"
import { momentText } from "../../src/inspect/MomentText.ts"
import { historyFrom } from "../core/generate.ts"
import * as Examples from "./examples.ts"

const checked = (events: Parameters<typeof replay>[0]) => {
  const check = historyCheck()
  for (const event of events) check.add(event)
  return check.found()
}

const eventsOf = (story: Examples.Story) => story.events.map(({ event }) => event)

describe("the check of a history", () => {
  it("finds nothing wrong with what the core has made", () => {
    for (let seed = 0; seed < 300; seed++) {
      const { brokenPromise, impossibleEvent } = checked(historyFrom(seed, 60).events)
      assert.isNull(brokenPromise)
      assert.isNull(impossibleEvent)
    }
  })

  it("finds the first event that the core would not have recorded, and the first promise that is broken", () => {
    const events = eventsOf(Examples.good())
    const removal = events.findIndex((event) => event._tag === "ContainerRemoved")
    const { brokenPromise, impossibleEvent } = checked(events.toSpliced(removal, 1))
    assert.strictEqual(impossibleEvent?.line, removal + 1)
    assert.match(impossibleEvent?.message ?? "", /^StepSucceeded: .* still has /)
    assert.strictEqual(brokenPromise?.line, removal + 1)
  })

  it("finds an event that breaks no promise and cannot have happened all the same", () => {
    const events = eventsOf(Examples.unfinished())
    const never = happened.StepIntended.make({ step: StepPath.make("openTask"), rule: "repeat", input: "0" })
    const { impossibleEvent } = checked([...events, never])
    assert.match(impossibleEvent?.message ?? "", /^StepIntended: openTask has its outcome/)
  })

  it("keeps what a program is to be given: the acceptance, the steps in their order, the state before the decision", () => {
    const events = eventsOf(Examples.failed())
    const decided = events.findIndex((event) => event._tag === "ResultDecided")
    const found = checked(events)
    assert.strictEqual(found.accepted?.method, "buildArch")
    assert.deepStrictEqual(found.paths.slice(0, 3), ["openTask", "weight", "source"])
    assert.isTrue(Equal.equals(found.undecided, replay(events.slice(0, decided))))
    assert.strictEqual(found.outcome?._tag, "Fault")
    assert.strictEqual(found.prefixes, events.length + 1)
  })
})

describe("a moment of an attempt", () => {
  const momentOf = (story: Examples.Story, events: number | null) => {
    const moment = momentAfter(events)
    for (const { event, at } of story.events) moment.add(event, at)
    return moment.moment()
  }

  it("is what the core held then, at every point of every history", () => {
    for (let seed = 0; seed < 100; seed++) {
      const { events, states } = historyFrom(seed, 60)
      for (let count = 1; count <= events.length; count++) {
        const moment = momentAfter(count)
        for (const event of events) moment.add(event, 0)
        const held = states[count]
        assert.isTrue(
          held?._tag === "Unknown" ? moment.moment() === undefined : Equal.equals(moment.moment()?.state, held)
        )
      }
    }
  })

  it("is none beyond the end", () => {
    const story = Examples.good()
    assert.isDefined(momentOf(story, story.events.length))
    assert.isUndefined(momentOf(story, story.events.length + 1))
  })

  it("can be read, and keeps to its width and to what a terminal can be shown", () => {
    for (const story of [
      Examples.good(),
      Examples.failed(),
      Examples.canceled(),
      Examples.recovered(),
      Examples.hostile()
    ]) {
      for (let count = 1; count <= story.events.length; count++) {
        const moment = momentOf(story, count)
        if (moment === undefined) continue
        for (const line of momentText(moment, story.events.length, { width: 80, colours: false }).split("\n")) {
          assert.isAtMost(line.length, 80)
          assert.match(line, /^[\x20-\x7e]*$/)
        }
      }
    }
  })

  it("reads like this", async () => {
    const moment = momentOf(Examples.failed(), 20)
    const text = moment === undefined ? "" : momentText(moment, 31, { width: 80, colours: false })
    await expect(`${text}\n`).toMatchFileSnapshot("golden/moment-80.txt")
  })
})
