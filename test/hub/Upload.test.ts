import { execFileSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { appendFile, mkdir, symlink, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { addAdler32, adler32, hexAdler32, joinAdler32 } from "../../src/hub/Adler32.ts"
import { chunkTriesMax } from "../../src/hub/Chunk.ts"
import { blockBytes, uploadFile } from "../../src/hub/Upload.ts"
import { clockTurns, FakeHub, type Mischief, mischief, scratch, sessionAt, success } from "./FakeHub.ts"

const here = "tasks/1/10001"

/** A hub, a session at it, and a directory. The clock turns. */
const ready = Effect.gen(function* () {
  const hub = yield* FakeHub.start
  const session = yield* Layer.build(sessionAt(hub))
  const directory = yield* scratch
  yield* clockTurns
  hub.received.length = 0
  const upload = (path: string, name = "package.rpm") => uploadFile(path, here, name).pipe(Effect.provide(session))
  const write = (name: string, bytes: Uint8Array | string) =>
    Effect.promise(async () => {
      await writeFile(join(directory, name), bytes)
      return join(directory, name)
    })
  return { hub, directory, upload, write }
})

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

describe("uploading a file", () => {
  it.effect("sends it in blocks, asks what has arrived, and tells size and digest", () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      const bytes = randomBytes(2.5 * blockBytes)
      const uploaded = yield* upload(yield* write("a", bytes))
      assert.deepStrictEqual(uploaded, { bytes: bytes.length, sha256: sha256(bytes) })
      assert.isTrue(hub.files.get(`${here}/package.rpm`)?.equals(bytes))
      assert.deepStrictEqual(hub.methods, ["rawUpload", "rawUpload", "rawUpload", "checkUpload"])
      assert.deepStrictEqual(
        hub.calls("rawUpload").map(({ query }) => query.get("offset")),
        ["0", String(blockBytes), String(2 * blockBytes)]
      )
    })
  )

  it.effect("asks as kojid asks (daemon.md A.5)", () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      yield* upload(yield* write("a", "hello"), "na me.txt")
      const [chunk, check] = hub.received
      assert.strictEqual(
        chunk?.query.toString(),
        "filename=na+me.txt&filepath=tasks%2F1%2F10001&fileverify=adler32&offset=0&overwrite=1"
      )
      assert.deepInclude(chunk?.headers, { "content-type": "application/octet-stream", "content-length": "5" })
      assert.deepStrictEqual(check?.positional, [here, "na me.txt"])
      assert.deepStrictEqual(check?.keywords, { verify: "adler32" })
      assert.deepStrictEqual(
        [chunk, check].map((call) => call?.headers["koji-session-callnum"]),
        ["2", "3"]
      )
    })
  )

  it.effect("makes an empty file of an empty file", () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      assert.strictEqual((yield* upload(yield* write("a", ""))).bytes, 0)
      assert.strictEqual(hub.files.get(`${here}/package.rpm`)?.length, 0)
    })
  )

  it.effect("replaces what is there", () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      hub.files.set(`${here}/package.rpm`, Buffer.alloc(100))
      yield* upload(yield* write("a", "new"))
      assert.strictEqual(hub.files.get(`${here}/package.rpm`)?.toString(), "new")
    })
  )

  const damaged = success({ size: 5, offset: 0, fileverify: "adler32", hexdigest: "00000001" })
  const troubles: ReadonlyArray<readonly [string, Mischief]> = [
    ["arrives damaged", mischief.answer(damaged)],
    ["finds the file locked", mischief.fault(1001, "Locked")],
    ["meets a 502", mischief.status(502)],
    ["arrives, and its answer does not", mischief.dropAnswer()]
  ]
  for (const [what, play] of troubles) {
    it.effect(`sends a chunk again that ${what}`, () =>
      Effect.gen(function* () {
        const { hub, upload, write } = yield* ready
        hub.plays.push(play)
        yield* upload(yield* write("a", "hello"))
        assert.strictEqual(hub.files.get(`${here}/package.rpm`)?.toString(), "hello")
        assert.deepStrictEqual(hub.methods, ["rawUpload", "rawUpload", "checkUpload"])
      })
    )
  }

  it.effect(`gives up a chunk that arrives damaged ${chunkTriesMax} times`, () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      hub.rules.set("rawUpload", mischief.answer(damaged))
      const error = yield* Effect.flip(upload(yield* write("a", "hello")))
      assert.deepInclude(error, { _tag: "HubFault", method: "rawUpload", code: 1000 })
      assert.strictEqual(hub.received.length, chunkTriesMax)
    })
  )

  it.effect("tells the hub's refusal at once", () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      hub.plays.push(mischief.fault(1004, "task is not open"))
      assert.deepInclude(yield* Effect.flip(upload(yield* write("a", "x"))), { _tag: "HubFault", code: 1004 })
      assert.strictEqual(hub.received.length, 1)
    })
  )

  for (const [what, held] of [
    ["nothing", null],
    ["something shorter", { size: 3, mtime: 1.5, sumlength: 3, hexdigest: "00000001" }],
    ["other bytes", { size: 5, mtime: 1.5, sumlength: 5, hexdigest: "00000001" }]
  ] as const) {
    it.effect(`refuses to believe in a file when the hub holds ${what}`, () =>
      Effect.gen(function* () {
        const { hub, upload, write } = yield* ready
        hub.rules.set("checkUpload", mischief.answer(success(held)))
        const error = yield* Effect.flip(upload(yield* write("a", "hello")))
        assert.strictEqual(error._tag, "UploadRefused")
        assert.match(error.message, /the hub holds/)
      })
    )
  }

  it.effect("refuses links, directories, pipes and what is not there, and asks nothing of the hub", () =>
    Effect.gen(function* () {
      const { hub, directory, upload, write } = yield* ready
      const target = yield* write("target", "the operator's secret")
      const at = (name: string) => join(directory, name)
      yield* Effect.promise(async () => {
        await symlink(target, at("link"))
        await symlink(at("nowhere"), at("dangling"))
        await mkdir(at("directory"))
        execFileSync("mkfifo", [at("pipe")])
      })
      for (const name of ["link", "dangling", "directory", "pipe", "missing"]) {
        const error = yield* Effect.flip(upload(at(name)))
        assert.strictEqual(error._tag, "UploadRefused", name)
      }
      assert.strictEqual(hub.received.length, 0)
    })
  )

  it.effect("refuses a file that changes while it is read", () =>
    Effect.gen(function* () {
      const { hub, upload, write } = yield* ready
      // The second block is read while the first is sent, before the change or after it; the third after it.
      const path = yield* write("a", Buffer.alloc(3 * blockBytes))
      const meanwhile =
        (change: () => Promise<void>): Mischief =>
        (answered, response) =>
          void change().then(() => mischief.answer(answered())(answered, response))
      hub.plays.push(meanwhile(() => appendFile(path, "more")))
      const grown = yield* Effect.flip(upload(path))
      assert.match(grown.message, /changed/)
      hub.plays.push(meanwhile(() => truncate(path, blockBytes + 10)))
      const shrunk = yield* Effect.flip(upload(path))
      assert.match(shrunk.message, /shorter/)
    })
  )
})

