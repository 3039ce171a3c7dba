import { createHash, randomBytes } from "node:crypto"
import { appendFile, mkdir, rm, symlink, truncate } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { followLogs } from "../../src/hub/LogFollower.ts"
import { clockTurns, FakeHub, type Mischief, mischief, patient, scratch, sessionAt, success } from "./FakeHub.ts"

const here = "tasks/1/10001"

const ready = Effect.gen(function* () {
  const hub = yield* FakeHub.start
  const session = yield* Layer.build(sessionAt(hub, { retries: { ...patient, retriesMax: 0 } }))
  const directory = yield* scratch
  yield* clockTurns
  hub.received.length = 0
  const follower = yield* followLogs(directory, here)
  return {
    hub,
    directory,
    pass: follower.pass.pipe(Effect.provide(session)),
    flush: follower.flush(() => Effect.void).pipe(Effect.provide(session)),
    follower,
    session,
    append: (name: string, text: string | Uint8Array) => Effect.promise(() => appendFile(join(directory, name), text)),
    text: (name: string) => hub.files.get(`${here}/${name}`)?.toString()
  }
})

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

describe("following logs", () => {
  it.effect("sends what is new and only that, in order, and tells how far each log is", () =>
    Effect.gen(function* () {
      const { hub, pass, append, text } = yield* ready
      yield* append("root.log", "one\n")
      yield* append("build.log", "eins\n")
      assert.deepStrictEqual(yield* pass, [
        { name: "build.log", offset: 5 },
        { name: "root.log", offset: 4 }
      ])
      yield* append("root.log", "two\n")
      assert.deepStrictEqual(yield* pass, [{ name: "root.log", offset: 8 }])
      assert.deepStrictEqual(yield* pass, [])
      assert.strictEqual(text("root.log"), "one\ntwo\n")
      assert.deepStrictEqual(
        hub.received.map(({ query, body }) => [query.get("filename"), query.get("offset"), body.toString()]),
        [
          ["build.log", "0", "eins\n"],
          ["root.log", "0", "one\n"],
          ["root.log", "4", "two\n"]
        ]
      )
    })
  )

  it.effect("never makes an empty log on the hub, nor lists one", () =>
    Effect.gen(function* () {
      const { hub, pass, flush, append } = yield* ready
      yield* append("state.log", "")
      assert.deepStrictEqual(yield* pass, [])
      assert.deepStrictEqual(yield* flush, [])
      assert.strictEqual(hub.received.length, 0)
    })
  )

  it.effect("cuts large growth into chunks", () =>
    Effect.gen(function* () {
      const { hub, pass, append } = yield* ready
      const bytes = randomBytes(2.2 * 1024 * 1024)
      yield* append("build.log", bytes)
      yield* pass
      assert.isTrue(hub.files.get(`${here}/build.log`)?.equals(bytes))
      assert.isAtLeast(hub.received.length, 3)
    })
  )

  it.effect("does not run after a log that grows as fast as it is sent", () =>
    Effect.gen(function* () {
      const { hub, directory, pass, append, text } = yield* ready
      yield* append("build.log", "a")
      yield* append("root.log", "r")
      hub.rules.set("rawUpload", (answered, response) => {
        void appendFile(join(directory, "build.log"), "a").then(() => mischief.answer(answered())(answered, response))
      })
      yield* pass
      assert.strictEqual(text("build.log"), "a")
      assert.strictEqual(text("root.log"), "r")
      hub.rules.clear()
      yield* pass
      assert.strictEqual(text("build.log"), "aaa")
    })
  )

  it.effect("goes on where it was when the hub was away", () =>
    Effect.gen(function* () {
      const { hub, pass, flush, append, text } = yield* ready
      yield* append("build.log", "one\n")
      yield* pass
      yield* append("build.log", "two\n")
      hub.rules.set("rawUpload", mischief.drop())
      assert.strictEqual((yield* Effect.flip(pass))._tag, "HubUnavailable")
      assert.strictEqual((yield* Effect.flip(flush))._tag, "HubUnavailable")
      hub.rules.clear()
      yield* append("build.log", "three\n")
      assert.deepStrictEqual(yield* pass, [{ name: "build.log", offset: 14 }])
      assert.strictEqual(text("build.log"), "one\ntwo\nthree\n")
    })
  )

  it.effect("is not harmed by a chunk that arrived and whose answer did not", () =>
    Effect.gen(function* () {
      const { hub, pass, flush, append, text } = yield* ready
      yield* append("build.log", "one\n")
      hub.plays.push(mischief.dropAnswer())
      yield* Effect.flip(pass)
      yield* append("build.log", "two\n")
      yield* flush
      assert.strictEqual(text("build.log"), "one\ntwo\n")
    })
  )

  it.effect("leaves out links, directories and what cannot be read, and goes on with the rest", () =>
    Effect.gen(function* () {
      const { hub, directory, pass, flush, append, text } = yield* ready
      yield* append("build.log", "b")
      yield* append("gone.log", "g")
      yield* append("short.log", "shorter")
      yield* Effect.promise(async () => {
        await symlink("/etc/hostname", join(directory, "link.log"))
        await mkdir(join(directory, "directory.log"))
      })
      yield* pass
      yield* Effect.promise(async () => {
        await rm(join(directory, "gone.log"))
        await truncate(join(directory, "short.log"), 3)
      })
      yield* append("build.log", "b")
      assert.deepStrictEqual(
        (yield* flush).map(({ name }) => name),
        ["build.log"]
      )
      assert.strictEqual(text("build.log"), "bb")
      assert.isFalse([...hub.files.keys()].some((name) => /link|directory/.test(name)))
    })
  )

  it.effect("has nothing to send while the directory is not there", () =>
    Effect.gen(function* () {
      const { directory, pass, flush } = yield* ready
      yield* Effect.promise(() => rm(directory, { recursive: true }))
      assert.deepStrictEqual([yield* pass, yield* flush], [[], []])
    })
  )
})

