import { assert, describe, it } from "@effect/vitest"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import { historyFrom } from "../core/generate.ts"
import * as Examples from "./examples.ts"

const of = (story: Examples.Story) => {
  const timeline = timelineOf(story.events)
  if (timeline === null) throw new Error("no timeline")
  return timeline
}

describe("a timeline", () => {
  it("has every step with its interval, and its containers with theirs", () => {
    const timeline = of(Examples.good())
    assert.deepStrictEqual(
      timeline.steps.map((step) => step.path),
      ["openTask", "weight", "source", "arch", "buildroot/row", "buildroot/base", "build/rpmbuild"]
    )
    const [container, ...others] = timeline.steps.at(-1)?.containers ?? []
    assert.deepStrictEqual(others, [])
    assert.strictEqual((container?.exitedAt ?? 0) - (container?.startedAt ?? 0), 251_000)
    assert.deepStrictEqual(container?.exit?.reason, { _tag: "Exited", code: 0 })
    assert.isTrue(timeline.steps.every((step) => step.outcome === "succeeded" && step.settledAt !== null))
    assert.isNull(timeline.failedIn)
    assert.strictEqual(timeline.concluded?.how, "closed")
  })

  it("leads to the step whose command failed when the steps themselves went well", () => {
    assert.deepStrictEqual(of(Examples.failed()).failedIn, {
      step: "build/rpmbuild",
      container: "adjutant-3f2a9c01-4711-1-build-rpmbuild",
      because: "its command failed"
    })
  })

  it("leads to the step that failed with the task's own words", () => {
    assert.strictEqual(of(Examples.limited()).failedIn?.because, "its failure is the task's")
  })

  it("leads to what was running when the task was canceled, or when the record ends", () => {
    for (const story of [Examples.canceled(), Examples.unfinished()]) {
      assert.strictEqual(of(story).failedIn?.step, "build/rpmbuild")
      assert.strictEqual(of(story).failedIn?.because, "it was running")
    }
  })

  it("keeps both runs of a step that was run again, and how long nobody was there", () => {
    const timeline = of(Examples.recovered())
    assert.strictEqual(timeline.steps.at(-1)?.containers.length, 2)
    assert.deepStrictEqual(
      timeline.marks.map((mark) => mark._tag),
      ["Note", "Resumed"]
    )
    assert.deepInclude(timeline.marks[1] ?? {}, { silentFor: 95_000, version: "0.1.1" })
  })

  it("follows a log as it grows, until it is whole", () => {
    const [growing] = of(Examples.growing()).uploads
    assert.deepInclude(growing ?? {}, { name: "build.log", bytes: 70_000, whole: false })
  })

  it("is none for a history without a beginning", () => {
    assert.isNull(timelineOf([]))
    assert.isNull(timelineOf(Examples.good().events.slice(1)))
  })

  it("is made of every history that there can be, and loses no step, container or upload", () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const { events } = historyFrom(seed, 60)
      const timeline = timelineOf(events.map((event, index) => ({ at: index * 1000, event })))
      const count = (tag: string) => events.filter((event) => event._tag === tag).length
      if (timeline === null) {
        assert.notStrictEqual(events[0]?._tag, "Accepted")
        continue
      }
      assert.strictEqual(timeline.steps.length, count("StepIntended"))
      assert.strictEqual(timeline.steps.flatMap((step) => step.containers).length, count("ContainerIntended"))
      assert.strictEqual(timeline.decided !== null, count("ResultDecided") === 1)
      assert.strictEqual(timeline.concluded !== null, count("Concluded") === 1)
      if (timeline.failedIn !== null) {
        assert.include(
          timeline.steps.map((step) => step.path),
          timeline.failedIn.step
        )
      }
    }
  })
})
