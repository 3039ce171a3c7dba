import { assert, describe, it } from "@effect/vitest"
import { type AttemptEvent, happened } from "../../src/core/AttemptEvent.ts"
import { ContainerName, StepPath } from "../../src/core/Ids.ts"
import { logLayout } from "../../src/inspect/LogLayout.ts"

const step = StepPath.make("build/1")
const name = (of: string) => ContainerName.make(of)
const said = (text: string, at: number | null = null, logs = ["build.log"]): AttemptEvent =>
  happened.LogWritten.make({ step, logs, at, text: { _tag: "Inline", text } })
const begun = (of: string, logs = ["build.log"]): AttemptEvent =>
  happened.ContainerIntended.make({ container: name(of), step, spec: {}, capture: `${of}.out`, logs })
const ended = (of: string, outputBytes: number): AttemptEvent =>
  happened.ContainerExited.make({ container: name(of), exit: { outputBytes } })

const layoutOf = (...events: ReadonlyArray<AttemptEvent>) => {
  const layout = logLayout()
  for (const event of events) layout.add(event)
  return layout
}

const header = "Mock Version: koji-adjutant 0.1.0\n".length

describe("the output of a container", () => {
  it("is a stretch of the log, behind the header and whatever was said before", () => {
    const layout = layoutOf(
      said("über\n"),
      begun("one"),
      ended("one", 100),
      said("Start: build", 1_700_000_000_000),
      begun("two"),
      ended("two", 50),
      said("ended\n")
    )
    const before = header + 6
    const between = "2026-01-31 16:29:15,123 - Start: build\n".length
    const bytes = before + 100 + between + 50 + 6
    assert.deepStrictEqual(layout.stretchIn("build.log", bytes, "one", 1), {
      log: "build.log",
      from: before,
      length: 100
    })
    assert.deepStrictEqual(layout.stretchIn("build.log", bytes, "two", 1), {
      log: "build.log",
      from: before + 100 + between,
      length: 50
    })
  })

  it("is told apart by run, and by log", () => {
    const logs = ["root.log", "container.log"]
    const layout = layoutOf(
      begun("one", logs),
      ended("one", 10),
      happened.ContainerRemoved.make({ container: name("one") }),
      said("again", null, ["root.log"]),
      begun("one", logs),
      ended("one", 20)
    )
    assert.deepInclude(layout.stretchIn("container.log", 30, "one", 2) ?? {}, { from: 10, length: 20 })
    assert.deepInclude(layout.stretchIn("root.log", 35, "one", 2) ?? {}, { from: 15, length: 20 })
    assert.deepInclude(layout.stretchIn("root.log", 35, "one", 1) ?? {}, { from: 0, length: 10 })
    assert.isUndefined(layout.stretchIn("build.log", 35, "one", 1))
  })

  it("is nowhere in a log that is not made of these pieces", () => {
    const whole = [begun("one"), ended("one", 100)]
    assert.isUndefined(layoutOf(...whole).stretchIn("build.log", 99, "one", 1), "shorter")
    assert.isUndefined(layoutOf(...whole).stretchIn("build.log", 5_000, "one", 1), "much longer")
    assert.isUndefined(layoutOf(begun("one")).stretchIn("build.log", 100, "one", 1), "never ended")
    const mixed = layoutOf(begun("one"), said("while it ran\n"), ended("one", 100))
    assert.isUndefined(mixed.stretchIn("build.log", 113, "one", 1), "something in between")
  })
})
