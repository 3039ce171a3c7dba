import { assert, describe, it } from "@effect/vitest"
import { HashSet } from "effect"
import {
  account,
  type HostView,
  type OpenTask,
  places,
  type Room,
  readiness,
  verdict
} from "../../src/core/HostPlan.ts"
import { TaskId } from "../../src/core/Ids.ts"
import { numbersFrom } from "./generate.ts"

const one = TaskId.make(1)
const two = TaskId.make(2)
const nobody = HashSet.empty<TaskId>()
const quiet: HostView = {
  ...{ load: 0, capacity: 2, running: 0, maxJobs: 10, draining: false, foreground: false, enabled: true },
  disks: [{ path: "/var/lib", freeMebibytes: 100_000 }],
  minSpaceMebibytes: 8192,
  ...{ loadAverage: 0, loadAverageMax: 4, cpus: 2 }
}
const open = (id: TaskId, weight = 1, waiting = false, alert = false): OpenTask => ({ id, weight, waiting, alert })

describe("what the hub's list of open tasks means", () => {
  it("counts the weight of those that run here and do not wait", () => {
    const rows = [open(one, 1.5), open(two, 9, true)]
    assert.strictEqual(account({ open: rows, running: HashSet.make(one, two), suspects: nobody }).load, 1.5)
  })

  it("releases a task nobody here knows only after two looks", () => {
    const view = { open: [open(one)], running: nobody, suspects: nobody }
    const first = account(view)
    assert.deepStrictEqual(first.release, [])
    assert.deepStrictEqual(account({ ...view, suspects: first.suspects }).release, [one])
  })

  it("forgets a suspicion that the next look does not confirm", () => {
    const suspects = HashSet.make(one)
    assert.strictEqual(HashSet.size(account({ open: [], running: nobody, suspects }).suspects), 0)
  })

  it("wakes a parent whose child has finished, and asks about attempts that the hub does not list", () => {
    const made = account({ open: [open(one, 1, true, true)], running: HashSet.make(one, two), suspects: nobody })
    assert.deepStrictEqual([made.wake, made.inquire], [[one], [two]])
  })

  it("explains each task in one way, whatever the two lists are", () => {
    let released = 0
    for (let seed = 0; seed < 5000; seed++) {
      const draw = numbersFrom(seed)
      const some = () => Array.from({ length: 8 }, (_, at) => TaskId.make(at)).filter(() => draw(2) === 1)
      const rows = some().map((id) => open(id, draw(100) / 10, draw(3) === 0, draw(3) === 0))
      const running = HashSet.fromIterable(some())
      const suspects = HashSet.fromIterable(some())
      const made = account({ open: rows, running, suspects })
      const ids = rows.map(({ id }) => id)
      for (const id of made.inquire) assert.isTrue(HashSet.has(running, id) && !ids.includes(id))
      for (const id of made.wake) assert.isTrue(HashSet.has(running, id) && ids.includes(id))
      for (const id of made.release) assert.isTrue(!HashSet.has(running, id) && HashSet.has(suspects, id))
      // Whoever is open here and does not run here is released or suspected, and nobody is both.
      const unexplained = [...made.release, ...made.suspects]
      assert.sameMembers(
        unexplained,
        ids.filter((id) => !HashSet.has(running, id))
      )
      const weights = rows.filter(({ id, waiting }) => HashSet.has(running, id) && !waiting).map(({ weight }) => weight)
      assert.approximately(
        made.load,
        weights.reduce((sum, weight) => sum + weight, 0),
        1e-9
      )
      // The same lists once more: all that was suspected goes, and then there is nothing left to suspect.
      const again = account({ open: rows, running, suspects: made.suspects })
      assert.sameMembers([...again.release], [...made.suspects])
      released += made.release.length
    }
    assert.isAbove(released, 1000)
  })
})

describe("whether a host is ready", () => {
  it("is so when nothing speaks against it", () => {
    assert.deepStrictEqual(readiness(quiet), { ready: true, status: "ready" })
  })

  it("is not so above its capacity, and is at it", () => {
    assert.isTrue(readiness({ ...quiet, load: 2 }).ready)
    assert.isFalse(readiness({ ...quiet, load: 2.01 }).ready)
  })

  it("is so at the very bounds of queue, disk and processors", () => {
    assert.isTrue(readiness({ ...quiet, running: 9 }).ready)
    assert.isTrue(readiness({ ...quiet, disks: [{ path: "/x", freeMebibytes: 8192 }] }).ready)
    assert.isTrue(readiness({ ...quiet, loadAverage: 8 }).ready)
  })

  /** kojid's order: the first that holds is what is said. */
  const obstacles = [
    [{ draining: true }, "pending restart"],
    [{ enabled: false }, "host is disabled"],
    [{ load: 2.01 }, "over capacity: load 2.01 > 2.00"],
    [{ running: 10 }, "full queue: 10 tasks, maxjobs 10"],
    [{ disks: [{ path: "/x", freeMebibytes: 8191 }] }, "insufficient disk space: /x has 8191 MiB, minspace 8192"],
    [{ loadAverage: 8.01 }, "load average 8.01 > 8.00"]
  ] as const

  it.each(obstacles)("says why it is not: %j", (change, words) => {
    assert.deepStrictEqual(readiness({ ...quiet, ...change }), { ready: false, status: words })
  })

  it("names the first obstacle of kojid's order, whichever others there are", () => {
    for (let mask = 0; mask < 2 ** obstacles.length; mask++) {
      const there = obstacles.filter((_, at) => (mask & (1 << at)) !== 0)
      const view: HostView = Object.assign({ ...quiet }, ...there.map(([change]) => change))
      assert.strictEqual(readiness(view).status, there[0]?.[1] ?? "ready")
    }
  })
})

describe("how much more a host may take", () => {
  const room: Room = quiet

  it("is what its queue leaves", () => {
    assert.strictEqual(places(room), 10)
    assert.strictEqual(places({ ...room, running: 4 }), 6)
    assert.strictEqual(places({ ...room, running: 12 }), 0)
  })

  it("is nothing above its capacity, before a restart, or beside a task of the foreground", () => {
    assert.strictEqual(places({ ...room, load: 2 }), 10)
    for (const change of [{ load: 2.01 }, { draining: true }, { foreground: true }]) {
      assert.strictEqual(places({ ...room, ...change }), 0)
    }
  })

  it("is more than nothing only where a host would be found ready, or has something in its foreground", () => {
    for (let seed = 0; seed < 2000; seed++) {
      const draw = numbersFrom(seed)
      const now: Room = {
        ...{ load: draw(30) / 10, capacity: draw(30) / 10, running: draw(12), maxJobs: draw(12) },
        ...{ draining: draw(4) === 0, foreground: draw(4) === 0 }
      }
      const isReady = readiness({ ...quiet, ...now }).ready
      assert.strictEqual(places(now) > 0, isReady && !now.foreground, JSON.stringify(now))
    }
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
