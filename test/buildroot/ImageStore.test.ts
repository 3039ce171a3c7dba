/** The cache of images: made once, pinned while used, evicted by age and by size, and never in between. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { ImageStore, type MadeImage } from "../../src/buildroot/ImageStore.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { imageLabels } from "../../src/engine/Labels.ts"
import { layerMemory } from "../../src/engine/MemoryEngine.ts"
import { makeReaper } from "../../src/engine/Reaper.ts"
import { modelDirectory } from "../model/Machine.ts"
import { builderSettings } from "./settings.ts"

const instance = "a1b2c3"

/** The state directory, which outlives a store. */
class State extends Context.Service<State, { readonly directory: string }>()("test/State") {}
const state = Layer.effect(
  State,
  Effect.acquireRelease(
    Effect.sync(() => ({ directory: mkdtempSync(join(tmpdir(), "adjutant-images-")) })),
    ({ directory }) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
)
const settings = (change: Partial<BuilderSettings["Service"]>) =>
  Layer.effect(
    BuilderSettings,
    Effect.map(State, ({ directory }) => builderSettings({ directory, instance, image: "tools", bootId: "" }, change))
  )
const world = (change: Partial<BuilderSettings["Service"]> = {}, place: Layer.Layer<State> = state) =>
  Layer.provideMerge(
    Layer.mergeAll(layerMemory({ kind: "docker", program: () => ({ output: [], exit: 0 }) }), settings(change)),
    place
  )

const stored = <A, E, R>(
  effect: Effect.Effect<A, E, R | ImageStore | Engine | State | BuilderSettings>,
  change: Partial<BuilderSettings["Service"]> = {}
) => effect.pipe(Effect.provide(Layer.provideMerge(ImageStore.layer, world(change))))

/** The making of an image of that many bytes. */
const making = (key: string, bytes = 10, inputs: MadeImage["inputs"] = {}) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    const { directory } = yield* State
    const tar = Stream.make(new TextEncoder().encode(key))
    const { id } = yield* engine.importImage(tar, `adjutant/${instance}/base:${key}`, imageLabels(instance, key))
    const files = join(directory, `made-${key}`)
    mkdirSync(files)
    writeFileSync(join(files, "transcript"), key)
    return { kind: "base", image: id, inputs, packages: [], bytes, kernel: "", files } satisfies MadeImage
  })

const keysOf = (evicted: ReadonlyArray<{ readonly key: string }>) => evicted.map(({ key }) => key)

