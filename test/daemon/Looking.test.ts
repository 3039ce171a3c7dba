/** When the daemon asks the hub what, and how soon it is there when something happens (adr/0016). */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Seen } from "../model/Hub.ts"
import { tag } from "../model/HubTemplate.ts"
import { story, type World } from "../model/World.ts"
import { closes, hung } from "../tasks/building.ts"

const second = 1000
const hour = 3_600_000

/** An idle daemon that has made itself at home. */
const idle = Effect.fnUntraced(function* (world: World, options = {}) {
  const daemon = yield* world.daemon({ options })
  yield* daemon.start
  yield* Effect.sleep("5 minutes")
  world.hub.calls.length = 0
  return daemon
})

const counted = (calls: ReadonlyArray<Seen>) => {
  const counts: Record<string, number> = {}
  for (const { method } of calls) counts[method] = (counts[method] ?? 0) + 1
  return counts
}

const made = ({ hub }: World, method: string) => hub.calls.filter((call) => call.method === method)
const longestGap = (moments: ReadonlyArray<number>) =>
  Math.max(...moments.slice(1).map((at, index) => at - (moments[index] ?? 0)))
const moments = (world: World, method: string) => made(world, method).map(({ at }) => at)

describe("a daemon with nothing to do", () => {
  it("asks in an hour a third of what a kojid does that sleeps for three seconds", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* idle(world)
        yield* Effect.sleep(`${hour} millis`)
        const counts = counted(world.hub.calls)
        assert.sameMembers(Object.keys(counts), [
          ...["host.getHostTasks", "host.getHost", "host.updateHost", "host.getTasks", "listBuildroots"]
        ])
        assert.approximately(counts["host.updateHost"] ?? 0, 240, 15)
        assert.approximately(counts["host.getTasks"] ?? 0, 1200, 40)
        assert.approximately(counts["listBuildroots"] ?? 0, 60, 1)
        assert.isBelow(world.hub.calls.length, 6000 / 2)
        yield* daemon.terminate
      })
    ))

  it("opens a task within four seconds of its being assigned, whenever that is", async () => {
    const waits: Array<number> = []
    for (let seed = 1; seed <= 12; seed++) {
      await story(
        (world) =>
          Effect.gen(function* () {
            const daemon = yield* idle(world)
            yield* Effect.sleep(`${seed * 1337} millis`)
            const task = world.hub.makeTask("sleep", [1], { assign: daemon.name })
            const began = world.time.now
            yield* world.until(() => world.hub.state(task) !== "ASSIGNED", 10)
            waits.push(world.time.now - began)
            yield* daemon.terminate
          }),
        { seed }
      )
    }
    for (const wait of waits) assert.isAtMost(wait, 4 * second)
    // One that were always there at once would ask without a pause.
    assert.isAbove(Math.max(...waits), second)
  })

  it("does not ask for tasks while its host is disabled, and checks in as not ready", () =>
    story((world) =>
      Effect.gen(function* () {
        world.hub.admin("disableHost", ["builder1"])
        const daemon = yield* idle(world)
        yield* Effect.sleep("10 minutes")
        assert.lengthOf(made(world, "host.getTasks"), 0)
        for (const { params } of made(world, "host.updateHost")) assert.strictEqual(params[1], false)
        world.hub.admin("enableHost", ["builder1"])
        yield* Effect.sleep("20 seconds")
        assert.isNotEmpty(made(world, "host.getTasks"))
        yield* daemon.terminate
      })
    ))
})

