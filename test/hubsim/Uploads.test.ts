import { createHash } from "node:crypto"
import { readFileSync, symlinkSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { adler32 } from "../../src/hub/Adler32.ts"
import { ask, builderLogin, get, login, shown, upload } from "./Client.ts"
import { freshHub } from "./Hub.ts"

const stage = Effect.gen(function* () {
  const { url, topdir } = yield* freshHub({ options: { runIntervalSeconds: 0 } })
  const admin = yield* login(url, "kojiadmin")
  const builder = yield* builderLogin(url)
  yield* get(url, builder, { method: "host.updateHost", params: [0, true] })
  const task = Number(yield* get(url, admin, { method: "makeTask", params: ["sleep", [1]] }))
  yield* get(url, builder, { method: "host.getTasks" })
  yield* get(url, builder, { method: "host.openTask", params: [task] })
  const filepath = `tasks/${task}/${task}`
  const chunk = { filename: "build.log", filepath, fileverify: "adler32" }
  const send = (query: Record<string, string>, bytes = "") =>
    Effect.map(upload(url, builder, { ...chunk, ...query }, bytes), shown)
  const file = (name = "build.log") => readFileSync(`${topdir}/work/${filepath}/${name}`, "utf8")
  return { url, topdir, admin, builder, task, filepath, chunk, send, file }
})

describe("an upload", () => {
  it.live("writes chunk after chunk, and says what came", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { send, file, url, builder, filepath } = yield* stage
        const first = { size: 5, fileverify: "adler32", offset: 0, hexdigest: "062c0215" }
        assert.deepStrictEqual(yield* send({ offset: "0", overwrite: "1" }, "hello"), first)
        assert.deepInclude(Object(yield* send({ offset: "5", overwrite: "1" }, " world")), { size: 6, offset: 5 })
        // Repeated: the same bytes at the same place, and what was written after them is gone.
        assert.deepStrictEqual(yield* send({ offset: "0", overwrite: "1" }, "hello"), first)
        assert.strictEqual(file(), "hello")
        assert.deepInclude(Object(yield* send({ offset: "-1" }, "!")), { offset: 5, size: 1 })
        assert.strictEqual(file(), "hello!")
        const check = (keywords = {}) =>
          Effect.map(get(url, builder, { method: "checkUpload", params: [filepath, "build.log"], keywords }), Object)
        assert.strictEqual((yield* check()).size, 6)
        assert.hasAllKeys(yield* check(), ["size", "mtime"])
        assert.deepInclude(yield* check({ verify: "adler32" }), {
          sumlength: 6,
          hexdigest: adler32(Buffer.from("hello!"))
        })
        const sha256 = createHash("sha256").update("o!").digest("hex")
        assert.deepInclude(yield* check({ verify: "sha256", tail: 2 }), { sumlength: 2, hexdigest: sha256 })
      })
    )
  )

  it.live("of nothing makes an empty file, and of a file that is not there is nil", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { send, file, url, builder, filepath } = yield* stage
        assert.deepInclude(Object(yield* send({ filename: "empty.log", offset: "0" })), { hexdigest: "00000001" })
        assert.strictEqual(file("empty.log"), "")
        assert.isNull(yield* get(url, builder, { method: "checkUpload", params: [filepath, "missing.log"] }))
      })
    )
  )

  it.live("is refused wherever it does not belong", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, topdir, admin, chunk, send, filepath } = yield* stage
        const fault = (query: Record<string, string>) => Effect.map(send(query), (answer) => Object(answer).fault?.[1])
        assert.strictEqual(yield* fault({ filename: "../x" }), "Invalid upload filename: ../x")
        assert.strictEqual(yield* fault({ filename: ".user" }), "Invalid upload filename: .user")
        assert.strictEqual(yield* fault({ filepath: "../x" }), "Invalid upload directory: ../x")
        assert.strictEqual(
          yield* fault({ filepath: "tasks/x/../../../y" }),
          "Invalid upload directory: tasks/x/../../../y"
        )
        assert.strictEqual(yield* fault({ filepath: "/etc" }), "Invalid path segment: /etc")
        assert.strictEqual(yield* fault({ filepath: "tasks/1" }), "Invalid task upload directory: tasks/1")
        assert.strictEqual(yield* fault({ filepath: "tasks/1/x" }), "Invalid task upload directory: tasks/1/x")
        assert.strictEqual(yield* fault({ fileverify: "crc32" }), "Unsupported verify type: crc32")
        assert.strictEqual(yield* fault({ volume: "moon" }), "No such entry in table volume: moon")
        assert.match(`${yield* fault({ fileverify: "" })}`, /NoneType/)
        yield* send({ offset: "0" }, "once")
        assert.match(`${yield* fault({ offset: "0" })}`, /^upload path exists: /)
        symlinkSync("/etc/passwd", `${topdir}/work/${filepath}/link.log`)
        assert.match(`${yield* fault({ filename: "link.log", overwrite: "1" })}`, /^destination is a symlink: /)
        assert.deepStrictEqual(shown(yield* upload(url, null, chunk)), {
          fault: [1004, "you must be logged-in to upload a file"]
        })
        assert.deepStrictEqual(shown(yield* upload(url, admin, chunk)), {
          fault: [1002, "User 1 is not a host"]
        })
      })
    )
  )

  it.live("to a directory that is no task's belongs to who came first", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, builder, admin } = yield* stage
        const query = { filename: "x.src.rpm", filepath: "cli-build/1", fileverify: "md5" }
        assert.deepInclude(Object(shown(yield* upload(url, admin, query, "x"))), { size: 1 })
        assert.deepStrictEqual(shown(yield* upload(url, builder, { ...query, filename: "y" }, "y")), {
          fault: [1000, "Invalid upload directory, not owner: cli-build/1"]
        })
      })
    )
  )

  it.live("to a task that is over comes too late", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, task, send } = yield* stage
        yield* get(url, admin, { method: "cancelTask", params: [task] })
        assert.deepStrictEqual(yield* send({ offset: "0" }), { fault: [1004, `host 1 does not own task ${task}`] })
      })
    )
  )

  it.live("can be listed and fetched", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, task, send } = yield* stage
        yield* send({ offset: "0" }, "hello")
        const of = (method: string, params: ReadonlyArray<string | number>, keywords = {}) =>
          ask(url, admin, { method, params, keywords }).pipe(Effect.map(shown))
        assert.deepStrictEqual(yield* of("listTaskOutput", [task]), ["build.log"])
        assert.deepStrictEqual(yield* of("listTaskOutput", [task], { all_volumes: true }), { "build.log": ["DEFAULT"] })
        const stat = Object(yield* of("listTaskOutput", [task], { stat: true }))
        assert.strictEqual(stat["build.log"].st_size, "5")
        const download = (offset: number, size = -1) =>
          Effect.map(of("downloadTaskOutput", [task, "build.log", offset, size]), (text) =>
            Buffer.from(`${text}`, "base64").toString()
          )
        assert.deepStrictEqual([yield* download(0), yield* download(1, 3), yield* download(-2)], ["hello", "ell", "lo"])
        assert.deepStrictEqual(yield* of("downloadTaskOutput", [task, "../../x"]), {
          fault: [1000, "Invalid file name: ../../x"]
        })
      })
    )
  )
})
