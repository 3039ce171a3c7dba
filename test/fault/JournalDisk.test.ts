import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Logger, Result, type Scope } from "effect"
import { Disk, type DiskOperation } from "../../src/journal/Disk.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import type { JournalError } from "../../src/journal/JournalError.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import * as MemoryDisk from "../../src/journal/MemoryDisk.ts"
import * as NodeDisk from "../../src/journal/NodeDisk.ts"
import { StateDirectory, layer as stateDirectory } from "../../src/journal/StateDirectory.ts"
import { attempt } from "../contract/JournalStoreContract.ts"
import { temporaryDirectory } from "../journal/temporary.ts"
import { type Fate, runs, watchedDisk } from "../journal/WatchedDisk.ts"

/**
 * For every n: the nth thing that is done to the disk fails, in every way a disk can. Whatever happens, the story ends
 * with an error that says what to do, and what was acknowledged before is there in the next life, even when the
 * machine dies and takes with it all that was not synced.
 */
const fates: ReadonlyArray<readonly [string, Fate]> = [
  ["ENOSPC", { _tag: "Fails", code: "ENOSPC", part: 0 }],
  ["EIO", { _tag: "Fails", code: "EIO", part: 0 }],
  ["EMFILE", { _tag: "Fails", code: "EMFILE", part: 0 }],
  ["ENOSPC after half a write", { _tag: "Fails", code: "ENOSPC", part: 0.5 }],
  ["EIO after all but the line break", { _tag: "Fails", code: "EIO", part: 0.999 }],
  ["EIO although it was done", { _tag: "RunsAndFails", code: "EIO" }]
]

const changes: ReadonlyArray<DiskOperation> = ["append", "datasync", "truncate", "sync-directory", "rename"]
const stream = attempt(7, 1)
const events = ["a", "b", "c", "d", "e"]
const value = new TextEncoder().encode("a large value")

/** What a life was promised before something failed. */
class Promised {
  durable = 0
  blob: string | undefined
}

/** Everything a daemon does with its store. `done` of `events` are there already. */
const story = Effect.fnUntraced(function* (promised: Promised) {
  const store = yield* JournalStore
  const journal = yield* store.open(stream)
  const rest = events.slice(journal.existing.length)
  // What an open stream holds is as good as promised: its reader will build on it.
  promised.durable = Math.max(promised.durable, journal.existing.length)
  for (const [n, event] of rest.entries()) {
    const durable = n % 3 !== 1
    yield* journal.append([event], durable)
    if (durable) promised.durable = journal.existing.length + n + 1
  }
  promised.blob = yield* store.putBlob(value)
  const daemon = yield* store.open({ kind: "daemon" })
  yield* daemon.append(["begun"], true)
})

/** What stands on a disk on which a crash has cut the third line. */
const afterCrash = (disk: Disk["Service"], directory: string) =>
  Effect.gen(function* () {
    const { exit } = yield* storeOn(disk, directory, (store) =>
      Effect.gen(function* () {
        yield* (yield* store.open(stream)).append(events.slice(0, 2), true)
      })
    )
    assert.isTrue(Exit.isSuccess(exit))
    const file = yield* disk.openAppend(`${directory}/tasks/7/1.jsonl`.replace("//", "/"), "existing")
    yield* file.append(new TextEncoder().encode('{"v":1,"seq":2,"at":17'))
    yield* file.datasync
  }).pipe(Effect.scoped, Effect.orDie)

const storeOn = <A, E>(
  disk: Disk["Service"],
  directory: string,
  use: (store: JournalStore["Service"]) => Effect.Effect<A, E, JournalStore | Scope.Scope>
) =>
  Effect.gen(function* () {
    const store = yield* FileJournalStore.make({ directory, visible: true })
    const exit = yield* Effect.exit(Effect.scoped(Effect.provideService(use(store), JournalStore, store)))
    return { exit, store }
  }).pipe(Effect.provideService(Disk, disk))

