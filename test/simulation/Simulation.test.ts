/** Whole histories with everything that can go wrong in them, by the hundred. `scripts/simulate` tells more of them. */
import { assert, describe, it } from "@effect/vitest"
import { type Coverage, cover } from "./Coverage.ts"
import { tellHistory } from "./History.ts"
import { incidentText, type Plan, planOf } from "./Plan.ts"
import { shrink } from "./Shrinking.ts"
import { tellShare } from "./worker.ts"

/** `scripts/test` tells more than its fast part does. */
const seeds = Number(process.env["ADJUTANT_SEEDS"] ?? 60)
const part = 20

describe("a history in which anything may go wrong", () => {
  for (let first = 1; first <= seeds; first += part) {
    it(`ends as it should, seeds ${first} to ${first + part - 1}`, async () => {
      const { failures } = await tellShare({ first, count: part })
      assert.deepStrictEqual(failures, [])
    }, 600_000)
  }

  it("is the same whenever its seed is", async () => {
    const [one, again] = [await tellHistory(planOf(7)), await tellHistory(planOf(7))]
    assert.strictEqual(again.text(), one.text())
  })
})

describe("what is told of histories", () => {
  it("is counted by what happened in them", async () => {
    const coverage: Coverage = {}
    const plan: Plan = {
      ...{ seed: 1, engine: "docker", daemons: 1, jobs: ["tagBuild"] },
      incidents: [{ at: 60, what: "killed", awayMillis: 3000 }]
    }
    cover(coverage, plan, await tellHistory(plan))
    assert.strictEqual(coverage["incidents"]?.["killed"], 1)
    assert.strictEqual(coverage["tasks and their ends"]?.["tagBuild, CLOSED"], 1)
    assert.isAtLeast(coverage["events"]?.["Resumed"] ?? 0, 1)
  })

  it("is as short as it gets when something is wrong: only what matters is left", async () => {
    const plan = planOf(4)
    const culprit = plan.incidents[1]
    if (culprit === undefined) return assert.fail("the plan has too few incidents")
    const least = await shrink(plan, async ({ incidents }) => incidents.includes(culprit))
    assert.deepStrictEqual(least.incidents.map(incidentText), [incidentText(culprit)])
    assert.deepStrictEqual([least.jobs.length, least.daemons], [1, 1])
  })
})
