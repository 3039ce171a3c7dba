import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { HubFiles } from "../../src/hub/HubFiles.ts"
import { clockTurns, http, scratch } from "./FakeHub.ts"

const large = randomBytes(3 * 1024 * 1024)
const tree: Readonly<Record<string, Uint8Array | string>> = {
  "repos/f40-build/7/x86_64/rpmlist.jsonl": '{"name": "bash"}\n',
  "work/tasks/1/10001/large.src.rpm": large,
  "packages/a b+c%20/1/1.src.rpm": "odd name",
  "work/empty": ""
}

type Reply = (response: ServerResponse, body: Uint8Array | string | undefined, request: IncomingMessage) => void

/** The tree, a server of it that follows a test's instructions for the next requests, and a local directory. */
const ready = Effect.gen(function* () {
  const top = yield* scratch
  const local = yield* scratch
  yield* clockTurns
  yield* Effect.promise(async () => {
    for (const [name, content] of Object.entries(tree)) {
      await mkdir(dirname(join(top, name)), { recursive: true })
      await writeFile(join(top, name), content)
    }
  })
  const plays: Array<Reply> = []
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? "")
    const body = tree[decodeURIComponent((request.url ?? "").replace("/kojifiles/", ""))]
    const play = plays.shift()
    if (play !== undefined) play(response, body, request)
    else if (body === undefined) response.writeHead(404).end()
    else response.writeHead(200, { "Content-Length": Buffer.byteLength(body) }).end(body)
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/kojifiles`
  return { top, url, plays, asked, destination: join(local, "file") }
})

const over = (tree: { topUrl: string | null; topDirectory: string }) =>
  Effect.map(Layer.build(HubFiles.layer(tree).pipe(Layer.provide(http))), (context) => ({
    fetch: (path: string, destination: string) =>
      Effect.flatMap(HubFiles, (files) => files.fetch(path, destination)).pipe(Effect.provide(context)),
    read: (path: string, bytesMax: number) =>
      Effect.flatMap(HubFiles, (files) => files.read(path, bytesMax)).pipe(Effect.provide(context))
  }))

for (const way of ["served", "mounted"] as const) {
  const files = Effect.gen(function* () {
    const setting = yield* ready
    const { url, top } = setting
    const reading = yield* over({ topUrl: way === "served" ? `${url}/` : null, topDirectory: top })
    return { ...setting, ...reading }
  })

  describe(`the hub's files, ${way}`, () => {
    it.effect("are fetched whole", () =>
      Effect.gen(function* () {
        const { fetch, destination } = yield* files
        yield* Effect.promise(() => writeFile(destination, "what was there before, and is longer".repeat(200_000)))
        assert.deepStrictEqual(yield* fetch("work/tasks/1/10001/large.src.rpm", destination), { bytes: large.length })
        assert.isTrue((yield* Effect.promise(() => readFile(destination))).equals(large))
        assert.deepStrictEqual(yield* fetch("work/empty", destination), { bytes: 0 })
      })
    )

    it.effect("are read, whatever their names", () =>
      Effect.gen(function* () {
        const { read } = yield* files
        const text = new TextDecoder().decode(yield* read("packages/a b+c%20/1/1.src.rpm", 100))
        assert.strictEqual(text, "odd name")
      })
    )

    it.effect("are read up to a limit", () =>
      Effect.gen(function* () {
        const { read } = yield* files
        assert.strictEqual((yield* read("work/tasks/1/10001/large.src.rpm", large.length)).length, large.length)
        const error = yield* Effect.flip(read("work/tasks/1/10001/large.src.rpm", large.length - 1))
        assert.strictEqual(error.reason, "too-large")
      })
    )

    it.effect("that are missing are called so, and leave nothing behind", () =>
      Effect.gen(function* () {
        const { fetch, read, destination } = yield* files
        assert.strictEqual((yield* Effect.flip(read("repos/f40-build/8/x86_64/rpmlist.jsonl", 9))).reason, "missing")
        assert.strictEqual((yield* Effect.flip(fetch("work/empty/nothing", destination))).reason, "missing")
        assert.isFalse(existsSync(destination))
      })
    )

    for (const path of [
      "../etc/passwd",
      "/etc/passwd",
      "work/../../x",
      "work/\0",
      "work//x",
      "",
      "work/./x",
      "work/"
    ]) {
      it.effect(`are not looked for at ${JSON.stringify(path)}`, () =>
        Effect.gen(function* () {
          const { read, fetch, asked, destination } = yield* files
          assert.strictEqual((yield* Effect.flip(read(path, 100))).reason, "unsafe")
          assert.strictEqual((yield* Effect.flip(fetch(path, destination))).reason, "unsafe")
          assert.deepStrictEqual(asked, [])
        })
      )
    }

    it.effect("are not written through a link, nor where nothing can be written", () =>
      Effect.gen(function* () {
        const { fetch, top, destination } = yield* files
        const target = join(top, "work/empty")
        yield* Effect.promise(() => symlink(target, destination))
        assert.strictEqual(
          (yield* Effect.flip(fetch("work/tasks/1/10001/large.src.rpm", destination))).reason,
          "unwritable"
        )
        assert.strictEqual((yield* Effect.promise(() => readFile(target))).length, 0)
        const nowhere = join(destination, "x/y")
        assert.strictEqual((yield* Effect.flip(fetch("work/empty", nowhere))).reason, "unwritable")
      })
    )
  })
}