/** Runs the story on a disk whose nth operation has this fate; tells whether there was an nth, and what it was. */
const failing = Effect.fnUntraced(function* (disk: Disk["Service"], directory: string, n: number, fate: Fate) {
  let count = 0
  let failed: DiskOperation | undefined
  const faulty = watchedDisk(disk, (operation) =>
    Effect.sync(() => {
      if (++count !== n) return runs
      failed = operation
      return fate
    })
  )
  const promised = new Promised()
  const { exit, store } = yield* storeOn(faulty, directory, () => story(promised))
  if (failed === undefined) {
    assert.isTrue(Exit.isSuccess(exit))
    return undefined
  }
  const told = `operation ${n}, ${failed}`
  // Only what the end of a scope does has nobody to tell.
  if (Exit.isFailure(exit)) {
    const error = Result.getOrThrow(Exit.findError(exit))
    assert.include(["JournalPoisoned", "JournalUnavailable"], error._tag, told)
    assert.match(error.message, /injected/, told)
  }
  assert.strictEqual(yield* store.poisoned, changes.includes(failed), told)
  if (changes.includes(failed)) {
    assert.strictEqual((yield* store.awaitPoisoned)._tag, "JournalPoisoned")
    const refused: ReadonlyArray<Effect.Effect<unknown, JournalError, Scope.Scope>> = [
      store.open(attempt(8, 1)),
      store.putBlob(new Uint8Array(3))
    ]
    for (const act of refused) {
      assert.strictEqual((yield* Effect.flip(Effect.scoped(act)))._tag, "JournalPoisoned", told)
    }
  } else {
    assert.isTrue(Exit.isFailure(exit), `${told}: nobody was told`)
  }
  return { promised, told }
})

/** What the next life must find. */
const keepsItsWord = (disk: Disk["Service"], directory: string, promised: Promised, told: string) =>
  Effect.gen(function* () {
    const { exit } = yield* storeOn(disk, directory, (store) =>
      Effect.gen(function* () {
        const { existing, append } = yield* store.open(stream)
        const found = existing.map(({ event }) => event)
        assert.deepStrictEqual(found, events.slice(0, found.length), told)
        assert.isAtLeast(found.length, promised.durable, `${told}: what was acknowledged is lost`)
        const [next] = yield* append(["on"], true)
        assert.strictEqual(next?.seq, found.length)
        if (promised.blob !== undefined) {
          assert.deepStrictEqual(Uint8Array.from(yield* store.getBlob(promised.blob)), value, told)
        }
        yield* store.putBlob(value)
      })
    )
    assert.isTrue(Exit.isSuccess(exit), `${told}: ${JSON.stringify(exit)}`)
  })

const operationsMax = 200

describe("a journal on a failing disk", () => {
  for (const [name, fate] of fates) {
    for (const [beginning, prepare] of [
      ["a new disk", () => Effect.void],
      ["a stream that a crash has cut", afterCrash]
    ] as const) {
      it.effect(`keeps its word when the nth operation fails (${name}; ${beginning})`, () =>
        Effect.gen(function* () {
          let n = 0
          for (const [crash, keep] of [
            ["the machine dies", () => 0],
            ["the machine dies with half of it written", (_: string, unsynced: number) => unsynced >> 1],
            ["only the process dies", undefined]
          ] as const) {
            for (n = 1; n < operationsMax; n++) {
              const memory = yield* MemoryDisk.make
              yield* prepare(memory.disk, "/")
              const run = yield* failing(memory.disk, "/", n, fate)
              if (run === undefined) break
              if (keep !== undefined) yield* memory.crash(keep)
              yield* keepsItsWord(memory.disk, "/", run.promised, `${run.told}; then ${crash}`)
            }
            assert.isAbove(n, 25, "the story does too little to prove anything")
            assert.isBelow(n, operationsMax)
          }
        })
      )
    }
  }

  it.effect("keeps its word on the real disk too", () =>
    Effect.gen(function* () {
      for (const [, fate] of fates) {
        for (let n = 1; n < operationsMax; n++) {
          const run = yield* Effect.scoped(
            Effect.gen(function* () {
              const directory = yield* temporaryDirectory
              const disk = yield* Disk
              yield* afterCrash(disk, directory)
              const ran = yield* failing(disk, directory, n, fate)
              if (ran !== undefined) yield* keepsItsWord(disk, directory, ran.promised, ran.told)
              return ran
            })
          )
          if (run === undefined) break
        }
      }
    }).pipe(Effect.provide(NodeDisk.layer))
  )

  it.effect("poisons every stream and all who wait with the one that failed", () =>
    Effect.gen(function* () {
      const { disk } = yield* MemoryDisk.make
      const gate = yield* Latch.make(true)
      let broken = false
      const faulty = watchedDisk(disk, (operation) =>
        operation === "datasync"
          ? Effect.andThen(
              gate.await,
              Effect.sync((): Fate => (broken ? { _tag: "Fails", code: "EIO", part: 0 } : runs))
            )
          : Effect.succeed(runs)
      )
      const { exit } = yield* storeOn(faulty, "/", (store) =>
        Effect.gen(function* () {
          const one = yield* store.open(attempt(1, 1))
          const two = yield* store.open(attempt(2, 1))
          yield* one.append(["kept"], true)
          yield* gate.close
          const waiting = yield* Effect.forEach(Array.from({ length: 20 }), (_, n) =>
            Effect.forkChild(Effect.flip((n < 15 ? one : two).append([n], n % 5 === 0)), { startImmediately: true })
          )
          broken = true
          yield* gate.open
          const errors = yield* Effect.forEach(waiting, Fiber.join)
          // The disk is well again, and nobody believes it.
          broken = false
          errors.push(yield* Effect.flip(one.append(["this stream"], true)))
          errors.push(yield* Effect.flip(two.append(["the other"], false)))
          for (const error of errors) assert.strictEqual(error._tag, "JournalPoisoned")
          assert.strictEqual((yield* store.awaitPoisoned)._tag, "JournalPoisoned")
          // What was in the first write is there, in doubt; what waited behind it was never written.
          const found = (yield* store.read(attempt(1, 1))).map(({ event }) => event)
          assert.deepStrictEqual(found, ["kept", 0])
        })
      )
      assert.isTrue(Exit.isSuccess(exit), JSON.stringify(exit))
    })
  )
})

