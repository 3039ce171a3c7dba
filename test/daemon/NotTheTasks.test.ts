/** What is wrong with the daemon, its disk or what stands before the hub is no fault of the tasks that run. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { DiskError } from "../../src/journal/Disk.ts"
import type { DaemonChoices } from "../model/Daemon.ts"
import { tag } from "../model/HubTemplate.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World } from "../model/World.ts"

const submit = (world: World, recipe: Recipe) =>
  world.hub.makeTask("buildArch", [world.source(recipe), tag.build, "x86_64", true, { repo_id: 1 }], { arch: "x86_64" })

const hung: Recipe = { name: "hello", end: "never" }

/** A journal's disk on which, while it is so, no directory can be made. */
const fullOfNames = (isFull: () => boolean): Pick<DaemonChoices, "disk"> => ({
  disk: (disk) => ({
    ...disk,
    makeDirectory: (path) =>
      isFull()
        ? Effect.fail(new DiskError({ operation: "make-directory", path, code: "ENOSPC", message: "no inodes" }))
        : disk.makeDirectory(path)
  })
})

/** One that, while it is so, can be trusted with nothing. */
const failing = (fails: () => boolean): Pick<DaemonChoices, "disk"> => ({
  disk: (disk) => ({
    ...disk,
    openAppend: (path, how) =>
      Effect.map(disk.openAppend(path, how), (file) => ({
        ...file,
        append: (bytes) =>
          fails()
            ? Effect.fail(new DiskError({ operation: "append", path, code: "EIO", message: "worn out" }))
            : file.append(bytes)
      }))
  })
})

describe("a builder that can keep no journal of another task", () => {
  it("refuses it softly, and goes on with what runs", () => {
    let full = false
    return story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon(fullOfNames(() => full))
        yield* daemon.start
        const first = submit(world, hung)
        yield* world.until(() => world.isRunning("build/1"))
        full = true
        const second = submit(world, { name: "other" })
        const refused = () => world.hub.calls.find(({ method }) => method === "host.refuseTask")
        yield* world.until(() => refused() !== undefined)
        assert.deepStrictEqual(refused()?.params[0], second)
        assert.deepInclude(refused()?.keywords, { soft: true })
        assert.include(JSON.stringify(refused()?.keywords), "no inodes")
        yield* Effect.sleep("2 minutes")
        assert.isTrue(daemon.running)
        assert.strictEqual(world.hub.state(first), "OPEN")
        assert.isTrue(world.isRunning("build/1"))
        full = false
        yield* world.until(() => world.hub.state(second) === "CLOSED")
        yield* daemon.terminate
      })
    )
  })
})

describe("a daemon that can write its journal no more", () => {
  it("says that it leaves what runs to the next one, and frees nothing", () => {
    let worn = false
    return story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon(failing(() => worn))
        yield* daemon.start
        const task = submit(world, hung)
        yield* world.until(() => world.isRunning("build/1"))
        worn = true
        submit(world, { name: "other" })
        yield* daemon.ended
        assert.isTrue(world.isRunning("build/1"))
        assert.strictEqual(world.hub.state(task), "OPEN")
        const said = world.time.log.map(({ text }) => text)
        assert.include(said, "leaving 1 attempts to the next process: the journal cannot be written")
        assert.isTrue(
          daemon.notices.some((notice) => JSON.stringify(notice).includes("1 tasks run on for the next daemon"))
        )
        assert.isFalse(daemon.notices.some((notice) => JSON.stringify(notice).includes("freeing")))
        worn = false
        yield* daemon.start
        yield* world.until(() => daemon.isWorking(task))
        yield* daemon.terminate
      })
    )
  })
})

describe("a builder whose logs have become read-only", () => {
  it("refuses what it has opened, softly, and fails nothing", () => {
    let readOnly = false
    const isLog = (path: string) => path.includes("/builder1/log/")
    return story(
      (world) =>
        Effect.gen(function* () {
          const daemon = yield* world.daemon()
          yield* daemon.start
          readOnly = true
          const task = submit(world, { name: "hello" })
          const refused = () => world.hub.calls.find(({ method }) => method === "host.refuseTask")
          yield* world.until(() => refused() !== undefined)
          assert.deepInclude(refused()?.keywords, { soft: true })
          assert.match(JSON.stringify(refused()?.keywords), /this builder has no place for the task: .*EROFS: injected/)
          readOnly = false
          yield* world.until(() => world.hub.state(task) === "CLOSED")
          assert.notInclude(
            world.hub.calls.map(({ method }) => method),
            "host.failTask"
          )
          yield* daemon.terminate
        }),
      { files: (_, path) => (readOnly && isLog(path) ? { code: "EROFS" } : "done") }
    )
  })
})

describe("a daemon with a mistake in it", () => {
  it("leaves what runs to the next process, which goes on with it", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        const task = submit(world, hung)
        yield* world.until(() => world.isRunning("build/1"))
        world.hub.fateOf = ({ method }) => {
          if (method === "host.getHostTasks") throw new TypeError("a mistake")
          return { _tag: "Done" }
        }
        yield* daemon.ended
        assert.isTrue(daemon.exit !== undefined && Exit.isFailure(daemon.exit))
        assert.deepInclude((yield* daemon.told).at(-1), { _tag: "Stopped", exitCode: 1 })
        assert.isTrue(world.isRunning("build/1"))
        assert.strictEqual(world.hub.state(task), "OPEN")
        world.hub.fateOf = () => ({ _tag: "Done" })
        yield* daemon.start
        yield* world.until(() => daemon.isWorking(task))
        yield* Effect.sleep("5 minutes")
        assert.isTrue(world.isRunning("build/1"))
        assert.lengthOf(yield* daemon.attempts, 1)
        yield* daemon.terminate
      })
    ))
})