describe("the hub's files over HTTP", () => {
  const path = "repos/f40-build/7/x86_64/rpmlist.jsonl"
  const files = Effect.gen(function* () {
    const setting = yield* ready
    return { ...setting, ...(yield* over({ topUrl: setting.url, topDirectory: "/nowhere" })) }
  })
  const status =
    (code: number, headers = {}): Reply =>
    (response) =>
      response.writeHead(code, headers).end()
  const half: Reply = (response, body) => {
    const whole = Buffer.from(body ?? "")
    response.writeHead(200, { "Content-Length": whole.length })
    response.write(whole.subarray(0, whole.length / 2), () => response.destroy())
  }
  const stalled: Reply = (response) => response.writeHead(200, { "Content-Length": 17 }).write("{")

  for (const [what, play] of [
    ["an HTTP status 500", status(500)],
    ["an HTTP status 502", status(502)],
    ["an HTTP status 504", status(504)],
    ["an HTTP status 408", status(408)],
    ["an HTTP status 429", status(429)],
    ["a dropped connection", (response) => response.destroy()],
    ["half a file", half],
    ["a transfer that stands still", stalled],
    ["a server that does not answer", () => {}]
  ] as ReadonlyArray<readonly [string, Reply]>) {
    it.effect(`are asked for again after ${what}`, () =>
      Effect.gen(function* () {
        const { fetch, destination, plays, asked } = yield* files
        plays.push(play, play)
        yield* fetch(path, destination)
        assert.strictEqual(yield* Effect.promise(() => readFile(destination, "utf8")), tree[path])
        assert.strictEqual(asked.length, 3)
      })
    )
  }

  /** A part of the file of at most so many bytes, from where it is asked for; then the connection is gone. */
  const some =
    (bytes: number, mark: Readonly<Record<string, string>>): Reply =>
    (response, body, { headers }) => {
      const whole = Buffer.from(body ?? "")
      const known = Object.values(mark).includes(String(headers["if-range"]))
      const from = known ? Number(/^bytes=([0-9]+)-$/.exec(headers.range ?? "")?.[1] ?? 0) : 0
      const part = whole.subarray(from, from + bytes)
      const range = { "Content-Range": `bytes ${from}-${whole.length - 1}/${whole.length}` }
      response.writeHead(from > 0 ? 206 : 200, {
        ...mark,
        ...(from > 0 ? range : {}),
        "Content-Length": whole.length - from
      })
      if (from + bytes >= whole.length) response.end(part)
      else response.write(part, () => response.destroy())
      given.push(`${from}+${part.length}`)
    }
  const given: Array<string> = []
  const largePath = "work/tasks/1/10001/large.src.rpm"
  const megabyte = 1024 * 1024
  const sixth = 512 * 1024

  for (const mark of [{ ETag: '"one"' }, { "Last-Modified": "Sat, 31 Jan 2026 16:29:15 GMT" }]) {
    it.effect(`go on where they broke off, however often, when the server knows them by ${Object.keys(mark)}`, () =>
      Effect.gen(function* () {
        const { fetch, destination, plays } = yield* files
        given.length = 0
        plays.push(...Array.from({ length: 6 }, () => some(sixth, mark)))
        assert.deepStrictEqual(yield* fetch(largePath, destination), { bytes: large.length })
        assert.isTrue((yield* Effect.promise(() => readFile(destination))).equals(large))
        assert.strictEqual(
          given.reduce((sum, part) => sum + Number(part.split("+")[1]), 0),
          large.length,
          "no byte is sent twice"
        )
      })
    )
  }

  it.effect("begin again when it is another file by now, or nobody can tell", () =>
    Effect.gen(function* () {
      const { fetch, destination, plays } = yield* files
      for (const [first, second] of [
        [{ ETag: '"one"' }, { ETag: '"two"' }],
        [{ ETag: 'W/"one"' }, { ETag: 'W/"one"' }],
        [{}, {}]
      ]) {
        given.length = 0
        plays.push(some(megabyte, first ?? {}), some(large.length, second ?? {}))
        yield* fetch(largePath, destination)
        assert.isTrue((yield* Effect.promise(() => readFile(destination))).equals(large))
        assert.deepStrictEqual(given, [`0+${megabyte}`, `0+${large.length}`])
      }
    })
  )

  it.effect("are never put together of two files, whatever the server makes of a condition", () =>
    Effect.gen(function* () {
      const { fetch, destination, plays } = yield* files
      const other = Buffer.alloc(large.length, 7)
      const careless: Reply = (response, _, { headers }) => {
        const from = Number(/^bytes=([0-9]+)-$/.exec(headers.range ?? "")?.[1] ?? 0)
        const range = from > 0 ? { "Content-Range": `bytes ${from}-${other.length - 1}/${other.length}` } : {}
        response.writeHead(from > 0 ? 206 : 200, { ETag: '"two"', "Content-Length": other.length - from, ...range })
        response.end(other.subarray(from))
      }
      plays.push(some(megabyte, { ETag: '"one"' }), careless, careless)
      yield* fetch(largePath, destination)
      assert.isTrue((yield* Effect.promise(() => readFile(destination))).equals(other))
      plays.push(some(megabyte, { ETag: '"one"' }), status(416))
      yield* fetch(largePath, destination)
      assert.isTrue((yield* Effect.promise(() => readFile(destination))).equals(large))
    })
  )

  it.effect("are given up after three more tries, and nothing is left", () =>
    Effect.gen(function* () {
      const { fetch, destination, plays, asked } = yield* files
      plays.push(half, half, half, half, half)
      assert.strictEqual((yield* Effect.flip(fetch(path, destination))).reason, "cut-short")
      assert.strictEqual(asked.length, 4)
      assert.isFalse(existsSync(destination))
    })
  )

  it.effect("are not asked for again when they are refused", () =>
    Effect.gen(function* () {
      const { read, plays, asked } = yield* files
      plays.push(status(403))
      assert.strictEqual((yield* Effect.flip(read(path, 100))).reason, "refused")
      assert.strictEqual(asked.length, 1)
    })
  )

  it.effect("are asked for without telling anybody the credentials in a URL", () =>
    Effect.gen(function* () {
      const { url, top } = yield* files
      const { read } = yield* over({ topUrl: url.replace("//", "//user:secret@"), topDirectory: top })
      const error = yield* Effect.flip(read("repos/none", 100))
      assert.strictEqual(error.message, `${url}/repos/none does not exist`)
    })
  )

  it.effect("are followed to where they have moved, and not in circles", () =>
    Effect.gen(function* () {
      const { read, plays, asked, url } = yield* files
      plays.push(status(302, { Location: `${url}/${path}` }))
      assert.strictEqual((yield* read(path, 100)).length, 17)
      plays.push(...Array.from({ length: 9 }, () => status(302, { Location: `${url}/${path}` })))
      assert.strictEqual((yield* Effect.flip(read(path, 100))).reason, "refused")
      assert.isBelow(asked.length, 10)
    })
  )

  it.effect("of unknown length are held to the limit while they come", () =>
    Effect.gen(function* () {
      const { read, plays } = yield* files
      plays.push((response) => {
        const pour = () => void response.write(Buffer.alloc(65_536), (error) => error ?? pour())
        response.writeHead(200)
        pour()
      })
      assert.strictEqual((yield* Effect.flip(read(path, 1_000_000))).reason, "too-large")
    })
  )

  it.effect("leave nothing behind when the fetching is interrupted", () =>
    Effect.gen(function* () {
      const { fetch, destination, plays } = yield* files
      const begun = new Promise<void>((resolve) => {
        plays.push((response) => {
          response.writeHead(200, { "Content-Length": 17 }).write("{", () => resolve())
        })
      })
      const fetching = yield* Effect.forkScoped(fetch(path, destination))
      yield* Effect.promise(() => begun)
      yield* Fiber.interrupt(fetching)
      assert.isFalse(existsSync(destination))
    })
  )
})
