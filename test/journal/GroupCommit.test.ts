import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch } from "effect"
import { Disk } from "../../src/journal/Disk.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import * as MemoryDisk from "../../src/journal/MemoryDisk.ts"
import { attempt } from "../contract/JournalStoreContract.ts"
import { countedDisk, runs, watchedDisk } from "./WatchedDisk.ts"

/** A store in memory whose syncs wait for a latch, and the count of what reaches the disk. */
const slowStore = Effect.gen(function* () {
  const gate = yield* Latch.make(true)
  const { disk } = yield* MemoryDisk.make
  const counted = countedDisk(disk)
  const slow = watchedDisk(counted.disk, (operation) =>
    operation === "datasync" ? Effect.as(gate.await, runs) : Effect.succeed(runs)
  )
  const store = yield* FileJournalStore.make({ directory: "/", visible: false }).pipe(Effect.provideService(Disk, slow))
  return { gate, store, count: counted.count }
})

const started = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })

describe("group commit", () => {
  it.effect("lets all that arrive while a sync is under way share the next write and the next sync", () =>
    Effect.gen(function* () {
      const { gate, store, count } = yield* slowStore
      const stream = yield* store.open(attempt(1, 1))
      const before = { append: count("append"), datasync: count("datasync") }
      yield* gate.close
      const first = yield* started(stream.append(["first"], true))
      const others = yield* Effect.forEach(Array.from({ length: 100 }), (_, n) => started(stream.append([n], true)))
      yield* gate.open
      yield* Fiber.join(first)
      yield* Effect.forEach(others, Fiber.join)
      assert.strictEqual(count("append") - before.append, 2)
      assert.strictEqual(count("datasync") - before.datasync, 2)
      assert.deepStrictEqual(
        (yield* store.read(attempt(1, 1))).map(({ event }) => event),
        ["first", ...Array.from({ length: 100 }, (_, n) => n)]
      )
    })
  )

  it.effect("costs one write and one sync for an append by itself, and no sync for one that nobody waits for", () =>
    Effect.gen(function* () {
      const { store, count } = yield* slowStore
      yield* Effect.scoped(
        Effect.gen(function* () {
          const stream = yield* store.open(attempt(1, 1))
          const before = { append: count("append"), datasync: count("datasync") }
          for (let n = 0; n < 10; n++) yield* stream.append([n, n], true)
          assert.strictEqual(count("append") - before.append, 10)
          assert.strictEqual(count("datasync") - before.datasync, 10)
          yield* stream.append(["a note"], false)
          assert.strictEqual(count("datasync") - before.datasync, 10)
        })
      )
      // The sync that was owed comes with the end of the scope.
      assert.strictEqual(count("datasync"), 11)
    })
  )

  it.effect("does not let one stream wait for another", () =>
    Effect.gen(function* () {
      const { gate, store, count } = yield* slowStore
      const streams = yield* Effect.forEach([1, 2, 3], (n) => store.open(attempt(n, 1)))
      const before = count("append")
      yield* gate.close
      const appends = yield* Effect.forEach(streams, (stream) => started(stream.append(["x"], true)))
      assert.strictEqual(count("append") - before, 3)
      yield* gate.open
      yield* Effect.forEach(appends, Fiber.join)
    })
  )

  it.effect("syncs, with an append of nothing, what others did not wait for", () =>
    Effect.gen(function* () {
      const { store, count } = yield* slowStore
      const stream = yield* store.open(attempt(1, 1))
      yield* stream.append(["a note"], false)
      const before = count("datasync")
      assert.deepStrictEqual(yield* stream.append([], true), [])
      assert.strictEqual(count("datasync") - before, 1)
      yield* stream.append([], true)
      assert.strictEqual(count("datasync") - before, 1)
    })
  )
})
