import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, type Layer, Schema, type Scope } from "effect"
import { TestClock } from "effect/testing"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import type { JournalError } from "../../src/journal/JournalError.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import { lineBytesMax } from "../../src/journal/Line.ts"
import type { StreamName } from "../../src/journal/StreamName.ts"

export const attempt = (task: number, number: number): StreamName => ({
  kind: "attempt",
  task: TaskId.make(task),
  attempt: AttemptNumber.make(number)
})

/** One life of a daemon: each time the layer is built the store begins again over what is kept. */
export type Life = Layer.Layer<JournalStore, JournalError>

const eventsOf = (stored: ReadonlyArray<{ readonly event: unknown }>) => stored.map(({ event }) => event)

/** What every journal store must do. `backing` is something empty that outlives the daemons using it. */
export const journalStoreContract = (name: string, backing: Effect.Effect<Life, never, Scope.Scope>) => {
  const live = <A, E>(life: Life, story: Effect.Effect<A, E, JournalStore | Scope.Scope>) =>
    Effect.scoped(story).pipe(Effect.provide(life, { local: true }))

  /** A story of a single life. */
  const inOneLife = <A, E>(story: Effect.Effect<A, E, JournalStore | Scope.Scope>) =>
    Effect.scoped(Effect.flatMap(backing, (life) => live(life, story)))

  describe(`a journal store (${name})`, () => {
    it.effect("numbers events from 0 and gives them the time of the clock", () =>
      inOneLife(
        Effect.gen(function* () {
          yield* TestClock.setTime(1_700_000_000_000)
          const store = yield* JournalStore
          const stream = yield* store.open(attempt(7, 1))
          assert.deepStrictEqual(stream.existing, [])
          assert.isNull(stream.torn)
          const first = yield* stream.append([{ _tag: "A" }, { _tag: "B" }], true)
          yield* TestClock.adjust("3 seconds")
          const second = yield* stream.append([{ _tag: "C" }], true)
          const all = [...first, ...second]
          assert.deepStrictEqual(eventsOf(all), [{ _tag: "A" }, { _tag: "B" }, { _tag: "C" }])
          assert.deepStrictEqual(
            all.map(({ seq, at }) => [seq, at]),
            [
              [0, 1_700_000_000_000],
              [1, 1_700_000_000_000],
              [2, 1_700_000_003_000]
            ]
          )
          assert.deepStrictEqual(yield* store.read(attempt(7, 1)), all)
        })
      )
    )

    it.effect("forgets the attempts that ended long ago, and no other", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const history = [{ _tag: "Accepted" }, { _tag: "Concluded", how: "closed", note: "" }]
          const write = (task: number, events: ReadonlyArray<unknown>) =>
            Effect.scoped(Effect.flatMap(store.open(attempt(task, 1)), (stream) => stream.append(events, true)))
          yield* TestClock.setTime(1_000_000)
          yield* write(1, history)
          yield* write(2, history.slice(0, 1))
          yield* TestClock.setTime(2_000_000)
          yield* write(3, history)
          assert.deepInclude(yield* store.forget(1_500_000), { attempts: 1 })
          assert.deepStrictEqual(yield* store.list, [attempt(2, 1), attempt(3, 1)])
          assert.deepStrictEqual(yield* store.attempts(TaskId.make(1)), [])
          assert.deepStrictEqual(yield* store.attempts(TaskId.make(3)), [AttemptNumber.make(1)])
          assert.deepStrictEqual((yield* store.last(attempt(3, 1)))?.event, history[1])
        })
      )
    )

    it.effect("keeps a stream of which nothing was begun while it is young", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          yield* Effect.scoped(store.open(attempt(1, 1)))
          assert.deepInclude(yield* store.forget(-1), { attempts: 0 })
          assert.deepStrictEqual(yield* store.list, [attempt(1, 1)])
          // By when its file was made, which no clock of a test moves.
          assert.deepInclude(yield* store.forget(Number.MAX_SAFE_INTEGER), { attempts: 1 })
          assert.deepStrictEqual(yield* store.list, [])
        })
      )
    )

    it.effect("finds in its next life what it was told in this one, and goes on from there", () =>
      Effect.gen(function* () {
        const life = yield* backing
        const told = yield* live(
          life,
          Effect.gen(function* () {
            const stream = yield* (yield* JournalStore).open(attempt(7, 1))
            const durable = yield* stream.append([{ _tag: "A" }], true)
            return [...durable, ...(yield* stream.append([{ _tag: "B" }], false))]
          })
        )
        const found = yield* live(
          life,
          Effect.gen(function* () {
            const stream = yield* (yield* JournalStore).open(attempt(7, 1))
            const [next] = yield* stream.append([{ _tag: "C" }], true)
            assert.strictEqual(next?.seq, 2)
            return stream.existing
          })
        )
        assert.deepStrictEqual(found, told)
        yield* live(
          life,
          Effect.gen(function* () {
            assert.lengthOf(yield* (yield* JournalStore).read(attempt(7, 1)), 3)
          })
        )
      })
    )

    it.effect.prop("keeps whatever JSON it is given, as it was given", [Schema.Array(Schema.Json)], ([events]) =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const stream = yield* store.open(attempt(1, 1))
          const stored = yield* stream.append(events, true)
          assert.deepStrictEqual(eventsOf(stored), JSON.parse(JSON.stringify(events)))
          assert.deepStrictEqual(yield* store.read(attempt(1, 1)), stored)
        })
      )
    )

    it.effect("keeps an event of a megabyte, up to the limit of a line", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const stream = yield* store.open(attempt(1, 1))
          const events = ["é".repeat(500_000), "x".repeat(lineBytesMax - 200)]
          yield* stream.append(events, true)
          assert.deepStrictEqual(eventsOf(yield* store.read(attempt(1, 1))), events)
        })
      )
    )

    it.effect("keeps appends that come at once apart, and the numbers dense", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const stream = yield* store.open(attempt(1, 1))
          const writers = Array.from({ length: 40 }, (_, writer) => writer)
          const answers = yield* Effect.forEach(
            writers,
            (writer) =>
              stream.append(
                [
                  { writer, part: 0 },
                  { writer, part: 1 }
                ],
                writer % 3 !== 0
              ),
            { concurrency: "unbounded" }
          )
          const all = yield* store.read(attempt(1, 1))
          assert.deepStrictEqual(
            all.map(({ seq }) => seq),
            Array.from({ length: 80 }, (_, seq) => seq)
          )
          for (const [writer, answer] of answers.entries()) {
            assert.deepStrictEqual(eventsOf(answer), [
              { writer, part: 0 },
              { writer, part: 1 }
            ])
            assert.deepStrictEqual(all.slice(answer[0]?.seq, (answer[0]?.seq ?? 0) + 2), [...answer])
          }
        })
      )
    )

    it.effect("keeps streams apart and lists them in order", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          assert.deepStrictEqual(yield* store.list, [])
          const names = [attempt(10, 1), attempt(9, 10), attempt(9, 2), { kind: "daemon" } as const]
          for (const name of names) {
            const stream = yield* store.open(name)
            yield* stream.append([{ of: name }], true)
          }
          const ordered: ReadonlyArray<StreamName> = [{ kind: "daemon" }, attempt(9, 2), attempt(9, 10), attempt(10, 1)]
          assert.deepStrictEqual(yield* store.list, ordered)
          for (const name of names) assert.deepStrictEqual(eventsOf(yield* store.read(name)), [{ of: name }])
        })
      )
    )

    it.effect("refuses what is no JSON or too large, and goes on as if nothing had been said", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const stream = yield* store.open(attempt(1, 1))
          const circle: Record<string, unknown> = {}
          circle["circle"] = circle
          for (const event of [undefined, () => 1, 1n, circle, "x".repeat(lineBytesMax)]) {
            const error = yield* Effect.flip(stream.append([{ fine: true }, event], true))
            assert.strictEqual(error._tag, "EntryRefused")
          }
          const [next] = yield* stream.append(["next"], true)
          assert.strictEqual(next?.seq, 0)
          assert.isFalse(yield* store.poisoned)
          assert.deepStrictEqual(eventsOf(yield* store.read(attempt(1, 1))), ["next"])
        })
      )
    )

    it.effect("holds a stream for one scope at a time, and takes nothing when that is closed", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const closed = yield* Effect.scoped(
            Effect.gen(function* () {
              const stream = yield* store.open(attempt(1, 1))
              const error = yield* Effect.flip(Effect.scoped(store.open(attempt(1, 1))))
              assert.strictEqual(error._tag, "JournalBusy")
              yield* store.open(attempt(1, 2))
              yield* stream.append(["in time"], false)
              return stream
            })
          )
          assert.strictEqual((yield* Effect.flip(closed.append(["late"], true)))._tag, "EntryRefused")
          const again = yield* store.open(attempt(1, 1))
          assert.deepStrictEqual(eventsOf(again.existing), ["in time"])
        })
      )
    )

    it.effect("does not let an append be interrupted once it is begun", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          const stream = yield* store.open(attempt(1, 1))
          const writers = yield* Effect.forEach(["a", "b", "c"], (event) =>
            Effect.forkChild(stream.append([event], true), { startImmediately: true })
          )
          const exits = yield* Effect.forEach(writers, (writer) =>
            Effect.andThen(Fiber.interrupt(writer), Fiber.await(writer))
          )
          assert.isTrue(exits.every(Exit.isSuccess) || exits.every(Exit.hasInterrupts))
          assert.deepStrictEqual(eventsOf(yield* store.read(attempt(1, 1))), ["a", "b", "c"])
        })
      )
    )

    it.effect("says so when a stream is not there", () =>
      inOneLife(
        Effect.gen(function* () {
          const store = yield* JournalStore
          assert.strictEqual((yield* Effect.flip(store.read(attempt(1, 1))))._tag, "JournalUnavailable")
          assert.deepStrictEqual(yield* store.list, [])
        })
      )
    )

    it.effect("keeps large values under their SHA-256, through lives, once", () =>
      Effect.gen(function* () {
        const life = yield* backing
        const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251)
        const digest = yield* live(
          life,
          Effect.gen(function* () {
            const store = yield* JournalStore
            const both = yield* Effect.all([store.putBlob(bytes), store.putBlob(bytes)], { concurrency: 2 })
            assert.strictEqual(both[0], both[1])
            assert.strictEqual(
              yield* store.putBlob(new Uint8Array(0)),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            )
            return both[0]
          })
        )
        yield* live(
          life,
          Effect.gen(function* () {
            const store = yield* JournalStore
            assert.strictEqual(yield* store.putBlob(bytes), digest)
            assert.deepStrictEqual(Uint8Array.from(yield* store.getBlob(digest)), bytes)
            for (const wrong of ["0".repeat(64), "../daemon.jsonl", ""]) {
              assert.strictEqual((yield* Effect.flip(store.getBlob(wrong)))._tag, "JournalDamaged")
            }
          })
        )
      })
    )
  })
}