describe("forgetting on a failing disk", () => {
  for (const operation of ["read", "list", "remove"] as const) {
    it.effect(
      `goes on with the rest when it fails to ${operation}, and says what was first and how much there is`,
      () =>
        Effect.gen(function* () {
          const lines: Array<string> = []
          const logger = Logger.make(({ message }) => void lines.push(String(message)))
          const { disk } = yield* MemoryDisk.make
          const bad = operation === "list" ? ["/tasks/1", "/tasks/3"] : ["/tasks/1/1.jsonl", "/tasks/3/1.jsonl"]
          let sick = false
          const faulty = watchedDisk(disk, (asked, path) =>
            Effect.sync(() =>
              sick && asked === operation && bad.includes(path) ? { _tag: "Fails", code: "EIO", part: 0 } : runs
            )
          )
          const { exit } = yield* storeOn(faulty, "/", (store) =>
            Effect.gen(function* () {
              for (const task of [1, 2, 3, 4]) {
                const ended = yield* Effect.scoped(
                  Effect.flatMap(store.open(attempt(task, 1)), ({ append }) =>
                    append([{ _tag: "Concluded", how: "closed", note: "" }], true)
                  )
                )
                assert.lengthOf(ended, 1)
              }
              yield* store.putBlob(value)
              sick = true
              const long = Number.MAX_SAFE_INTEGER
              assert.deepStrictEqual(yield* store.forget(long), { attempts: 2, values: 1 })
              sick = false
              assert.deepStrictEqual(yield* store.list, [attempt(1, 1), attempt(3, 1)])
              assert.deepStrictEqual(yield* store.forget(long), { attempts: 2, values: 0 })
            })
          ).pipe(Effect.provide(Logger.layer([logger])))
          assert.isTrue(Exit.isSuccess(exit), JSON.stringify(exit))
          assert.lengthOf(lines, 1)
          assert.include(lines[0], `but for 2 that the disk kept, the first ${bad[0]}: ${operation} failed (EIO)`)
        })
    )
  }
})

describe("a state directory on a failing disk", () => {
  it.effect("is refused with a reason, or held; and has one id for ever", () =>
    Effect.gen(function* () {
      const disk = yield* Disk
      for (const [, fate] of fates) {
        for (let n = 1; n < operationsMax; n++) {
          let count = 0
          const faulty = watchedDisk(disk, () => Effect.sync(() => (++count === n ? fate : runs)))
          yield* Effect.scoped(
            Effect.gen(function* () {
              const path = `${yield* temporaryDirectory}/lib/adjutant`
              const start = (on: Disk["Service"]) =>
                StateDirectory.pipe(
                  Effect.provide(stateDirectory({ path }), { local: true }),
                  Effect.provideService(Disk, on)
                )
              const first = yield* Effect.result(start(faulty))
              if (Result.isFailure(first)) assert.strictEqual(first.failure._tag, "StateDirectoryRefused")
              const second = yield* start(disk)
              if (Result.isSuccess(first)) assert.strictEqual(second.instance, first.success.instance)
              assert.strictEqual((yield* start(disk)).instance, second.instance)
            })
          )
          if (count < n) break
        }
      }
    }).pipe(Effect.provide(NodeDisk.layer))
  )
})