describe("a daemon checks in at least once a minute", () => {
  const minutely = (world: World) => {
    const at = moments(world, "host.updateHost")
    assert.isAbove(at.length, 5)
    assert.isAtMost(longestGap(at), 60 * second)
  }

  it("however long sleeptime is", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* idle(world, { sleepSeconds: 3600 })
        yield* Effect.sleep("20 minutes")
        minutely(world)
        yield* daemon.terminate
      })
    ))

  it("while all its places are taken by tasks that wait", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* idle(world, { maxJobs: 2 })
        for (let nth = 0; nth < 5; nth++) world.hub.makeTask("subtask", [5])
        yield* Effect.sleep("20 minutes")
        minutely(world)
        yield* daemon.terminate
      })
    ))

  it("while the engine answers nothing at all", () =>
    story((world) =>
      Effect.gen(function* () {
        let deaf = false
        const daemon = yield* world.daemon({ through: (_, call) => Effect.suspend(() => (deaf ? Effect.never : call)) })
        yield* daemon.start
        yield* Effect.sleep("5 minutes")
        deaf = true
        world.hub.calls.length = 0
        yield* Effect.sleep("20 minutes")
        minutely(world)
        assert.strictEqual(made(world, "host.updateHost").at(-1)?.params[1], false)
        deaf = false
        yield* Effect.sleep("2 minutes")
        assert.strictEqual(made(world, "host.updateHost").at(-1)?.params[1], true)
        yield* daemon.terminate
      })
    ))
})

describe("a daemon with tasks", () => {
  it("stops the container of a canceled one within ten seconds", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      await story(
        (world) =>
          Effect.gen(function* () {
            const daemon = yield* idle(world)
            const params = [world.source(hung), tag.build, "x86_64", true, { repo_id: 1 }]
            const task = world.hub.makeTask("buildArch", params, { arch: "x86_64" })
            yield* world.until(() => world.isRunning("build/1"))
            yield* Effect.sleep(`${20_000 + seed * 1777} millis`)
            world.hub.admin("cancelTask", [task])
            const began = world.time.now
            yield* world.until(() => !world.isRunning("build/1"), 100)
            assert.isBelow(world.time.now - began, 10 * second)
            yield* daemon.terminate
          }),
        { seed }
      )
    }
  })

  it("wakes a parent within five seconds of the end of its child on another host, and polls for none", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub } = world
        const daemon = yield* idle(world, { maxJobs: 1 })
        const task = hub.makeTask("subtask", [0])
        yield* world.until(() => hub.children(task).length === 1)
        const child = Number(hub.children(task)[0]?.["id"])
        hub.puppet("host.updateHost", [0, true], { data: { maxjobs: 10 } })
        yield* world.until(() => {
          hub.puppet("host.getTasks")
          return hub.state(child) === "ASSIGNED"
        })
        hub.puppet("host.openTask", [child])
        yield* Effect.sleep("95 seconds")
        assert.isAtMost(made(world, "host.taskWait").length, 2)
        closes(world, child, null)
        const began = world.time.now
        yield* world.until(() => hub.state(task) === "CLOSED", 100)
        assert.isBelow(world.time.now - began, 5 * second)
        yield* daemon.terminate
      })
    ))

  it("asks in an hour for its work what a kojid that sleeps for three seconds asks for none", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* idle(world)
        for (let nth = 0; nth < 3; nth++) world.hub.makeTask("sleep", [2 * 3600])
        yield* Effect.sleep("1 minute")
        world.hub.calls.length = 0
        yield* Effect.sleep(`${hour} millis`)
        const counts = counted(world.hub.calls)
        assert.approximately(counts["host.getHostTasks"] ?? 0, 1200, 40)
        assert.approximately(counts["host.getTasks"] ?? 0, 1200, 40)
        assert.isBelow(world.hub.calls.length, 6000 / 2)
        yield* daemon.terminate
      })
    ))

  it("takes tasks of the foreground one by one, and others beside each other", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* idle(world)
        const tasks = [1, 2, 3].map(() => world.hub.makeTask("someMethod", [], { assign: daemon.name }))
        yield* world.until(() => tasks.every((task) => world.hub.state(task) === "CLOSED"), 100)
        const order = world.hub.calls
          .filter(({ method }) => method === "host.openTask" || method === "host.closeTask")
          .map(({ method, params }) => `${method} ${params[0]}`)
        assert.deepStrictEqual(
          order,
          tasks.flatMap((task) => [`host.openTask ${task}`, `host.closeTask ${task}`])
        )
        const beside = [1, 2, 3].map(() => world.hub.makeTask("sleep", [60], { assign: daemon.name }))
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual(
          beside.map((task) => world.hub.state(task)),
          ["OPEN", "OPEN", "OPEN"]
        )
        yield* daemon.terminate
      })
    ))
})
