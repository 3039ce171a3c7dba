import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import type { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { FailedRoot, nameOf } from "../../src/buildroot/FailedRoot.ts"
import { label } from "../../src/engine/Labels.ts"
import type { ModelDaemon } from "../model/Daemon.ts"
import { tag } from "../model/HubTemplate.ts"
import type { FileFate } from "../model/Machine.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World, type WorldOptions } from "../model/World.ts"

const failing: Recipe = { name: "hello", requires: ["zlib-devel"], end: { exit: 1 } }

interface Told {
  readonly world: World
  readonly daemon: ModelDaemon
  readonly task: number
}

type Tale = (told: Told) => Effect.Effect<void>
interface Circumstances extends WorldOptions {
  readonly settings?: Partial<BuilderSettings["Service"]>
}

/** A daemon, and a task that builds this for x86_64. */
const building = (recipe: Recipe, tale: Tale, { settings = {}, ...options }: Circumstances = {}) =>
  story(
    (world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon({ settings })
        yield* daemon.start
        const task = build(world, recipe)
        yield* tale({ world, daemon, task })
        yield* daemon.terminate
        assert.deepStrictEqual(yield* world.engine.containers, [])
      }),
    options
  )

const build = ({ hub, ...world }: World, recipe: Recipe): number =>
  hub.makeTask("buildArch", [world.source(recipe), tag.build, "x86_64", true, { repo_id: 1 }], { arch: "x86_64" })

const ended = ({ world, daemon }: Told, task: number) =>
  Effect.andThen(
    world.until(() => ["FAILED", "CANCELED", "CLOSED"].includes(world.hub.state(task) ?? "")),
    world.until(() => !daemon.isWorking(task))
  )

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(FailedRoot)))
const directoryOf = ({ settings }: ModelDaemon) => join(settings.stateDirectory, "roots")
const kept = (daemon: ModelDaemon) => readdirSync(directoryOf(daemon)).sort()
const recordOf = (daemon: ModelDaemon, name: string) =>
  decode(readFileSync(join(directoryOf(daemon), name, "record.json"), "utf8"))
/** Images that were made of what failed. */
const failedImages = ({ engine }: World) =>
  Effect.map(engine.images, (images) =>
    images.flatMap(({ id, labels }) => (labels[label.image]?.startsWith("failed-") === true ? [id] : []))
  )
const evictions = (daemon: ModelDaemon) =>
  Effect.map(daemon.told, (told) => told.filter((event) => event._tag === "FailedRootEvicted"))

const nothingButTools = (world: World) =>
  Effect.map(world.engine.images, (images) =>
    assert.deepStrictEqual(
      images.map(({ references }) => references),
      [["localhost/tools:1"]]
    )
  )

