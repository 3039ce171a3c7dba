/** The reaper beside the daemon's loop: what nobody claims is gone, what somebody claims stays. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { containerLabels, containerName } from "../../src/engine/Labels.ts"
import { tag } from "../model/HubTemplate.ts"
import { story, type World } from "../model/World.ts"

const hung = { name: "hello", end: "never" } as const
const minute = 60_000
const ours = "b1b1b1b1b1b1"

/** Somebody starts a container that carries this instance's labels, and goes away. */
const stray = (world: World, instance: string) =>
  Effect.gen(function* () {
    const identity = { instance, task: 99, attempt: 1, step: "build/1" }
    const name = containerName(identity)
    yield* world.leave(name, containerLabels({ ...identity, workerId: "w", bootId: "boot-1" }))
    return name
  })

const names = (world: World) => Effect.map(world.engine.containers, (containers) => containers.map(({ name }) => name))

const hang = (world: World) =>
  world.hub.makeTask("buildArch", [world.source(hung), tag.build, "x86_64", true, { repo_id: 1 }], { arch: "x86_64" })

describe("the sweep beside the loop", () => {
  it("removes a container that carries our label and that no attempt has, and says so in the daemon's journal", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        yield* Effect.sleep("1 minute")
        const name = yield* stray(world, ours)
        yield* Effect.sleep("125 seconds")
        assert.deepStrictEqual(yield* names(world), [])
        const reaped = (yield* daemon.told).filter((event) => event._tag === "Reaped")
        assert.deepStrictEqual(reaped, [
          { _tag: "Reaped", kind: "container", name, reason: "no live attempt claims it" }
        ])
        yield* daemon.terminate
      })
    ))

  it("is not held up by a hub that is away, though the loop is", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        yield* Effect.sleep("1 minute")
        world.hub.awayUntil = world.time.now + 60 * minute
        yield* Effect.sleep("10 minutes")
        yield* stray(world, ours)
        yield* Effect.sleep("125 seconds")
        assert.deepStrictEqual(yield* names(world), [])
        yield* daemon.terminate
      })
    ))

  it("finds what an engine that was away has kept of an attempt that ended meanwhile", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        const task = hang(world)
        yield* world.until(() => world.isRunning("build/1"))
        world.hub.admin("disableHost", ["builder1"])
        yield* world.engine.goAway("go on")
        yield* world.until(() => world.hub.state(task) === "FREE")
        yield* Effect.sleep("10 minutes")
        assert.lengthOf(yield* names(world), 1)
        yield* world.engine.comeBack
        yield* Effect.sleep("125 seconds")
        assert.deepStrictEqual(yield* names(world), [])
        const notes = (yield* daemon.history(task)).flatMap((event) => (event._tag === "Noted" ? [event.text] : []))
        assert.isTrue(notes.some((text) => text.endsWith("left to the reaper")))
        yield* daemon.terminate
      })
    ))

  it("never takes the container of an attempt that runs, nor a neighbour's on the same engine", () =>
    story((world) =>
      Effect.gen(function* () {
        const one = yield* world.daemon({ options: { maxJobs: 1 } })
        const other = yield* world.daemon({ name: "builder2", options: { maxJobs: 1 } })
        yield* one.start
        yield* other.start
        const tasks = [hang(world), hang(world)]
        yield* world.until(() => tasks.every((task) => world.hub.state(task) === "OPEN"))
        yield* Effect.sleep("1 minute")
        const before = (yield* names(world)).filter((name) => name.endsWith("build.1"))
        assert.lengthOf(before, 2)
        yield* stray(world, "cccccccccccc")
        yield* Effect.sleep("20 minutes")
        assert.deepStrictEqual((yield* names(world)).sort(), [...before, "adjutant-cccccccccccc-99-1-build.1"].sort())
        for (const daemon of [one, other]) {
          assert.deepStrictEqual(
            (yield* daemon.told).filter((event) => event._tag === "Reaped"),
            []
          )
          yield* daemon.terminate
        }
        assert.deepStrictEqual(yield* names(world), ["adjutant-cccccccccccc-99-1-build.1"])
      })
    ))

  it("looks soon after a start, for what the process before it could not remove", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* stray(world, ours)
        yield* daemon.start
        yield* Effect.sleep("15 seconds")
        assert.deepStrictEqual(yield* names(world), [])
        yield* daemon.terminate
      })
    ))
})
