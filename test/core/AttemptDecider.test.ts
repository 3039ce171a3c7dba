import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { type AttemptCommand, order } from "../../src/core/AttemptCommand.ts"
import { decide } from "../../src/core/AttemptDecider.ts"
import { type AttemptEvent, happened } from "../../src/core/AttemptEvent.ts"
import { replay } from "../../src/core/AttemptState.ts"
import { ContainerName, StepPath } from "../../src/core/Ids.ts"
import { accept } from "./generate.ts"

const step = StepPath.make("build/1")
const container = ContainerName.make("adjutant-i-7-1-build-1")
const intend = order.IntendStep.make({ step, rule: "ask", input: "x" })
const run = order.IntendContainer.make({ container, step, spec: {}, capture: "build-1.out", logs: ["build.log"] })
const remove = order.ConfirmRemoved.make({ container })
const succeed = order.SucceedStep.make({
  step,
  value: { _tag: "Inline", value: 1 }
})
const stop = order.RequestStop.make({ reason: "canceled", detail: "" })
const closeWith = (...files: ReadonlyArray<string>) =>
  order.DecideResult.make({
    outcome: {
      _tag: "Success",
      result: { _tag: "Inline", value: null },
      files
    }
  })

/** The history that these orders make; every one of them must be lawful. */
const made = (...commands: ReadonlyArray<AttemptCommand>): ReadonlyArray<AttemptEvent> => {
  const history: Array<AttemptEvent> = []
  for (const command of [accept, ...commands]) {
    const decision = decide(replay(history), command)
    assert.isTrue(Result.isSuccess(decision), `${command._tag} was rejected`)
    if (Result.isSuccess(decision)) history.push(...decision.success)
  }
  return history
}
const when = (history: ReadonlyArray<AttemptEvent>, command: AttemptCommand) => decide(replay(history), command)
const isRejected = (history: ReadonlyArray<AttemptEvent>, command: AttemptCommand, words: string) => {
  const decision = when(history, command)
  assert.isTrue(Result.isFailure(decision))
  if (Result.isFailure(decision)) assert.include(decision.failure.message, words)
}

describe("an attempt", () => {
  it("is accepted once", () => {
    isRejected(made(), accept, "accepted before")
    isRejected([], intend, "not been accepted")
  })

  it("settles a step only when its containers are gone", () => {
    isRejected(made(intend, run), succeed, container)
    assert.strictEqual(made(intend, run, remove, succeed).at(-1)?._tag, "StepSucceeded")
  })

  it("gives a step one outcome", () => {
    isRejected(made(intend, succeed), succeed, "has its outcome")
    isRejected(made(intend, succeed), order.FailStep.make({ step, error: null }), "has its outcome")
  })

  it("notices a program that asks for the same step with another input", () => {
    isRejected(made(intend), order.IntendStep.make({ step, rule: "ask", input: "y" }), "diverged")
  })

  it("lets an open step be begun again without a second intent", () => {
    assert.deepStrictEqual(when(made(intend), intend), Result.succeed([]))
  })

  it("begins nothing new once it is being stopped, but removes its containers", () => {
    const stopping = made(intend, run, stop)
    isRejected(
      stopping,
      order.IntendStep.make({
        step: StepPath.make("next"),
        rule: "repeat",
        input: ""
      }),
      "stopped"
    )
    assert.deepStrictEqual(when(stopping, remove), Result.succeed([happened.ContainerRemoved.make({ container })]))
  })

  it("keeps the first reason to stop", () => {
    assert.deepStrictEqual(
      when(made(stop), order.RequestStop.make({ reason: "shutdown", detail: "" })),
      Result.succeed([])
    )
  })

  it("decides no result while a container is left", () => {
    isRejected(made(intend, run), order.DecideResult.make({ outcome: { _tag: "Freed", reason: "" } }), container)
  })

  it("names no file in its result that has not arrived whole", () => {
    isRejected(made(), closeWith("a.rpm"), "a.rpm")
    const growing = order.AdvanceLog.make({ name: "build.log", offset: 3 })
    isRejected(made(growing), closeWith("build.log"), "build.log")
    const whole = order.ConfirmUpload.make({
      name: "build.log",
      bytes: 3,
      sha256: ""
    })
    assert.strictEqual(made(growing, whole, closeWith("build.log")).at(-1)?._tag, "ResultDecided")
  })

  it("keeps the first result: a cancel that comes late changes nothing", () => {
    const canceled = order.DecideResult.make({
      outcome: { _tag: "Canceled", reason: "" }
    })
    assert.deepStrictEqual(when(made(closeWith()), canceled), Result.succeed([]))
  })

  it("does not succeed while it is being stopped", () => {
    isRejected(made(stop), closeWith(), "stopped")
  })

  it("ends once, and only with a result", () => {
    const end = order.Conclude.make({ note: "" })
    isRejected(made(), end, "no result")
    assert.deepStrictEqual(when(made(closeWith(), end), end), Result.succeed([]))
  })

  it("never lets a log go back", () => {
    isRejected(
      made(order.AdvanceLog.make({ name: "l", offset: 9 })),
      order.AdvanceLog.make({ name: "l", offset: 8 }),
      "reached 9"
    )
  })
})
