import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import * as NodeDisk from "../../src/journal/NodeDisk.ts"
import { layer, StateDirectory } from "../../src/journal/StateDirectory.ts"
import { attempt } from "../contract/JournalStoreContract.ts"
import { journalProcess } from "../crash/journalProcess.ts"
import { temporaryDirectory } from "./temporary.ts"

/** Holds the directory for the length of `use`. */
const held = <A, E, R>(path: string, use: (state: StateDirectory["Service"]) => Effect.Effect<A, E, R>) =>
  StateDirectory.use(use).pipe(Effect.provide(layer({ path }), { local: true }), Effect.provide(NodeDisk.layer))

const refusal = (path: string) =>
  Effect.map(Effect.flip(held(path, Effect.succeed)), (error) => `${error._tag}: ${error.message}`)

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe("a state directory", () => {
  it.effect("is made with its parents, for one user alone, and keeps one id", () =>
    Effect.gen(function* () {
      const path = join(yield* temporaryDirectory, "lib/adjutant")
      const first = yield* held(path, Effect.succeed)
      assert.strictEqual(first.path, path)
      assert.match(first.instance, /^[0-9a-f]{12}$/)
      assert.deepStrictEqual([mode(path), mode(join(path, "instance"))], ["700", "600"])
      assert.deepStrictEqual(yield* held(`${path}/`, Effect.succeed), first)
      const other = yield* held(join(yield* temporaryDirectory, "other"), Effect.succeed)
      assert.notStrictEqual(other.instance, first.instance)
    })
  )

  it.effect("keeps what is written in it for one user alone", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      yield* Effect.gen(function* () {
        const store = yield* JournalStore
        yield* store.open(attempt(7, 1))
        const digest = yield* store.putBlob(new Uint8Array(1))
        for (const [path, expected] of [
          ["tasks", "700"],
          ["tasks/7", "700"],
          ["tasks/7/1.jsonl", "600"],
          ["blobs", "700"],
          [`blobs/${digest}`, "600"]
        ] as const) {
          assert.strictEqual(mode(join(directory, path)), expected, path)
        }
      }).pipe(Effect.scoped, Effect.provide(FileJournalStore.layer({ directory })))
    })
  )

  it.effect("that others can enter is refused, and not made right in silence", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      for (const open of [0o755, 0o750, 0o701, 0o777, 0o1777]) {
        chmodSync(path, open)
        assert.match(yield* refusal(path), /^StateDirectoryRefused: it is open to group or others \(mode \d+\)/)
        assert.isFalse(existsSync(join(path, "lock")))
      }
      chmodSync(path, 0o700)
      yield* held(path, Effect.succeed)
    })
  )

  it.effect("that is a link, a file, relative or below a file is refused", () =>
    Effect.gen(function* () {
      const inside = yield* temporaryDirectory
      const real = join(inside, "real")
      mkdirSync(real, { mode: 0o700 })
      symlinkSync(real, join(inside, "link"))
      symlinkSync(join(inside, "nowhere"), join(inside, "dangling"))
      writeFileSync(join(inside, "file"), "")
      for (const link of ["link", "link/", "link//", "dangling"]) {
        assert.match(yield* refusal(`${inside}/${link}`), /^StateDirectoryRefused: it is a symbolic link/)
      }
      assert.match(yield* refusal(join(inside, "file")), /^StateDirectoryRefused: it is not a directory/)
      assert.match(yield* refusal(join(inside, "file/state")), /^StateDirectoryRefused: .*ENOTDIR/)
      assert.match(yield* refusal("state"), /^StateDirectoryRefused: .*absolute/)
    })
  )

  it.effect.runIf(process.geteuid?.() === 0)("of another user is refused", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      chownSync(path, 12345, 12345)
      assert.match(yield* refusal(path), /^StateDirectoryRefused: it belongs to another user/)
    })
  )

  it.effect("with a damaged id is refused: containers are known by it", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      for (const damaged of [
        "",
        "0123456789a",
        "0123456789AB\n",
        "../../../../x\n",
        "0123456789ab\nmore",
        "x".repeat(1000)
      ]) {
        writeFileSync(join(path, "instance"), damaged)
        assert.match(yield* refusal(path), /^StateDirectoryRefused: /, JSON.stringify(damaged))
        assert.strictEqual(readFileSync(join(path, "instance"), "utf8"), damaged)
      }
    })
  )

  it.effect("whose lock is no lock is refused", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      writeFileSync(join(path, "lock"), "not a database, ".repeat(100))
      assert.match(yield* refusal(path), /^StateDirectoryRefused: cannot be locked: .*not a database/)
    })
  )

  it.live("is held against this process too, until its holder lets go", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      yield* held(path, () =>
        Effect.map(refusal(path), (told) =>
          assert.match(told, new RegExp(`^JournalBusy: another daemon \\(process ${process.pid}, since `))
        )
      )
      yield* held(path, Effect.succeed)
    })
  )

  it.live("is held against a second real daemon, which is told who has it, and free when the holder is killed", () =>
    Effect.gen(function* () {
      const path = yield* temporaryDirectory
      const first = yield* journalProcess(path, "hold")
      const [, instance] = (yield* first.line)?.split(" ") ?? []
      const told = yield* refusal(path)
      assert.match(
        told,
        new RegExp(`^JournalBusy: another daemon \\(process ${first.pid}, since .*Z\\) holds ${path}$`)
      )
      const second = yield* journalProcess(path, "hold")
      assert.match((yield* second.line) ?? "", new RegExp(`refused .*process ${first.pid}`))
      yield* first.kill
      assert.strictEqual((yield* held(path, Effect.succeed)).instance, instance)
    })
  )

  it.effect("can be read while a daemon holds it, and is not changed by that", () =>
    Effect.gen(function* () {
      const directory = yield* temporaryDirectory
      const reader = FileJournalStore.layerReader({ directory })
      yield* Effect.gen(function* () {
        const stream = yield* (yield* JournalStore).open(attempt(7, 1))
        yield* stream.append(["seen"], true)
        yield* Effect.gen(function* () {
          const store = yield* JournalStore
          assert.deepStrictEqual(yield* store.list, [attempt(7, 1)])
          assert.strictEqual((yield* store.read(attempt(7, 1)))[0]?.event, "seen")
          for (const change of [
            Effect.asVoid(store.open(attempt(7, 2))),
            Effect.asVoid(store.putBlob(new Uint8Array(1)))
          ]) {
            assert.strictEqual((yield* Effect.flip(Effect.scoped(change)))._tag, "StateDirectoryRefused")
          }
        }).pipe(Effect.provide(reader, { local: true }))
      }).pipe(Effect.scoped, Effect.provide(FileJournalStore.layer({ directory })))
      const nowhere = FileJournalStore.layerReader({ directory: join(directory, "nowhere") })
      const error = yield* Effect.flip(
        JournalStore.use(({ list }) => list).pipe(Effect.provide(nowhere, { local: true }))
      )
      assert.strictEqual(error._tag, "JournalUnavailable")
      assert.isFalse(existsSync(join(directory, "nowhere")))
    })
  )
})