describe("images", () => {
  it.effect("that two attempts need at the same time are made once, and told apart from found ones", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        const begun = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        const slow = Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go)).pipe(
          Effect.andThen(making("k"))
        )
        const first = yield* Effect.forkChild(store.getOrMake("1-1", "k", slow))
        yield* Deferred.await(begun)
        const second = yield* Effect.forkChild(store.getOrMake("2-1", "k", Effect.die("made twice")))
        yield* Effect.yieldNow
        yield* Deferred.succeed(go, undefined)
        const one = yield* Fiber.join(first)
        const two = yield* Fiber.join(second)
        assert.deepStrictEqual([one.made, two.made], [true, false])
        assert.strictEqual(one.record.image, two.record.image)
        assert.isTrue(existsSync(join(store.files("k"), "transcript")))
      })
    )
  )

  it.effect("whose making is stopped, or fails, are made by the next one that waits", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        const begun = yield* Deferred.make<void>()
        const never = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
        const first = yield* Effect.forkChild(store.getOrMake("1-1", "k", never))
        yield* Deferred.await(begun)
        const second = yield* Effect.forkChild(store.getOrMake("2-1", "k", Effect.fail("no space" as const)))
        const third = yield* Effect.forkChild(store.getOrMake("3-1", "k", making("k")))
        yield* Effect.yieldNow
        yield* Fiber.interrupt(first)
        assert.strictEqual(yield* Effect.flip(Fiber.join(second)), "no space")
        assert.isTrue((yield* Fiber.join(third)).made)
      })
    )
  )

  it.effect("unused for too long are evicted, with their files; pinned ones stay until they are let go", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        const engine = yield* Engine
        const { record } = yield* store.getOrMake("1-1", "old", making("old"))
        yield* store.getOrMake("2-1", "pinned", making("pinned"))
        yield* store.unpin("1-1")
        yield* TestClock.adjust("101 seconds")
        assert.deepStrictEqual(yield* store.evict, [{ key: "old", image: record.image, reason: "unused for 101 s" }])
        assert.isUndefined(yield* engine.inspectImage(record.image))
        assert.isFalse(existsSync(store.files("old")))
        yield* store.unpin("2-1")
        assert.deepStrictEqual(keysOf(yield* store.evict), ["pinned"])
      }),
      { imageCacheAgeSecondsMax: 100 }
    )
  )

  it.effect("beyond the budget are evicted, those first that were used longest ago", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        for (const key of ["a", "b", "c"]) {
          yield* store.getOrMake("1-1", key, making(key, 40))
          yield* TestClock.adjust("1 second")
        }
        yield* store.getOrMake("1-1", "a", Effect.die("there already"))
        assert.deepStrictEqual(yield* store.evict, [], "all are pinned")
        yield* store.unpin("1-1")
        const evicted = yield* store.evict
        assert.deepStrictEqual(
          evicted.map(({ key, reason }) => [key, reason]),
          [["b", "the cache holds 120 bytes"]]
        )
        assert.deepStrictEqual(yield* store.evict, [])
      }),
      { imageCacheBytesMax: 100 }
    )
  )

  it.effect("that the operator has named are forgotten and not removed", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        const engine = yield* Engine
        const { record } = yield* store.getOrMake("1-1", "k", making("k", 10, { ready: "site/base:1" }))
        yield* store.unpin("1-1")
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(keysOf(yield* store.evict), ["k"])
        assert.isDefined(yield* engine.inspectImage(record.image))
      }),
      { imageCacheAgeSecondsMax: 1 }
    )
  )

  it.effect("that are asked for while they are evicted are made again, not found and then lost", () =>
    Effect.gen(function* () {
      const removing = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const slowly = Layer.effect(
        Engine,
        Effect.map(Engine, (engine) =>
          Engine.of({
            ...engine,
            removeImage: (reference) =>
              Deferred.succeed(removing, undefined).pipe(
                Effect.andThen(Deferred.await(go)),
                Effect.andThen(engine.removeImage(reference))
              )
          })
        )
      )
      yield* Effect.gen(function* () {
        const store = yield* ImageStore
        const engine = yield* Engine
        yield* store.getOrMake("1-1", "k", making("k"))
        yield* store.unpin("1-1")
        yield* TestClock.adjust("2 seconds")
        const evicting = yield* Effect.forkChild(store.evict)
        yield* Deferred.await(removing)
        const asking = yield* Effect.forkChild(store.getOrMake("2-1", "k", making("k")))
        // As far as it comes by itself.
        for (let turn = 0; turn < 100; turn++) yield* Effect.promise(() => new Promise(setImmediate))
        yield* Deferred.succeed(go, undefined)
        assert.deepStrictEqual(keysOf(yield* Fiber.join(evicting)), ["k"])
        const { record, made } = yield* Fiber.join(asking)
        assert.isTrue(made)
        assert.isDefined(yield* engine.inspectImage(record.image))
      }).pipe(
        Effect.provide(
          ImageStore.layer.pipe(Layer.provideMerge(slowly), Layer.provideMerge(world({ imageCacheAgeSecondsMax: 1 })))
        )
      )
    })
  )

  it.effect("that somebody is looking for are passed over by eviction", () =>
    Effect.gen(function* () {
      const looking = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const slowly = Layer.effect(
        Engine,
        Effect.map(Engine, (engine) =>
          Engine.of({
            ...engine,
            inspectImage: (reference) =>
              engine.inspectImage(reference).pipe(
                Effect.tap(() => Deferred.succeed(looking, undefined)),
                Effect.tap(() => Deferred.await(go))
              )
          })
        )
      )
      yield* Effect.gen(function* () {
        const store = yield* ImageStore
        yield* store.getOrMake("1-1", "k", making("k"))
        yield* store.unpin("1-1")
        yield* TestClock.adjust("2 seconds")
        const asking = yield* Effect.forkChild(store.getOrMake("2-1", "k", Effect.die("it was there")))
        yield* Deferred.await(looking)
        assert.deepStrictEqual(yield* store.evict, [])
        yield* Deferred.succeed(go, undefined)
        assert.isFalse((yield* Fiber.join(asking)).made)
      }).pipe(
        Effect.provide(
          ImageStore.layer.pipe(Layer.provideMerge(slowly), Layer.provideMerge(world({ imageCacheAgeSecondsMax: 1 })))
        )
      )
    })
  )

  it.effect("leave no pin behind when whoever asks for one is stopped while it is made", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        yield* store.getOrMake("0-1", "k", making("k"))
        const begun = yield* Deferred.make<void>()
        const never = Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
        const asking = store.getOrMake("1-1", "other", never).pipe(Effect.ensuring(store.unpin("1-1")))
        const held = store.getOrMake("1-1", "k", Effect.die("there already"))
        const first = yield* Effect.forkChild(Effect.andThen(held, asking))
        const waiting = yield* Effect.forkChild(
          store.getOrMake("2-1", "other", Effect.die("nobody asks any more")).pipe(Effect.ensuring(store.unpin("2-1")))
        )
        yield* Deferred.await(begun)
        yield* Fiber.interruptAll([waiting, first])
        yield* store.unpin("0-1")
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(keysOf(yield* store.evict), ["k"])
        const { ids, making: stillMaking } = yield* store.known
        assert.deepStrictEqual([[...ids], [...stillMaking]], [[], []])
      }),
      { imageCacheAgeSecondsMax: 1 }
    )
  )

  it.effect("in the making are claimed by their key: the reaper leaves them alone, however long it takes", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        const made = yield* Deferred.make<string>()
        const slow = making("k").pipe(
          Effect.tap(({ image }) => Deferred.succeed(made, image)),
          Effect.tap(() => Effect.never)
        )
        const fiber = yield* Effect.forkChild(store.getOrMake("1-1", "k", slow))
        const image = yield* Deferred.await(made)
        const claims = Effect.map(store.known, ({ ids, making: claimed }) => {
          return { containers: new Set<string>(), images: ids, making: claimed }
        })
        const { sweep } = makeReaper(instance, claims)
        for (let look = 0; look < 5; look++) assert.deepStrictEqual(yield* sweep, [])
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual([yield* sweep, (yield* sweep).map(({ name }) => name)], [[], [image]])
      })
    )
  )

  it.effect("outlive the process that made them, except those of which the record is not whole", () =>
    Effect.gen(function* () {
      const { directory } = yield* State
      const use = Effect.gen(function* () {
        const store = yield* ImageStore
        yield* store.getOrMake("1-1", "whole", making("whole"))
        yield* store.getOrMake("1-1", "torn", making("torn"))
        return store.files("torn")
      })
      const torn = yield* use.pipe(Effect.provide(ImageStore.layer, { local: true }))
      writeFileSync(join(torn, "record.json"), '{"key":"torn","kind":"ba')
      mkdirSync(join(directory, "state/images/empty"))
      const after = Effect.gen(function* () {
        const store = yield* ImageStore
        assert.deepStrictEqual(readdirSync(join(directory, "state/images")), ["whole"])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* store.evict, [], "the attempt may be resumed")
        yield* store.keepPins(new Set(["7-1"]))
        assert.deepStrictEqual(keysOf(yield* store.evict), ["whole"], "it is not")
        yield* store.getOrMake("2-1", "whole", making("whole"))
        assert.isFalse((yield* store.getOrMake("3-1", "whole", Effect.die("there"))).made)
        // Its maker has said all that there is to say of its making.
        assert.isTrue((yield* store.getOrMake("2-1", "whole", Effect.die("there"))).made)
        assert.isTrue((yield* store.getOrMake("2-1", "torn", making("torn"))).made)
      })
      yield* after.pipe(Effect.provide(ImageStore.layer, { local: true }))
    }).pipe(Effect.provide(world({ imageCacheAgeSecondsMax: 1 })))
  )

  for (const file of ["record.json", "pins"]) {
    it.effect(`are neither forgotten nor free to go where the disk does not show their ${file}`, () => {
      const disk = { sick: false }
      const { path, remove } = modelDirectory((operation, at) =>
        disk.sick && operation.startsWith("read") && at.endsWith(`/${file}`) ? { code: "EIO" } : "done"
      )
      return Effect.gen(function* () {
        const started = <A, E>(use: Effect.Effect<A, E, ImageStore | Engine | State>) =>
          use.pipe(Effect.provide(ImageStore.layer, { local: true }))
        yield* started(Effect.flatMap(ImageStore, (store) => store.getOrMake("1-1", "k", making("k"))))
        disk.sick = true
        const exit = yield* Effect.exit(started(Effect.void))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(exit), `EIO: injected`)
        disk.sick = false
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(yield* started(Effect.flatMap(ImageStore, ({ evict }) => evict)), [])
        const again = Effect.flatMap(ImageStore, (store) => store.getOrMake("2-1", "k", Effect.die("it is there")))
        assert.isFalse((yield* started(again)).made)
      }).pipe(
        Effect.provide(world({ imageCacheAgeSecondsMax: 1 }, Layer.succeed(State, { directory: path }))),
        Effect.ensuring(Effect.sync(remove))
      )
    })
  }

  it.effect("that the engine has lost are made again", () =>
    stored(
      Effect.gen(function* () {
        const store = yield* ImageStore
        const engine = yield* Engine
        const { record } = yield* store.getOrMake("1-1", "k", making("k"))
        yield* engine.removeImage(record.image)
        assert.isTrue((yield* store.getOrMake("1-1", "k", making("k"))).made)
      })
    )
  )
})
