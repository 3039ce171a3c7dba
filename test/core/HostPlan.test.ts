import { assert, describe, it } from "@effect/vitest"
import { HashSet } from "effect"
import { type HostView, plan, verdict } from "../../src/core/HostPlan.ts"
import { TaskId } from "../../src/core/Ids.ts"

const one = TaskId.make(1)
const two = TaskId.make(2)
const quiet: HostView = {
  open: [],
  running: HashSet.empty(),
  suspects: HashSet.empty(),
  enabled: true,
  capacity: 2,
  maxJobs: 10,
  draining: false,
  disks: [{ path: "/var/lib", freeMebibytes: 100_000 }],
  minSpaceMebibytes: 8192,
  loadAverage: 0,
  loadAverageMax: 4,
  cpus: 2
}
const open = (id: TaskId, weight = 1, waiting = false, alert = false) => ({
  id,
  weight,
  waiting,
  alert
})

describe("the plan of a host", () => {
  it("is ready when nothing speaks against it", () => {
    assert.deepInclude(plan(quiet), { ready: true, places: 10, load: 0 })
  })

  it("counts waiting tasks as places, not as load", () => {
    const view = {
      ...quiet,
      open: [open(one, 1.5), open(two, 9, true)],
      running: HashSet.make(one, two)
    }
    assert.deepInclude(plan(view), { load: 1.5, ready: true, places: 8 })
  })

  it("is not ready above its capacity, and ready at it", () => {
    const running = HashSet.make(one)
    assert.isTrue(plan({ ...quiet, open: [open(one, 2)], running }).ready)
    assert.isFalse(plan({ ...quiet, open: [open(one, 2.01)], running }).ready)
  })

  it.each([
    [{ draining: true }, "pending restart"],
    [{ enabled: false }, "disabled"],
    [{ maxJobs: 0 }, "full queue"],
    [{ disks: [{ path: "/x", freeMebibytes: 8191 }] }, "/x has 8191 MiB"],
    [{ loadAverage: 8.01 }, "load average"]
  ] as const)("says why it is not ready: %j", (change, words) => {
    const made = plan({ ...quiet, ...change })
    assert.isFalse(made.ready)
    assert.include(made.status, words)
    assert.strictEqual(made.places, 0)
  })

  it("releases a task nobody here knows only after two looks", () => {
    const view = { ...quiet, open: [open(one)] }
    const first = plan(view)
    assert.deepStrictEqual(first.release, [])
    assert.deepStrictEqual(plan({ ...view, suspects: first.suspects }).release, [one])
  })

  it("forgets a suspicion that the next look does not confirm", () => {
    const suspects = HashSet.make(one)
    assert.strictEqual(HashSet.size(plan({ ...quiet, suspects }).suspects), 0)
  })

  it("wakes a parent whose child has finished, and asks about attempts that the hub does not list", () => {
    const made = plan({
      ...quiet,
      open: [open(one, 1, true, true)],
      running: HashSet.make(one, two)
    })
    assert.deepStrictEqual([made.wake, made.inquire], [[one], [two]])
  })
})

describe("the verdict on a task that left the hub's list", () => {
  it.each([
    [undefined, "stop-lost"],
    [{ state: "CANCELED", hostId: 5 }, "stop-canceled"],
    [{ state: "OPEN", hostId: 6 }, "stop-lost"],
    [{ state: "FREE", hostId: null }, "stop-lost"],
    [{ state: "CLOSED", hostId: 5 }, "leave"]
  ] as const)("%j is %s", (info, expected) => assert.strictEqual(verdict(info, 5), expected))
})
