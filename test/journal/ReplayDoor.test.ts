import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, HashMap, Layer, Option, Schema } from "effect"
import { order } from "../../src/core/AttemptCommand.ts"
import { AttemptNumber, InstanceId, TaskId } from "../../src/core/Ids.ts"
import { AttemptJournal } from "../../src/journal/AttemptJournal.ts"
import { type DoorTo, recording } from "../../src/journal/Door.ts"
import * as MemoryJournalStore from "../../src/journal/MemoryJournalStore.ts"
import { replaying, ValueMissing } from "../../src/journal/ReplayDoor.ts"
import { buildError, type TaskFailure } from "../../src/koji/Fault.ts"

/** A world with one thing in it: something that can be counted. */
class Counter extends Context.Service<Counter, { count: number }>()("test/Counter") {}
const count = Effect.map(Counter, (counter) => ++counter.count)

type Program<A> = (door: DoorTo<Counter>) => Effect.Effect<A, TaskFailure>

const journal = AttemptJournal.layer(TaskId.make(7), AttemptNumber.make(1))
const world = Layer.mergeAll(
  journal.pipe(Layer.provide(MemoryJournalStore.layerMemory)),
  Layer.sync(Counter, () => ({ count: 0 }))
)

/** Runs a program for the record; fails if it fails. */
const record = Effect.fnUntraced(function* (program: Program<unknown>) {
  const { submit } = yield* AttemptJournal
  yield* submit(
    order.Accept.make({
      task: TaskId.make(7),
      attempt: AttemptNumber.make(1),
      method: "buildArch",
      arch: "x86_64",
      request: [],
      instance: InstanceId.make("i"),
      bootId: "b",
      version: "0"
    })
  )
  yield* Effect.exit(program(yield* recording<Counter>()))
})

/** Runs a program over what was recorded. It needs no world: that is what its type says. */
const replayed = <A>(program: Program<A>, kept = true) =>
  Effect.gen(function* () {
    const { state, getValue } = yield* AttemptJournal
    const held = yield* state
    const replay = yield* replaying<Counter>({
      step: (path) => (held._tag === "Unknown" ? undefined : Option.getOrUndefined(HashMap.get(held.steps, path))),
      value: (value) =>
        value._tag === "Blob" && !kept
          ? Effect.fail(new ValueMissing({ digest: value.digest, bytes: value.bytes, message: "not here" }))
          : getValue(value).pipe(Effect.orDie)
    })
    const running: Effect.Effect<A, TaskFailure, never> = program(replay.door)
    const exit = yield* Effect.exit(running)
    return { exit, end: Option.getOrNull(yield* replay.end), answered: [...replay.answered] }
  })

const one: Program<number> = (door) => door.step({ path: "one", rule: "repeat", input: [1] }, Schema.Int, count)
const two: Program<number> = (door) => door.step({ path: "two", rule: "repeat" }, Schema.Int, count)
const both: Program<number> = (door) => Effect.andThen(one(door), two(door))