describe("adler32", () => {
  it("is Python's, for any length", () => {
    const script =
      "import sys,zlib,json;print(json.dumps(['%08x'%zlib.adler32(bytes.fromhex(x)) for x in json.load(sys.stdin)]))"
    const samples = [0, 1, 5, 15, 16, 17, 32_767, 32_768, 32_785, 100_000].flatMap((length) => [
      randomBytes(length),
      Buffer.alloc(length, 0xff)
    ])
    const printed = execFileSync("python3", ["-c", script], {
      input: JSON.stringify(samples.map((bytes) => bytes.toString("hex")))
    })
    assert.deepStrictEqual(samples.map(adler32), JSON.parse(printed.toString()))
    assert.strictEqual(adler32(Buffer.from("hello")), "062c0215")
  })

  it("of two runs of bytes in a row is had from theirs", () => {
    const bytes = randomBytes(200_000).fill(255, 50_000, 150_000)
    for (const at of [0, 1, 3799, 65_521, 65_522, 131_042, 199_999, 200_000]) {
      const [first, second] = [bytes.subarray(0, at), bytes.subarray(at)]
      const joined = joinAdler32(addAdler32(1, first), addAdler32(1, second), second.length)
      assert.strictEqual(hexAdler32(joined), adler32(bytes), `at ${at}`)
    }
  })
})
