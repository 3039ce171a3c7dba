/** What the model itself promises: stories stand on it. */
import fs from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { tag } from "./HubTemplate.ts"
import { modelDirectory } from "./Machine.ts"
import { callText } from "./Outline.ts"
import { Process, Standstill, Time } from "./Time.ts"
import { story, type World } from "./World.ts"

const start = Date.UTC(2026, 0, 1)

describe("time in the model", () => {
  it("jumps to the next moment at which somebody wakes, in order, and takes none itself", async () => {
    const time = new Time({ now: start })
    const told: Array<string> = []
    const later = (millis: number, name: string) =>
      Effect.andThen(
        Effect.sleep(`${millis} millis`),
        Effect.sync(() => void told.push(`${name} ${time.now - start}`))
      )
    await time.run(
      time.contextOf(new Process("p"), 0),
      Effect.all([later(2_000, "b"), later(1_000, "a"), later(86_400_000, "d"), later(2_000, "c")], {
        concurrency: "unbounded",
        discard: true
      })
    )
    assert.deepStrictEqual(told, ["a 1000", "b 2000", "c 2000", "d 86400000"])
  })

  it("says so when nothing will ever happen again", async () => {
    const time = new Time({ now: start })
    const failure = await time.run(time.contextOf(new Process("p"), 0), Effect.never).then(
      () => undefined,
      (error: unknown) => error
    )
    assert.instanceOf(failure, Standstill)
  })

  it("lets a killed process take no further step, whatever it waited for, and run no finaliser", async () => {
    const time = new Time({ now: start })
    const told: Array<string> = []
    const tell = (text: string) => Effect.sync(() => void told.push(text))
    const process = new Process("victim")
    await time.run(
      time.contextOf(new Process("story"), 0),
      Effect.gen(function* () {
        const signal = yield* Deferred.make<void>()
        const waits = [
          Effect.andThen(Effect.sleep("2 seconds"), tell("slept")),
          Effect.andThen(Deferred.await(signal), tell("was signalled")),
          Effect.andThen(
            Effect.promise(() => readFile("/proc/version")),
            Effect.never
          )
        ]
        const work = Effect.all(waits, { concurrency: "unbounded" }).pipe(Effect.ensuring(tell("finalised")))
        const fiber = Effect.runForkWith(time.contextOf(process, 1))(work)
        yield* Effect.sleep("1 second")
        process.kill()
        yield* Deferred.succeed(signal, undefined)
        fiber.interruptUnsafe()
        yield* Effect.sleep("1 hour")
      })
    )
    assert.deepStrictEqual(told, [])
  })
})

describe("files in the model", () => {
  it("are written at once below the model's directories", async () => {
    const { path, remove } = modelDirectory()
    const writing = writeFile(`${path}/file`, "text")
    assert.strictEqual(fs.readFileSync(`${path}/file`, "utf8"), "text")
    await writing
    remove()
    assert.isFalse(fs.existsSync(path))
  })

  it("meet with what the story wants", async () => {
    const { path, remove } = modelDirectory((operation) => (operation === "writeFile" ? { code: "ENOSPC" } : "done"))
    const failure = await writeFile(`${path}/file`, "text").then(
      () => undefined,
      (error: unknown) => error
    )
    assert.strictEqual(Object(failure).code, "ENOSPC")
    remove()
  })
})

describe("a history", () => {
  /** A whole build, with everything that the hub was asked and everything that was journaled. */
  const build = (seed?: number) =>
    story(
      (world: World) =>
        Effect.gen(function* () {
          const daemon = yield* world.daemon()
          yield* daemon.start
          const source = world.source({ name: "hello", requires: ["zlib-devel"] })
          const task = world.hub.makeTask("build", [source, tag.target, {}])
          yield* world.until(() => world.hub.state(task) === "CLOSED")
          const histories = yield* Effect.forEach([1, 2, 3, 4], (id) => daemon.history(id))
          yield* daemon.terminate
          return {
            calls: world.hub.calls.map((call) => `${call.at} ${call.session} ${callText(call)}`),
            journals: JSON.stringify(histories),
            pending: globalThis.process.getActiveResourcesInfo().filter((kind) => kind.startsWith("FSReq"))
          }
        }),
      seed === undefined ? {} : { seed }
    )

  it("is the same to the letter whenever its seed is", async () => {
    for (const seed of [undefined, 1, 2]) {
      const [first, again] = [await build(seed), await build(seed)]
      assert.deepStrictEqual(again.calls, first.calls)
      assert.strictEqual(again.journals, first.journals)
    }
  })

  it("does no input or output that takes time of the machine's", async () => {
    assert.deepStrictEqual((await build()).pending, [])
  })
})
