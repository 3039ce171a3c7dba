import { assert, describe, it } from "@effect/vitest"
import { isTimeToLook, pauseMillis, rhythmOf } from "../../src/core/Rhythm.ts"
import { numbersFrom } from "./generate.ts"

/** The moments of so many hours at which the daemon looks, and those at which it glances, if nothing happens. */
const hours = (sleepSeconds: number, seed: number, count: number, pollSeconds = 3) => {
  const draw = numbersFrom(seed)
  const rhythm = rhythmOf(sleepSeconds, pollSeconds)
  const looks: Array<number> = []
  const glances: Array<number> = []
  for (let now = 0; now < count * 3_600_000; now += pauseMillis(rhythm, draw(1000) / 1000)) {
    if (isTimeToLook(rhythm, now - (looks.at(-1) ?? Number.NEGATIVE_INFINITY))) looks.push(now)
    else glances.push(now)
  }
  return { looks, glances }
}

const gaps = (moments: ReadonlyArray<number>) => moments.slice(1).map((at, index) => at - (moments[index] ?? 0))
const sorted = (moments: ReadonlyArray<number>) => moments.toSorted((one, other) => one - other)

describe("the daemon's rhythm", () => {
  it("opens its eyes every three seconds or so, and looks every sleeptime or so", () => {
    const { looks, glances } = hours(15, 1, 10)
    for (const gap of gaps(sorted([...looks, ...glances]))) {
      assert.isAtLeast(gap, 2400)
      assert.isAtMost(gap, 3600)
    }
    for (const gap of gaps(looks)) {
      assert.isAtLeast(gap, 13_500)
      assert.isAtMost(gap, 15_000 + 2100)
    }
    // As many as kojid's 240 an hour, or nearly.
    assert.approximately(looks.length / 10, 240, 12)
  })

  it("looks at least once a minute, however long sleeptime is and however seldom it is to ask", () => {
    for (const sleepSeconds of [1, 3, 15, 40, 60, 300, 86_400]) {
      for (const pollSeconds of [0, 1, 3, 10, 20, 30, 50, 600]) {
        const { looks } = hours(sleepSeconds, sleepSeconds + pollSeconds, 5, pollSeconds)
        for (const gap of gaps(looks)) assert.isAtMost(gap, 60_000, `sleeptime ${sleepSeconds}, poll ${pollSeconds}`)
      }
    }
  })

  it("asks the idle hub less often in an hour than a kojid that sleeps for three seconds, and takes up tasks as soon", () => {
    const { looks, glances } = hours(15, 2, 10)
    /** kojid's cycle: listBuildroots, getHostTasks, getHost, updateHost, getTasks. */
    const kojid = 5 * (3600 / 3)
    // A look has the last four of these, a glance the last one, and the first is made once a minute.
    const ours = (4 * looks.length + glances.length) / 10 + 60
    assert.isBelow(ours, kojid / 2)
    assert.approximately(ours, 1980, 60)
  })

  it("only looks where sleeptime is shorter than the time between two glances", () => {
    for (const sleepSeconds of [0, 1, 2, 3]) assert.deepStrictEqual(hours(sleepSeconds, 3, 1).glances, [])
  })

  it("asks as seldom as a site wants", () => {
    assert.approximately(hours(30, 5, 10, 10).glances.length / 10, 240, 12)
    assert.deepStrictEqual(hours(15, 4, 10, 600).glances, [])
  })

  it("never asks without a pause", () => {
    for (const chance of [0, 0.5, 1]) assert.isAtLeast(pauseMillis(rhythmOf(0, 0), chance), 800)
  })
})
