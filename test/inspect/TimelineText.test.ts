/** The golden texts are in `golden/`: read them when they change, they are what a packager reads. */
import { assert, describe, expect, it } from "@effect/vitest"
import { paint } from "../../src/inspect/Columns.ts"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import { commandLine, shortImage } from "../../src/inspect/TimelineRows.ts"
import { timelineText } from "../../src/inspect/TimelineText.ts"
import { historyFrom } from "../core/generate.ts"
import * as Examples from "./examples.ts"

const text = (story: Examples.Story, width: number, colours = false) => {
  const timeline = timelineOf(story.events)
  if (timeline === null) throw new Error("no timeline")
  return timelineText(timeline, { width, colours })
}

const examples = {
  good: Examples.good,
  failed: Examples.failed,
  limited: Examples.limited,
  canceled: Examples.canceled,
  recovered: Examples.recovered,
  unfinished: Examples.unfinished,
  growing: Examples.growing,
  hostile: Examples.hostile
}

describe("the text of a timeline", () => {
  for (const [name, story] of Object.entries(examples)) {
    for (const width of [80, 120]) {
      it(`${name}, in ${width} columns`, async () => {
        await expect(`${text(story(), width)}\n`).toMatchFileSnapshot(`golden/${name}-${width}.txt`)
      })
    }
  }

  it("keeps to its width, and to what a terminal can be shown", () => {
    for (const width of [60, 80, 120, 160]) {
      for (const story of Object.values(examples)) {
        for (const line of text(story(), width).split("\n")) {
          assert.isAtMost(line.length, width)
          assert.match(line, /^[\x20-\x7e]*$/)
        }
      }
    }
  })

  it("says the same in colours, column for column", () => {
    for (const story of Object.values(examples)) {
      const plain = text(story(), 100, true).replaceAll(/\x1b\[[0-9;]*m/g, "")
      assert.deepStrictEqual(
        plain.split("\n").map((line) => line.trimEnd()),
        text(story(), 100).split("\n")
      )
    }
    assert.include(text(Examples.limited(), 80, true), paint(true)("bad", "FAILED   "))
  })

  it("can be made of every history", () => {
    for (let seed = 0; seed < 500; seed++) {
      const { events } = historyFrom(seed, 60)
      const timeline = timelineOf(events.map((event, index) => ({ at: index * 7_000, event })))
      if (timeline === null) continue
      const shown = timelineText(timeline, { width: 80, colours: false })
      for (const step of timeline.steps) assert.include(shown, step.path)
    }
  })
})

describe("a command", () => {
  it("stands as one would type it, scripts by their size", () => {
    assert.strictEqual(
      commandLine(["sh", "-c", "one\ntwo\n", "it's", "a=b", ""]),
      "sh -c {script of 2 lines} 'it'\\''s' a=b ''"
    )
    assert.strictEqual(commandLine([]), "a command not recorded")
  })

  it("names its image as engines do", () => {
    assert.strictEqual(shortImage(Examples.imageId("8f2a")), "8f2a00000000")
    assert.strictEqual(shortImage("registry.example.org/tools:40"), "registry.example.org/tools:40")
  })
})
