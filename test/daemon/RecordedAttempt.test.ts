import { assert, describe, it } from "@effect/vitest"
import { Effect, type Schema } from "effect"
import { type AttemptEvent, happened, Outcome, StepValue } from "../../src/core/AttemptEvent.ts"
import { replay } from "../../src/core/AttemptState.ts"
import { AttemptNumber, InstanceId, StepPath, TaskId } from "../../src/core/Ids.ts"
import { type ProgramFinding, runRecorded } from "../../src/daemon/RecordedAttempt.ts"
import { digestOf } from "../../src/journal/Canonical.ts"
import { ValueMissing } from "../../src/journal/ReplayDoor.ts"

const accepted = (method = "tagBuild", request: Schema.Json = ["dest", 12, false, null, true]) =>
  happened.Accepted.make({
    task: TaskId.make(7),
    attempt: AttemptNumber.make(1),
    method,
    arch: "noarch",
    request,
    instance: InstanceId.make("i"),
    bootId: "b",
    version: "0"
  })

const step = (path: string, value: Schema.Json, input: Schema.Json = null): ReadonlyArray<AttemptEvent> => [
  happened.StepIntended.make({ step: StepPath.make(path), rule: "repeat", input: digestOf(input) }),
  happened.StepSucceeded.make({ step: StepPath.make(path), value: { _tag: "Inline", value } })
]
const failing = (path: string, error: Schema.Json, input: Schema.Json = null): ReadonlyArray<AttemptEvent> => [
  happened.StepIntended.make({ step: StepPath.make(path), rule: "repeat", input: digestOf(input) }),
  happened.StepFailed.make({ step: StepPath.make(path), error })
]

/** What the runner does first, then what `tagBuild` asks for. */
const opened = [...step("openTask", true, 7), ...step("open/weight", null)]
const looked = [...step("owner", 3), ...step("build", { id: 12, name: "hello" }), ...step("tag", 5)]
const tagged = step("tagBuild", null, ["dest", 12, false, null])
const whole = [...opened, ...looked, ...tagged, ...step("notify/success", null)]
const success = Outcome.cases.Success.make({ result: StepValue.cases.Inline.make({ value: null }), files: [] })

const find = (
  events: ReadonlyArray<AttemptEvent>,
  outcome: Outcome | null,
  first = accepted()
): Effect.Effect<ProgramFinding> => {
  const state = replay([first, ...events])
  if (state._tag === "Unknown") throw new Error("not accepted")
  // Needs nothing: no engine, no hub, no disk. The type says so.
  return runRecorded({
    accepted: first,
    state,
    paths: events.flatMap((event) => (event._tag === "StepIntended" ? [event.step] : [])),
    outcome,
    value: (value) =>
      value._tag === "Inline"
        ? Effect.succeed(value.value)
        : Effect.fail(new ValueMissing({ digest: value.digest, bytes: value.bytes, message: "gone" }))
  })
}

describe("a recorded attempt's program, run again", () => {
  it.effect("comes to the result that was recorded", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* find(whole, success), { _tag: "SameResult", steps: 5 })
    })
  )

  it.effect("comes to the failure that was recorded, having cleaned up as it did then", () =>
    Effect.gen(function* () {
      const error = { _tag: "KojiFault", code: 1003, message: "no such tag: dest" }
      const events = [
        ...opened,
        ...step("owner", 3),
        ...step("build", { id: 12, name: "hello" }),
        ...failing("tag", error),
        ...step("notify/failure", null)
      ]
      const fault = Outcome.cases.Fault.make({ code: 1003, message: "no such tag: dest" })
      assert.deepStrictEqual(yield* find(events, fault), { _tag: "SameResult", steps: 4 })
      const other = Outcome.cases.Fault.make({ code: 1000, message: "no such tag: dest" })
      assert.deepInclude(yield* find(events, other), { _tag: "OtherResult", recorded: other })
    })
  )

  it.effect("comes to the end of every prefix of its record, and to nothing else", () =>
    Effect.gen(function* () {
      for (let length = 0; length < whole.length; length++) {
        const finding = yield* find(whole.slice(0, length), null)
        assert.strictEqual(finding._tag, "RecordEnds", `${length} events`)
      }
      assert.deepStrictEqual(yield* find(whole, null), { _tag: "Ended", steps: 5, outcome: success, recorded: null })
    })
  )

  it.effect("differs at the first step that is asked otherwise", () =>
    Effect.gen(function* () {
      const events = [...opened, ...looked, ...step("tagBuild", null, ["dest", 13, false, null])]
      assert.deepInclude(yield* find(events, null), { _tag: "Differs", path: "tagBuild", steps: 3 })
    })
  )

  it.effect("differs when it no longer asks for something that was done", () =>
    Effect.gen(function* () {
      const finding = yield* find([...whole, ...step("untag", null)], success)
      assert.deepStrictEqual(finding, { _tag: "NeverAsked", path: "untag", steps: 5 })
    })
  )

  it.effect("leaves it to the runner to give a task back, whatever the program came to", () =>
    Effect.gen(function* () {
      const recorded = Outcome.cases.Freed.make({ reason: "the daemon is stopping" })
      assert.deepInclude(yield* find(whole, recorded), { _tag: "Ended", outcome: success, recorded })
    })
  )

  it.effect("fails for parameters that do not fit, as it did then", () =>
    Effect.gen(function* () {
      const message = "tagBuild() missing 2 required positional arguments: 'tag_id' and 'build_id'"
      const fault = Outcome.cases.Fault.make({ code: 1019, message })
      assert.deepStrictEqual(yield* find(opened, fault, accepted("tagBuild", [])), { _tag: "SameResult", steps: 0 })
    })
  )

  it.effect("is none for a task that this version does not know", () =>
    Effect.gen(function* () {
      const finding = yield* find(opened, null, accepted("winbuild", []))
      assert.deepStrictEqual(finding, { _tag: "NoProgram", method: "winbuild", steps: 0 })
    })
  )
})
