import { assert, describe, it } from "@effect/vitest"
import { Cause, Context, Effect, Exit, Fiber, Layer, Schema } from "effect"
import { order } from "../../src/core/AttemptCommand.ts"
import { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { AttemptNumber, InstanceId, TaskId } from "../../src/core/Ids.ts"
import { violations } from "../../src/core/Invariants.ts"
import { AttemptJournal, inlineBytesMax } from "../../src/journal/AttemptJournal.ts"
import { recording } from "../../src/journal/Door.ts"
import { JournalUnavailable } from "../../src/journal/JournalError.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import * as MemoryJournalStore from "../../src/journal/MemoryJournalStore.ts"
import { buildError, KojiFault } from "../../src/koji/Fault.ts"

/** A world with one thing in it: something that can be counted. */
class Counter extends Context.Service<Counter, { count: number }>()("test/Counter") {}

const task = TaskId.make(7)
const attempt = AttemptNumber.make(1)
const journal = AttemptJournal.layer(task, attempt)
const accept = order.Accept.make({
  task,
  attempt,
  method: "buildArch",
  arch: "x86_64",
  request: [],
  instance: InstanceId.make("i"),
  bootId: "b",
  version: "0"
})

const count = Effect.map(Counter, (counter) => ++counter.count)

const history = Effect.gen(function* () {
  const store = yield* JournalStore
  const stored = yield* store.read({ kind: "attempt", task, attempt })
  return yield* Effect.forEach(stored, ({ event }) => Schema.decodeUnknownEffect(AttemptEvent)(event))
})
const tags = Effect.map(history, (events) => events.map((event) => event._tag))

/** One process of the daemon: opens the attempt's journal, runs the program, lets go of it. */
const process = <A, E>(program: Effect.Effect<A, E, AttemptJournal | Counter | JournalStore>) =>
  program.pipe(Effect.provide(journal, { local: true }))
const begun = Effect.flatMap(AttemptJournal, (opened) => opened.submit(accept))

const world = Layer.mergeAll(
  MemoryJournalStore.layerMemory,
  Layer.sync(Counter, () => ({ count: 0 }))
)

describe("the recording door", () => {
  it.effect("writes the intent before the work and the outcome after it", () =>
    Effect.gen(function* () {
      const seen = yield* process(
        Effect.gen(function* () {
          yield* begun
          const door = yield* recording<Counter | JournalStore>()
          return yield* door.step({ path: "one", rule: "repeat" }, Schema.Array(Schema.String), tags.pipe(Effect.orDie))
        })
      )
      assert.deepStrictEqual(seen, ["Accepted", "StepIntended"])
      assert.deepStrictEqual(yield* tags, ["Accepted", "StepIntended", "StepSucceeded"])
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("runs the work of a step once, however often the program comes by, in one process or in two", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const door = yield* recording<Counter>()
        const step = door.step({ path: "one", rule: "repeat", input: [1] }, Schema.Int, count)
        return [yield* step, yield* step]
      })
      assert.deepStrictEqual(yield* process(Effect.andThen(begun, program)), [1, 1])
      assert.deepStrictEqual(yield* process(program), [1, 1])
      assert.strictEqual((yield* Counter).count, 1)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("records a failure and gives the same one again", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const door = yield* recording<Counter>()
        const work = Effect.andThen(count, Effect.fail(buildError("no spec")))
        return yield* Effect.flip(door.step({ path: "one", rule: "repeat" }, Schema.Int, work))
      })
      const first = yield* process(Effect.andThen(begun, program))
      const second = yield* process(program)
      assert.instanceOf(second, KojiFault)
      assert.deepInclude(second, { code: 1005, message: "no spec" })
      assert.deepStrictEqual({ ...first }, { ...second })
      assert.strictEqual((yield* Counter).count, 1)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("leaves the intent of interrupted work open, and runs the work again in the next process", () =>
    Effect.gen(function* () {
      yield* process(
        Effect.gen(function* () {
          yield* begun
          const door = yield* recording<Counter>()
          const working = door.step({ path: "one", rule: "repeat" }, Schema.Int, Effect.andThen(count, Effect.never))
          const fiber = yield* Effect.forkChild(working, { startImmediately: true })
          while ((yield* Counter).count === 0) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
        })
      )
      assert.deepStrictEqual(yield* tags, ["Accepted", "StepIntended"])
      const again = Effect.gen(function* () {
        const door = yield* recording<Counter>()
        return yield* door.step({ path: "one", rule: "repeat" }, Schema.Int, count)
      })
      assert.strictEqual(yield* process(again), 2)
      assert.deepStrictEqual(yield* tags, ["Accepted", "StepIntended", "StepSucceeded"])
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("leaves the intent of a defect open", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        process(
          Effect.gen(function* () {
            yield* begun
            const door = yield* recording<Counter>()
            yield* door.step({ path: "one", rule: "repeat" }, Schema.Int, Effect.die(new Error("a bug")))
          })
        )
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.deepStrictEqual(yield* tags, ["Accepted", "StepIntended"])
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("gives the task back when the program asks for the same step with another input", () =>
    Effect.gen(function* () {
      const program = (input: number) =>
        Effect.gen(function* () {
          const door = yield* recording<Counter>()
          return yield* door.step({ path: "one", rule: "repeat", input }, Schema.Int, count)
        })
      yield* process(Effect.andThen(begun, program(1)))
      const failure = yield* Effect.flip(process(program(2)))
      assert.strictEqual(failure._tag, "GiveBack")
      assert.include(failure.message, "diverged")
      assert.strictEqual((yield* Counter).count, 1)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("gives the task back when another version recorded an outcome that this one cannot read", () =>
    Effect.gen(function* () {
      const program = <A>(schema: Schema.Codec<A, Schema.Json>, work: Effect.Effect<A, never, Counter>) =>
        Effect.gen(function* () {
          const door = yield* recording<Counter>()
          return yield* door.step({ path: "one", rule: "repeat" }, schema, work)
        })
      yield* process(Effect.andThen(begun, program(Schema.Int, count)))
      const failure = yield* Effect.flip(process(program(Schema.String, Effect.as(count, "one"))))
      assert.strictEqual(failure._tag, "GiveBack")
      assert.include(failure.message, "diverged")
      assert.strictEqual((yield* Counter).count, 1)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("gives the task back when a recorded outcome cannot be read again", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const door = yield* recording<Counter>()
        return yield* door.step(
          { path: "one", rule: "repeat" },
          Schema.String,
          Effect.as(count, "x".repeat(inlineBytesMax + 1))
        )
      })
      yield* process(Effect.andThen(begun, program))
      const lost = AttemptJournal.pipe(
        Effect.map((opened) => ({
          ...opened,
          getValue: () => Effect.fail(new JournalUnavailable({ path: "blobs", message: "the disk is damaged" }))
        }))
      )
      const failure = yield* process(
        Effect.flatMap(lost, (opened) => Effect.flip(Effect.provideService(program, AttemptJournal, opened)))
      )
      assert.strictEqual(failure._tag, "GiveBack")
      assert.strictEqual(failure.message, "what one came to is lost: the disk is damaged")
      assert.strictEqual((yield* Counter).count, 1)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("begins nothing once the attempt is being stopped", () =>
    Effect.gen(function* () {
      yield* process(
        Effect.gen(function* () {
          yield* begun
          const opened = yield* AttemptJournal
          yield* opened.submit(order.RequestStop.make({ reason: "canceled", detail: "" }))
          const door = yield* recording<Counter>()
          const working = door.step({ path: "one", rule: "repeat" }, Schema.Int, count)
          const fiber = yield* Effect.forkChild(working, { startImmediately: true })
          for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
        })
      )
      assert.strictEqual((yield* Counter).count, 0)
      assert.deepStrictEqual(yield* tags, ["Accepted", "StopRequested"])
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("keeps a large outcome beside the journal, and finds it again", () =>
    Effect.gen(function* () {
      const large = "x".repeat(inlineBytesMax + 1)
      const program = Effect.gen(function* () {
        const door = yield* recording<Counter>()
        return yield* door.step({ path: "one", rule: "repeat" }, Schema.String, Effect.as(count, large))
      })
      yield* process(Effect.andThen(begun, program))
      assert.strictEqual(yield* process(program), large)
      const settled = (yield* history).at(-1)
      assert.isTrue(settled?._tag === "StepSucceeded" && settled.value._tag === "Blob")
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("runs concurrent steps under their own paths, and makes a history that breaks nothing", () =>
    Effect.gen(function* () {
      yield* process(
        Effect.gen(function* () {
          yield* begun
          const door = yield* recording<Counter>()
          const steps = ["a", "b", "c"].map((path) => door.step({ path, rule: "repeat" }, Schema.Int, count))
          assert.deepStrictEqual((yield* Effect.all(steps, { concurrency: "unbounded" })).sort(), [1, 2, 3])
        })
      )
      assert.deepStrictEqual(violations(yield* history), [])
    }).pipe(Effect.provide(world, { local: true }))
  )
})