describe("the replaying door", () => {
  it.effect("answers from the record, and runs nothing", () =>
    Effect.gen(function* () {
      yield* record(both)
      const { exit, end, answered } = yield* replayed(both)
      assert.deepStrictEqual(exit, Exit.succeed(2))
      assert.isNull(end)
      assert.deepStrictEqual(answered, ["one", "two"])
      assert.strictEqual((yield* Counter).count, 2)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("fails as it was recorded to have failed", () =>
    Effect.gen(function* () {
      const program: Program<number> = (door) =>
        door
          .step({ path: "one", rule: "repeat" }, Schema.Int, Effect.fail(buildError("no spec")))
          .pipe(Effect.catchTag("KojiFault", (fault) => Effect.succeed(fault.code)))
      yield* record(program)
      assert.deepStrictEqual((yield* replayed(program)).exit, Exit.succeed(1005))
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("comes to the end of the record where the recorded program did not go on", () =>
    Effect.gen(function* () {
      yield* record(one)
      const { exit, end, answered } = yield* replayed(both)
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(end, { _tag: "RecordEnds", path: "two", begun: false })
      assert.deepStrictEqual(answered, ["one"])
      assert.strictEqual((yield* Counter).count, 1)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("comes to the end of the record at a step that was never settled", () =>
    Effect.gen(function* () {
      const broken: Program<number> = (door) =>
        door.step({ path: "two", rule: "repeat" }, Schema.Int, Effect.die(new Error("a bug")))
      yield* record((door) => Effect.andThen(one(door), broken(door)))
      assert.deepStrictEqual((yield* replayed(both)).end, { _tag: "RecordEnds", path: "two", begun: true })
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("names the first step that is asked with another input", () =>
    Effect.gen(function* () {
      yield* record(both)
      const other: Program<number> = (door) =>
        Effect.andThen(door.step({ path: "one", rule: "repeat", input: [2] }, Schema.Int, count), two(door))
      const { end } = yield* replayed(other)
      assert.strictEqual(end?._tag, "Differs")
      if (end?._tag !== "Differs") return
      assert.strictEqual(end.path, "one")
      assert.match(end.recorded, /^input [0-9a-f]{32}$/)
      assert.match(end.asked, /^[0-9a-f]{32}, which is \[2\]$/)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("names the first step whose recorded outcome the program cannot read", () =>
    Effect.gen(function* () {
      yield* record(both)
      const { end } = yield* replayed((door) =>
        door.step({ path: "one", rule: "repeat", input: [1] }, Schema.String, Effect.as(count, ""))
      )
      assert.deepInclude(end ?? {}, { _tag: "Differs", path: "one", recorded: "outcome 1" })
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("is not mistaken for a failure by a program that cleans up after failures", () =>
    Effect.gen(function* () {
      yield* record(one)
      let cleaned = false
      const careful: Program<number> = (door) =>
        both(door).pipe(
          Effect.tapError(() => Effect.sync(() => (cleaned = true))),
          Effect.catch(() => Effect.succeed(0)),
          Effect.ensuring(door.step({ path: "tidy", rule: "repeat" }, Schema.Int, count).pipe(Effect.ignoreCause))
        )
      const { exit, end } = yield* replayed(careful)
      assert.isTrue(Exit.isFailure(exit))
      assert.isFalse(cleaned)
      assert.deepInclude(end ?? {}, { path: "two" })
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("lets every branch of the program come to the end of its own record", () =>
    Effect.gen(function* () {
      const branch = (door: DoorTo<Counter>, name: string, steps: number) =>
        Effect.forEach(Array.from({ length: steps }), (_, at) =>
          door.step({ path: `${name}/${at}`, rule: "repeat" }, Schema.Int, count)
        )
      const recorded: Program<unknown> = (door) =>
        Effect.all([branch(door, "a", 1), branch(door, "b", 30)], { concurrency: "unbounded" })
      yield* record(recorded)
      const { end, answered } = yield* replayed((door) =>
        Effect.all([branch(door, "a", 2), branch(door, "b", 30)], { concurrency: "unbounded" })
      )
      assert.deepStrictEqual(end, { _tag: "RecordEnds", path: "a/1", begun: false })
      assert.strictEqual(answered.length, 31)
    }).pipe(Effect.provide(world, { local: true }))
  )

  it.effect("says which value it would need, when it was kept in another file that is not here", () =>
    Effect.gen(function* () {
      const large: Program<string> = (door) =>
        door.step({ path: "large", rule: "repeat" }, Schema.String, Effect.as(count, "x".repeat(100_000)))
      yield* record(large)
      assert.strictEqual(Exit.isSuccess((yield* replayed(large)).exit), true)
      const { end } = yield* replayed(large, false)
      assert.strictEqual(end?._tag, "ValueMissing")
      assert.strictEqual(end?.path, "large")
    }).pipe(Effect.provide(world, { local: true }))
  )
})
