import { readdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import { Disk } from "../../src/journal/Disk.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import * as MemoryDisk from "../../src/journal/MemoryDisk.ts"
import { attempt } from "../contract/JournalStoreContract.ts"
import { numbersFrom } from "../core/generate.ts"
import { temporaryDirectory } from "../journal/temporary.ts"
import { journalProcess } from "./journalProcess.ts"

const stream = attempt(7, 1)
const events = ["α", "beta", "γάμμα", { deep: ["δ", { text: "line\nbreak" }] }, "ε", { last: "ζ" }].map((text) => ({
  _tag: "Noted",
  text
}))

/** One life of a daemon over real files. */
const live = <A, E>(directory: string, use: (store: JournalStore["Service"]) => Effect.Effect<A, E, never>) =>
  JournalStore.use(use).pipe(Effect.provide(FileJournalStore.layer({ directory }), { local: true }))

/** A state directory with `events` in one stream, and that stream's file. */
const written = Effect.gen(function* () {
  const directory = yield* temporaryDirectory
  const file = join(directory, "tasks/7/1.jsonl")
  yield* live(directory, (store) =>
    Effect.scoped(Effect.flatMap(store.open(stream), ({ append }) => append(events, true)))
  )
  return { directory, file, bytes: readFileSync(file) }
})

const lineEnds = (bytes: Uint8Array) => [...bytes.entries()].flatMap(([at, byte]) => (byte === 0x0a ? [at + 1] : []))

describe("a journal after a crash", () => {
  it.effect("cut after every byte of its last three lines, and after every event, has exactly its whole lines", () =>
    Effect.gen(function* () {
      const { directory, file, bytes } = yield* written
      const ends = lineEnds(bytes)
      const beforeLastThree = ends.at(-4) ?? 0
      const cuts = [
        0,
        ...ends.filter((end) => end < beforeLastThree),
        ...Array.from({ length: bytes.length - beforeLastThree + 1 }, (_, n) => beforeLastThree + n)
      ]
      yield* live(directory, (store) =>
        Effect.forEach(cuts, (cut) =>
          Effect.gen(function* () {
            writeFileSync(file, bytes.subarray(0, cut))
            const ended = ends.filter((end) => end <= cut)
            const wholeBytes = ended.at(-1) ?? 0
            // Reading overlooks what is torn and leaves it where it is.
            assert.lengthOf(yield* store.read(stream), ended.length)
            assert.lengthOf(readFileSync(file), cut)
            const { existing, torn, append } = yield* store.open(stream)
            assert.deepStrictEqual(
              existing.map(({ event }) => event),
              events.slice(0, ended.length)
            )
            assert.deepStrictEqual(readFileSync(file), bytes.subarray(0, wholeBytes))
            assert.strictEqual(torn?.bytes ?? 0, cut - wholeBytes)
            if (torn !== null) {
              assert.deepStrictEqual(readFileSync(torn.keptAt ?? ""), bytes.subarray(wholeBytes, cut))
              unlinkSync(torn.keptAt ?? "")
            }
            const [next] = yield* append(["on"], true)
            assert.strictEqual(next?.seq, ended.length)
            assert.lengthOf(yield* store.read(stream), ended.length + 1)
          }).pipe(Effect.scoped)
        )
      )
    })
  )

  it.effect("keeps every torn end, also of the same line", () =>
    Effect.gen(function* () {
      const { directory, file, bytes } = yield* written
      const kept = yield* live(directory, (store) =>
        Effect.forEach(["first", "second", "third"], (torn) =>
          Effect.gen(function* () {
            writeFileSync(file, Buffer.concat([bytes, Buffer.from(torn)]))
            return (yield* store.open(stream)).torn?.keptAt
          }).pipe(Effect.scoped)
        )
      )
      assert.deepStrictEqual(kept, [`${file}.torn-6`, `${file}.torn-6.2`, `${file}.torn-6.3`])
      assert.deepStrictEqual(
        kept.map((path) => readFileSync(path ?? "", "utf8")),
        ["first", "second", "third"]
      )
      assert.deepStrictEqual(yield* live(directory, (store) => store.list), [stream])
    })
  )

  it.effect("damaged in the middle is refused, with file, line and loss, and left as it is", () =>
    Effect.gen(function* () {
      const { directory, file, bytes } = yield* written
      const ends = lineEnds(bytes)
      const middle = ends[2] ?? 0
      // One byte of each kind in the fourth line: brace, quote, digit, text, hash, line break.
      const kinds = ["{", '"v"', '"at":', "δ", '"hash":"', '"}\n'].map((text) => bytes.indexOf(text, middle))
      yield* live(directory, (store) =>
        Effect.forEach([...kinds, (ends[3] ?? 0) - 1], (at) =>
          Effect.gen(function* () {
            const changed = Buffer.from(bytes)
            changed[at] = (changed[at] ?? 0) ^ 0x04
            writeFileSync(file, changed)
            for (const refused of [Effect.asVoid(store.open(stream)), Effect.asVoid(store.read(stream))]) {
              const error = yield* Effect.flip(Effect.scoped(refused))
              assert.strictEqual(error._tag, "JournalDamaged")
              if (error._tag !== "JournalDamaged") return
              assert.deepStrictEqual([error.file, error.line], [file, 4])
              assert.match(error.message, /these [23] last lines are not trusted, nothing was deleted/)
            }
            assert.deepStrictEqual(readFileSync(file), changed)
            assert.deepStrictEqual(readdirSync(dirname(file)), ["1.jsonl"])
            // Damage to one stream is no reason to stop the others.
            yield* (yield* store.open(attempt(8, at))).append(["fine"], true)
          }).pipe(Effect.scoped)
        )
      )
    })
  )

  it.effect("with a large value that is damaged or gone says which", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* live(directory, (store) =>
        Effect.gen(function* () {
          const bytes = new TextEncoder().encode("packages")
          const digest = yield* store.putBlob(bytes)
          const file = join(directory, "blobs", digest)
          writeFileSync(file, "PACKAGES")
          const error = yield* Effect.flip(store.getBlob(digest))
          assert.deepStrictEqual([error._tag, error._tag === "JournalDamaged" && error.file], ["JournalDamaged", file])
          // To keep the value again heals it.
          yield* store.putBlob(bytes)
          assert.deepStrictEqual(Uint8Array.from(yield* store.getBlob(digest)), bytes)
        })
      )
    })
  )

  it.effect("holds all that a killed process acknowledged, and is free for the next", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      let acknowledged = -1
      for (const round of [1, 2, 3]) {
        const daemon = yield* journalProcess(directory, "append")
        assert.match((yield* daemon.line) ?? "", /^held [0-9a-f]{12}$/)
        for (let n = 0; n < 20 * round; n++) acknowledged = seqOf(yield* daemon.line)
        for (const line of yield* daemon.kill) acknowledged = seqOf(line)
        const { existing } = yield* live(directory, (store) => Effect.scoped(store.open(stream)))
        assert.isAtLeast(existing.length, acknowledged + 1)
        // One append may have been under way.
        assert.isAtMost(existing.length, acknowledged + 2)
      }
    })
  )
})

