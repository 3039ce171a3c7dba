/** What `adjutant reap` leaves to a daemon that may come back, whatever the disk shows of it. */
import { utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { DiskError } from "../../src/journal/Disk.ts"
import type { DaemonChoices } from "../model/Daemon.ts"
import { tag } from "../model/HubTemplate.ts"
import type { FileFates } from "../model/Machine.ts"
import { story, type World } from "../model/World.ts"

const minute = 60_000

const left = (world: World) => Effect.map(world.engine.containers, (containers) => containers.length)

/** A daemon in the middle of a build that never ends. */
const atWork = Effect.fnUntraced(function* (world: World, choices: Partial<DaemonChoices> = {}) {
  const daemon = yield* world.daemon(choices)
  yield* daemon.start
  const params = [world.source({ name: "hello", end: "never" }), tag.build, "x86_64", true, { repo_id: 1 }]
  world.hub.makeTask("buildArch", params, { arch: "x86_64" })
  yield* world.until(() => world.isRunning("build/1"))
  return daemon
})

/** A disk of which one thing has gone wrong, from a moment on. */
const sickening = (what: FileFates) => {
  const disk = { sick: false }
  const files: FileFates = (operation, path) => (disk.sick ? what(operation, path) : "done")
  return { disk, files }
}

describe("the reaper, behind a daemon that has gone", () => {
  it("leaves its containers for as long as the lease runs, and no longer", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* atWork(world)
        yield* daemon.kill
        yield* Effect.sleep("14 minutes")
        yield* daemon.reap
        assert.strictEqual(yield* left(world), 1)
        yield* Effect.sleep("2 minutes")
        yield* daemon.reap
        assert.strictEqual(yield* left(world), 0)
      })
    ))

  it("counts the lease from its end, though the hub was away for longer before that", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* atWork(world)
        world.hub.awayUntil = world.time.now + 60 * minute
        yield* Effect.sleep("30 minutes")
        yield* daemon.kill
        yield* Effect.sleep("1 minute")
        yield* daemon.reap
        assert.strictEqual(yield* left(world), 1)
      })
    ))

  it("is not misled by a sign of life that a full disk did not take", () => {
    const { disk, files } = sickening((operation, path) => {
      if (operation !== "writeFile" || !/\/alive(\.new)?$/.test(path)) return "done"
      writeFileSync(path, "")
      return { code: "ENOSPC" }
    })
    return story(
      (world) =>
        Effect.gen(function* () {
          const daemon = yield* atWork(world)
          disk.sick = true
          yield* Effect.sleep("1 minute")
          yield* daemon.kill
          yield* daemon.reap
          assert.strictEqual(yield* left(world), 1)
        }),
      { files }
    )
  })

  for (const what of ["the disk does not show", "says nothing"]) {
    it(`goes by when it was written where the sign of life ${what}`, () => {
      const { disk, files } = sickening((operation, path) =>
        operation === "readFile" && path.endsWith("/alive") ? { code: "EIO" } : "done"
      )
      return story(
        (world) =>
          Effect.gen(function* () {
            const daemon = yield* atWork(world)
            yield* daemon.kill
            const path = join(daemon.settings.stateDirectory, "alive")
            if (what === "says nothing") writeFileSync(path, "")
            else disk.sick = true
            const writtenAt = (millis: number) => utimesSync(path, new Date(millis), new Date(millis))
            writtenAt(world.time.now - 14 * minute)
            yield* daemon.reap
            assert.strictEqual(yield* left(world), 1)
            writtenAt(world.time.now - 16 * minute)
            yield* daemon.reap
            assert.strictEqual(yield* left(world), 0)
          }),
        { files }
      )
    })
  }

  it("takes nothing while a journal cannot be read, says so, and leaves what its attempt owns the next time", () => {
    const journal = { sick: false }
    return story((world) =>
      Effect.gen(function* () {
        const daemon = yield* atWork(world, {
          disk: (disk) => ({
            ...disk,
            read: (path, bytesMax) =>
              journal.sick && path.includes("tasks/")
                ? Effect.fail(new DiskError({ operation: "read", path, code: "EIO", message: "injected" }))
                : disk.read(path, bytesMax)
          })
        })
        yield* daemon.kill
        journal.sick = true
        yield* daemon.reap
        assert.strictEqual(yield* left(world), 1)
        const said = /tasks\/\d+\/1\.jsonl cannot be read now, so nothing is taken away: read failed \(EIO\)/
        assert.isTrue(world.time.log.some(({ text }) => said.test(text)))
        journal.sick = false
        yield* daemon.reap
        assert.strictEqual(yield* left(world), 1)
      })
    )
  })
})