describe("the root of a failed build", () => {
  it("is kept: the image as the step left it, what it had mounted, and a record of the step", () =>
    building(failing, (told) =>
      Effect.gen(function* () {
        const { world, daemon, task } = told
        yield* ended(told, task)
        assert.strictEqual(world.hub.state(task), "FAILED")
        assert.deepStrictEqual(kept(daemon), ["1-1"])
        const root = recordOf(daemon, "1-1")
        assert.strictEqual(nameOf(root), "1-1")
        assert.deepStrictEqual([root.method, root.arch, String(root.step)], ["buildArch", "x86_64", "build/2"])
        assert.match(root.failure, /^error building package \(arch x86_64\), mock exited with status 1; see build\.log/)
        assert.deepStrictEqual(root.exit.reason, { _tag: "Exited", code: 1 })
        assert.strictEqual(root.spec.user, "1000:135")
        assert.deepStrictEqual(yield* failedImages(world), [root.image])
        const places = new Map(root.spec.mounts.map(({ target, source }) => [target, source]))
        const place = join(directoryOf(daemon), "1-1")
        assert.deepStrictEqual([...places.keys()], ["/builddir", "/chroot_tmpdir", "/run/adjutant/status"])
        assert.strictEqual(places.get("/builddir"), join(place, "builddir"))
        assert.isTrue(existsSync(join(place, "builddir/build/originals/hello-1.0-1.src.rpm")))
        assert.include(readFileSync(join(place, "output"), "utf8"), "Executing(%build): hello-1.0-1\n")
        const notes = (yield* daemon.history(task)).flatMap((event) => (event._tag === "Noted" ? [event.text] : []))
        assert.deepStrictEqual(notes, ["the root of build/2 is kept: adjutant shell 1"])
        assert.deepStrictEqual(readdirSync(join(daemon.settings.stateDirectory, "work")), [])
      })
    ))

  it("of a source package is kept too", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        world.interfere((step, program) => (step === "build/source" ? { ...program, exit: 1 } : program))
        yield* daemon.start
        const task = world.hub.makeTask("rebuildSRPM", [world.source(failing), tag.build, { repo_id: 1 }])
        yield* ended({ world, daemon, task }, task)
        const root = recordOf(daemon, "1-1")
        assert.deepStrictEqual([root.method, String(root.step), root.spec.user], ["rebuildSRPM", "build/source", "0:0"])
        assert.isTrue(existsSync(join(directoryOf(daemon), "1-1/chroot_tmpdir/srpm/hello-1.0-1.src.rpm")))
        yield* daemon.terminate
      })
    ))

  it("outlives sweeps, restarts and the images' own eviction, and goes when kojid's would", () =>
    building(
      failing,
      (told) =>
        Effect.gen(function* () {
          const { world, daemon, task } = told
          yield* ended(told, task)
          const root = recordOf(daemon, "1-1")
          const images = (yield* world.engine.images).length
          yield* Effect.sleep("2 hours")
          yield* daemon.terminate
          yield* daemon.start
          yield* Effect.sleep("110 minutes")
          assert.deepStrictEqual(kept(daemon), ["1-1"])
          assert.strictEqual((yield* world.engine.images).length, images, "nor are the images that it was made of")
          assert.deepStrictEqual(yield* evictions(daemon), [])
          assert.isAbove(recordOf(daemon, "1-1").bytes ?? 0, 0, "its size is counted meanwhile")
          yield* Effect.sleep("15 minutes")
          assert.deepStrictEqual(kept(daemon), [])
          assert.deepStrictEqual(yield* failedImages(world), [])
          const [evicted, ...more] = yield* evictions(daemon)
          assert.deepStrictEqual(more, [])
          assert.strictEqual(evicted?.image, root.image)
          assert.match(evicted?.reason ?? "", /^kept for 144\d\d s$/)
          yield* nothingButTools(world)
        }),
      { settings: { imageCacheAgeSecondsMax: 60 } }
    ))

  it("gives way to a younger one when there is no room for both", () =>
    building(failing, (told) =>
      Effect.gen(function* () {
        const { world, daemon, task } = told
        yield* ended(told, task)
        yield* Effect.sleep("1 minute")
        const bytes = recordOf(daemon, "1-1").bytes ?? 0
        Object.assign(daemon.settings, { failedRootBytesMax: Math.round(1.5 * bytes) })
        yield* daemon.terminate
        yield* daemon.start
        yield* ended(told, build(world, { ...failing, name: "other" }))
        yield* Effect.sleep("1 minute")
        assert.deepStrictEqual(kept(daemon), ["2-1"])
        const [evicted, ...more] = yield* evictions(daemon)
        assert.deepStrictEqual(more, [])
        assert.match(evicted?.reason ?? "", /^failed roots hold \d+ bytes, and may hold \d+$/)
      })
    ))

  it("is not kept when it is too large by itself, and others need not make room for it", () =>
    building(
      failing,
      (told) =>
        Effect.gen(function* () {
          yield* ended(told, told.task)
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual(kept(told.daemon), [])
          assert.match((yield* evictions(told.daemon))[0]?.reason ?? "", /^it holds \d+ bytes, and all together/)
        }),
      { settings: { failedRootBytesMax: 10 } }
    ))

  it("goes, the oldest first, when the disk is nearly full", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon({ options: { minSpaceMebibytes: 0 } })
        yield* daemon.start
        const told = { world, daemon, task: build(world, failing) }
        yield* ended(told, told.task)
        yield* daemon.terminate
        const full = yield* world.daemon({ options: { minSpaceMebibytes: 2 ** 40 }, name: "builder1" })
        yield* full.start
        yield* Effect.sleep("2 minutes")
        assert.deepStrictEqual(kept(full), [])
        yield* full.terminate
      })
    ))

  it("costs nothing where the operator wants none", () =>
    building(
      failing,
      (told) =>
        Effect.gen(function* () {
          yield* ended(told, told.task)
          assert.deepStrictEqual(kept(told.daemon), [])
          assert.deepStrictEqual(yield* failedImages(told.world), [])
        }),
      { settings: { failedRootBytesMax: 0 } }
    ))

  it("is not kept of a build that was canceled in the middle of its failure", () =>
    building(failing, (told) =>
      Effect.gen(function* () {
        const { world, daemon, task } = told
        // The failure is known here, and the hub has not heard of it.
        world.hub.fateOf = ({ method }) =>
          method === "host.updateBuildRootList" ? { _tag: "Late", millis: 60_000 } : { _tag: "Done" }
        yield* world.until(() => Effect.runSync(failedImages(world)).length > 0)
        world.hub.admin("cancelTask", [task])
        yield* ended(told, task)
        assert.strictEqual(world.hub.state(task), "CANCELED")
        assert.deepStrictEqual(kept(daemon), [])
        assert.deepStrictEqual(yield* failedImages(world), [])
      })
    ))

  it("is not kept of a build that is given back", () =>
    building(failing, (told) =>
      Effect.gen(function* () {
        const { world, daemon } = told
        world.hub.fateOf = ({ method }) =>
          method === "host.updateBuildRootList" ? { _tag: "Late", millis: 60_000 } : { _tag: "Done" }
        yield* world.until(() => Effect.runSync(failedImages(world)).length > 0)
        yield* daemon.terminate
        assert.strictEqual(world.hub.state(told.task), "FREE")
        assert.deepStrictEqual(kept(daemon), [])
        assert.deepStrictEqual(yield* failedImages(world), [])
      })
    ))

  for (const [what, code] of [
    ["the disk does not show", "EIO"],
    ["nobody lets us read", "EACCES"],
    ["another version wrote", null]
  ] as const) {
    it(`of which ${what} the record stays, with its images, until its directory is too old`, () => {
      const disk = { sick: false }
      const files = (operation: string, path: string): FileFate =>
        code !== null && disk.sick && operation === "readFile" && path.endsWith("/1-1/record.json") ? { code } : "done"
      return building(
        failing,
        (told) =>
          Effect.gen(function* () {
            const { world, daemon, task } = told
            yield* ended(told, task)
            const root = recordOf(daemon, "1-1")
            const images = (yield* world.engine.images).length
            yield* daemon.terminate
            const place = join(directoryOf(daemon), "1-1")
            if (code !== null) disk.sick = true
            else writeFileSync(join(place, "record.json"), '{"task":1,"attempt":1,"layout":2}')
            const age = (millis: number) => utimesSync(place, new Date(), new Date(world.time.now - millis))
            age(0)
            yield* daemon.start
            yield* Effect.sleep("30 minutes")
            yield* daemon.terminate
            yield* daemon.reap
            yield* daemon.reap
            assert.deepStrictEqual(kept(daemon), ["1-1"])
            assert.isTrue(existsSync(join(place, "builddir/build/originals/hello-1.0-1.src.rpm")))
            assert.strictEqual((yield* world.engine.images).length, images, "nor are the images that it was made of")
            assert.isTrue(
              world.time.log.some(({ text }) => text.includes(`${place} cannot be read, and stays as it is`))
            )

            age(5 * 3600 * 1000)
            yield* daemon.start
            yield* Effect.sleep("5 minutes")
            assert.deepStrictEqual(kept(daemon), [])
            assert.deepStrictEqual(
              (yield* evictions(daemon)).map(({ image, bytes }) => ({ image, bytes })),
              [{ image: root.image, bytes: null }]
            )
            yield* nothingButTools(world)
          }),
        { files, settings: { imageCacheAgeSecondsMax: 60 } }
      )
    })
  }

  for (const { hub, makeItSo } of [
    { hub: "is away", makeItSo: ({ hub, time }: World) => Object.assign(hub, { awayUntil: time.now + 6 * 3_600_000 }) },
    {
      hub: "does not say which buildroots it has",
      makeItSo: ({ hub }: World) => {
        hub.fateOf = ({ method }) =>
          method === "listBuildroots" ? { _tag: "Fault", code: 1000, message: "no listing" } : { _tag: "Done" }
      }
    }
  ]) {
    it(`goes in its time though the hub ${hub}`, () =>
      building(
        failing,
        (told) =>
          Effect.gen(function* () {
            const { world, daemon, task } = told
            yield* ended(told, task)
            makeItSo(world)
            yield* Effect.sleep("1 minute")
            assert.deepStrictEqual(kept(daemon), ["1-1"])
            yield* Effect.sleep("7 minutes")
            assert.deepStrictEqual(kept(daemon), [])
            Object.assign(world.hub, { awayUntil: 0 })
          }),
        { settings: { failedRootAgeSecondsMax: 300 } }
      ))
  }

  it("makes room on a disk that takes not even how much it holds", () => {
    const files = (operation: string, path: string): FileFate =>
      operation === "writeFile" && path.endsWith("/1-1/record.json.new") ? { code: "ENOSPC" } : "done"
    return building(
      failing,
      (told) =>
        Effect.gen(function* () {
          yield* ended(told, told.task)
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual(kept(told.daemon), [])
        }),
      { files, settings: { failedRootBytesMax: 10 } }
    )
  })

  it("is kept once, whenever the daemon dies while it keeps it", async () => {
    const keeping = new Set(["mkdir", "writeFile", "link", "rename", "rm"])
    /** Kills the daemon at the nth operation on what is kept; how many there are when it is never killed. */
    const killedAt = async (nth: number) => {
      let operations = 0
      let begun = false
      let dead = false
      let kill = () => {}
      const files = (operation: string, path: string): FileFate => {
        const isOurs = keeping.has(operation) && /\/(roots|work)\/1-1/.test(path)
        if (operation === "mkdir" && path.endsWith("/roots/1-1.new")) begun = true
        if (dead || !begun || !isOurs || ++operations !== nth) return "done"
        dead = true
        kill()
        return "never"
      }
      await building(
        failing,
        (told) =>
          Effect.gen(function* () {
            const { world, daemon, task } = told
            kill = () => Effect.runSync(daemon.kill)
            yield* world.until(() => dead || world.hub.state(task) === "FAILED", 10)
            // Its size is written down when the builder is tidied the next time.
            yield* Effect.sleep("2 minutes")
            if (dead) yield* daemon.start
            yield* ended(told, task)
            yield* Effect.sleep("10 minutes")
            assert.strictEqual(world.hub.state(task), "FAILED")
            // Killed when its directory was gone and its result not decided, it was given back and run again.
            const [name = "", ...more] = kept(daemon)
            assert.deepStrictEqual(more, [])
            const root = recordOf(daemon, name)
            assert.deepStrictEqual(yield* failedImages(world), [root.image])
            for (const { source } of root.spec.mounts) assert.isTrue(existsSync(source), source)
          }),
        { files }
      ).catch((cause) => assert.fail(`killed at operation ${nth}: ${cause}`))
      return operations
    }
    const operations = await killedAt(Number.POSITIVE_INFINITY)
    assert.isAbove(operations, 7)
    for (let nth = 1; nth <= operations; nth++) await killedAt(nth)
  })
})