describe("flushing logs", () => {
  it.effect("sends the rest, has each log confirmed, and tells what arrived", () =>
    Effect.gen(function* () {
      const { hub, pass, flush, append } = yield* ready
      yield* append("build.log", "one\n")
      yield* pass
      yield* append("build.log", "two\n")
      yield* append("root.log", "r")
      assert.deepStrictEqual(yield* flush, [
        { name: "build.log", bytes: 8, sha256: sha256("one\ntwo\n") },
        { name: "root.log", bytes: 1, sha256: sha256("r") }
      ])
      assert.deepStrictEqual(hub.methods, ["rawUpload", "rawUpload", "checkUpload", "rawUpload", "checkUpload"])
      yield* append("root.log", "s")
      assert.deepStrictEqual((yield* flush).at(-1), { name: "root.log", bytes: 2, sha256: sha256("rs") })
    })
  )

  it.effect("sends a log from its beginning when the hub holds something else", () =>
    Effect.gen(function* () {
      const { hub, flush, append, text, pass } = yield* ready
      yield* append("build.log", "one\n")
      yield* pass
      hub.files.set(`${here}/build.log`, Buffer.from("ONE\n"))
      assert.deepStrictEqual(yield* flush, [{ name: "build.log", bytes: 4, sha256: sha256("one\n") }])
      assert.strictEqual(text("build.log"), "one\n")
    })
  )

  it.effect("fails when the hub keeps on holding something else", () =>
    Effect.gen(function* () {
      const { hub, flush, append } = yield* ready
      yield* append("build.log", "one\n")
      const wrong: Mischief = mischief.answer(success({ size: 4, mtime: 1.5, sumlength: 4, hexdigest: "00000001" }))
      hub.rules.set("checkUpload", wrong)
      const error = yield* Effect.flip(flush)
      assert.deepInclude(error, { _tag: "HubFault", method: "checkUpload" })
      assert.strictEqual(hub.calls("checkUpload").length, 3)
    })
  )

  /** The hub will not have this one log. */
  const refusing =
    (hub: FakeHub, name: string): Mischief =>
    (answered, response) => {
      const about = hub.received.at(-1)?.query.get("filename") === name
      const play = about ? mischief.fault(1000, "no room for it") : mischief.answer(answered())
      play(answered, response)
    }

  it.effect("is not held up by a log that the hub refuses, and sends it whole when it does not any more", () =>
    Effect.gen(function* () {
      const { hub, pass, append, text } = yield* ready
      yield* append("build.log", "b")
      yield* append("root.log", "r")
      hub.rules.set("rawUpload", refusing(hub, "build.log"))
      assert.deepStrictEqual(yield* pass, [{ name: "root.log", offset: 1 }])
      hub.rules.clear()
      assert.deepStrictEqual(yield* pass, [{ name: "build.log", offset: 1 }])
      assert.strictEqual(text("build.log"), "b")
    })
  )

  it.effect("knows what has not arrived by offset and length, and why", () =>
    Effect.gen(function* () {
      const { hub, pass, append, follower, directory } = yield* ready
      assert.deepStrictEqual(yield* follower.gaps, [])
      yield* append("build.log", "one\n")
      yield* append("root.log", "r")
      yield* pass
      assert.deepStrictEqual(yield* follower.gaps, [])
      yield* append("build.log", "two\nthree\n")
      assert.deepStrictEqual(yield* follower.gaps, [
        { name: "build.log", offset: 4, bytes: 10, reason: "it has not been sent" }
      ])
      hub.rules.set("rawUpload", refusing(hub, "build.log"))
      yield* pass
      const refused = { name: "build.log", offset: 4, bytes: 10, reason: "rawUpload: no room for it" }
      assert.deepStrictEqual(yield* follower.gaps, [refused])
      hub.rules.clear()
      yield* pass
      assert.deepStrictEqual(yield* follower.gaps, [])
      yield* Effect.promise(() => truncate(join(directory, "root.log"), 0))
      yield* append("root.log", "rest")
      yield* Effect.promise(() => truncate(join(directory, "build.log"), 3))
      yield* pass
      assert.deepStrictEqual(yield* follower.gaps, [])
    })
  )

  it.effect("confirms every log that the hub takes, and fails with the first that it does not", () =>
    Effect.gen(function* () {
      const { hub, append, follower, session } = yield* ready
      for (const name of ["build.log", "root.log", "state.log"]) yield* append(name, name)
      hub.rules.set("rawUpload", refusing(hub, "build.log"))
      const confirmed: Array<string> = []
      const flush = follower.flush(({ name }) => Effect.sync(() => void confirmed.push(name)))
      const error = yield* Effect.flip(flush).pipe(Effect.provide(session))
      assert.deepInclude(error, { _tag: "HubFault", message: "no room for it" })
      assert.deepStrictEqual(confirmed, ["root.log", "state.log"])
    })
  )
})
