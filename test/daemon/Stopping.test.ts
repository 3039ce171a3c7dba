/** How a daemon leaves when it is told to, whatever the hub does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { story, type World } from "../model/World.ts"

const hung = { name: "hello", end: "never" } as const
const minute = 60_000

/** A task whose build hangs, and the daemon that has it. */
const working = Effect.fnUntraced(function* (world: World) {
  const daemon = yield* world.daemon()
  yield* daemon.start
  const params = [world.source(hung), tag.build, "x86_64", true, { repo_id: 1 }]
  const task = world.hub.makeTask("buildArch", params, { arch: "x86_64" })
  yield* world.until(() => world.isRunning("build/1"))
  return { daemon, task }
})

const away = (world: World, millis: number) => {
  world.hub.awayUntil = world.time.now + millis
}

describe("a daemon that is told to stop", () => {
  it("gives its tasks back, checks in as not ready, and logs out", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        yield* daemon.terminate
        assert.isTrue(daemon.exit !== undefined && Exit.hasInterrupts(daemon.exit))
        assert.strictEqual(world.hub.state(task), "FREE")
        const host = Object(world.hub.admin("getHost", ["builder1"]))
        assert.deepInclude(host, { ready: false, task_load: 0 })
        assert.deepStrictEqual(yield* world.engine.containers, [])
      })
    ))

  it("waits half a minute for a hub that is away to hear of a freed task, and little longer in all", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        away(world, 24 * 60 * minute)
        const began = world.time.now
        yield* daemon.terminate
        assert.isAtLeast(world.time.now - began, 30_000)
        assert.isAtMost(world.time.now - began, 60_000)
        const history = yield* daemon.history(task)
        const last = history.at(-1)
        assert.isTrue(last?._tag === "Concluded" && last.how === "freed")
        assert.isTrue(last?._tag === "Concluded" && last.note.includes("no answer in 30 s"))
        const warnings = world.time.log.filter(({ level }) => level === "Warn").map(({ text }) => text)
        assert.include(warnings, `task ${task}: the hub did not take this: host.freeTasks: no answer in 30 s`)
        assert.deepStrictEqual(yield* world.engine.containers, [])
      })
    ))

  it("is heard after all when the hub comes back in time", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        world.hub.fateOf = ({ method }) =>
          method === "host.freeTasks" ? { _tag: "Late", millis: 10_000 } : { _tag: "Done" }
        yield* daemon.terminate
        assert.strictEqual(world.hub.state(task), "FREE")
        const last = (yield* daemon.history(task)).at(-1)
        assert.isTrue(last?._tag === "Concluded" && last.note === "")
      })
    ))

  it("leaves tasks that the hub never heard of to its next start, which frees them at the second look", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        away(world, 5 * minute)
        yield* daemon.terminate
        assert.strictEqual(world.hub.state(task), "OPEN")
        yield* Effect.sleep("6 minutes")
        world.hub.calls.length = 0
        yield* daemon.start
        yield* world.until(() => world.hub.calls.some(({ method }) => method === "host.freeTasks"))
        const before = world.hub.calls.slice(
          0,
          world.hub.calls.findIndex(({ method }) => method === "host.freeTasks")
        )
        assert.lengthOf(
          before.filter(({ method }) => method === "host.getHostTasks"),
          2
        )
        yield* daemon.terminate
      })
    ))
})

describe("a daemon that is told to start anew", () => {
  it("takes nothing more, and leaves when what it had has ended", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        yield* daemon.drain
        const other = world.hub.makeTask("waitrepo", [tag.build])
        yield* Effect.sleep("10 minutes")
        assert.isTrue(daemon.running)
        assert.strictEqual(world.hub.state(other), "FREE")
        world.hub.admin("cancelTask", [task])
        yield* daemon.ended
        assert.deepStrictEqual(daemon.exit, Exit.succeed("restart"))
        assert.strictEqual(world.hub.state(other), "FREE")
      })
    ))
})

describe("a daemon whose session at the hub ends", () => {
  /** From now on the hub answers every call with this fault, and hears none. */
  const refuse = (world: World, code: number) => {
    world.hub.calls.length = 0
    world.hub.fateOf = () => ({ _tag: "Fault", code, message: "no" })
  }
  const reports = ["host.freeTasks", "host.closeTask", "host.failTask", "host.updateHost"]

  for (const [what, code] of [
    ["because another daemon has taken the lock", 1006],
    ["because it is closed", 1002]
  ] as const) {
    it(`${what} takes everything down, reports nothing and fails`, () =>
      story((world) =>
        Effect.gen(function* () {
          const { daemon, task } = yield* working(world)
          refuse(world, code)
          yield* daemon.ended
          assert.isTrue(daemon.exit !== undefined && Exit.isFailure(daemon.exit))
          assert.deepStrictEqual(yield* world.engine.containers, [])
          assert.strictEqual(world.hub.state(task), "OPEN")
          const last = (yield* daemon.history(task)).at(-1)
          assert.isTrue(last?._tag === "Concluded" && last.how === "lost")
          const methods = world.hub.calls.map(({ method }) => method)
          for (const report of reports) assert.notInclude(methods, report)
          assert.deepInclude((yield* daemon.told).at(-1), { _tag: "Stopped", exitCode: 1 })
        })
      ))
  }

  it("of itself leaves what runs to the next process, which goes on with it", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        refuse(world, 1008)
        yield* daemon.ended
        assert.isTrue(daemon.exit !== undefined && Exit.isFailure(daemon.exit))
        assert.isTrue(world.isRunning("build/1"))
        world.hub.fateOf = () => ({ _tag: "Done" })
        yield* daemon.start
        yield* world.until(() => daemon.isWorking(task))
        yield* Effect.sleep("5 minutes")
        assert.strictEqual(world.hub.state(task), "OPEN")
        assert.isTrue(world.isRunning("build/1"))
        assert.lengthOf(yield* daemon.attempts, 1)
        yield* daemon.terminate
      })
    ))

  it("is not ended by the answer to a call that had been carried out before", () =>
    story((world) =>
      Effect.gen(function* () {
        const { daemon, task } = yield* working(world)
        let once = true
        world.hub.fateOf = ({ method }) => {
          if (method !== "host.updateHost" || !once) return { _tag: "Done" }
          once = false
          return { _tag: "Fault", code: 1009, message: "unable to retry call" }
        }
        yield* world.until(() => !once)
        yield* Effect.sleep("2 minutes")
        assert.isTrue(daemon.running)
        assert.strictEqual(world.hub.state(task), "OPEN")
        yield* daemon.terminate
      })
    ))
})