describe("a journal whose machine died", () => {
  it.effect(
    "holds what was acknowledged as durable, or was there for its next process to build on, in 300 histories",
    () =>
      Effect.gen(function* () {
        for (let seed = 1; seed <= 300; seed++) {
          const draw = numbersFrom(seed)
          const memory = yield* MemoryDisk.make
          let durable = 0
          let said = 0
          for (let lives = 0; lives < 5; lives++) {
            // A process that dies closes nothing.
            const life = yield* Scope.make()
            const store = yield* FileJournalStore.make({ directory: "/", visible: false }).pipe(
              Effect.provideService(Disk, memory.disk)
            )
            yield* Effect.gen(function* () {
              const { existing, append } = yield* store.open(stream)
              assert.isAtLeast(existing.length, durable, `seed ${seed}`)
              assert.isAtMost(existing.length, said, `seed ${seed}`)
              assert.deepStrictEqual(
                existing.map(({ event }) => event),
                Array.from(existing, (_, seq) => ({ seq })),
                `seed ${seed}`
              )
              said = existing.length
              durable = said
              for (let appends = draw(8); appends > 0; appends--) {
                const count = draw(4)
                const waits = draw(2) === 0
                yield* append(
                  Array.from({ length: count }, (_, n) => ({ seq: said + n })),
                  waits
                )
                said += count
                if (waits) durable = said
              }
              if (draw(2) === 0) yield* memory.crash((_, unsynced) => draw(unsynced + 1))
            }).pipe(Scope.provide(life))
          }
        }
      })
  )
})

const seqOf = (line: string | undefined): number => Number(/^acknowledged (\d+)$/.exec(line ?? "")?.[1] ?? Number.NaN)
