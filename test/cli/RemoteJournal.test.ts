import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option, Stream } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { aroundUrl, fetchedBytesMax, isUrl, remoteSource } from "../../src/cli/RemoteJournal.ts"

const url = new URL("https://hub.example.org/work/tasks/7/7/adjutant-events.log")

/** A server that answers with these, by path; and what it was asked for. */
const serving = (answers: Readonly<Record<string, () => Response | "silence" | "refused">>) => {
  const asked: Array<string> = []
  const client = HttpClient.make((request, address) => {
    asked.push(address.href)
    const answer = answers[address.pathname + address.search]?.() ?? new Response("", { status: 404 })
    if (answer === "silence") return Effect.never
    if (answer === "refused") {
      const reason = new HttpClientError.TransportError({ request, description: "connect ECONNREFUSED" })
      return Effect.fail(new HttpClientError.HttpClientError({ reason }))
    }
    return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
  })
  return { client, asked }
}

const text = (client: HttpClient.HttpClient, of = url) =>
  Stream.runCollect(remoteSource(of, client).bytes).pipe(Effect.map((chunks) => Buffer.concat(chunks).toString()))
const refusal = (client: HttpClient.HttpClient) => Effect.map(Effect.flip(text(client)), (error) => error.message)

describe("a journal at an address", () => {
  it("is told from a file and from a task", () => {
    assert.isTrue(isUrl("http://hub/x") && isUrl("HTTPS://hub/x"))
    assert.isFalse(isUrl("4711") || isUrl("/http://x") || isUrl("adjutant-events.log") || isUrl("ftp://hub/x"))
  })

  it.effect("is read", () =>
    Effect.gen(function* () {
      const { client } = serving({ [url.pathname]: () => new Response("one\ntwo\n") })
      assert.strictEqual(yield* text(client), "one\ntwo\n")
    })
  )

  it.effect("is not there, or not to be had, and the reader is told which", () =>
    Effect.gen(function* () {
      const answer = (how: () => Response | "refused") => serving({ [url.pathname]: how }).client
      assert.strictEqual(yield* refusal(serving({}).client), "the server has no such file")
      assert.match(yield* refusal(answer(() => "refused")), /^the server cannot be reached: /)
      assert.strictEqual(
        yield* refusal(answer(() => new Response("", { status: 403 }))),
        "the server answers with HTTP status 403"
      )
      const large = { headers: { "content-length": String(fetchedBytesMax + 1) } }
      assert.match(yield* refusal(answer(() => new Response("x", large))), /larger than 256\.0 MiB/)
    })
  )

  it.effect("is given up when the server says nothing, or never comes to an end", () =>
    Effect.gen(function* () {
      const given = (client: HttpClient.HttpClient) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(refusal(client), { startImmediately: true })
          while (fiber.pollUnsafe() === undefined) {
            yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
            yield* TestClock.adjust("31 seconds")
          }
          return yield* Fiber.join(fiber)
        })
      assert.strictEqual(yield* given(serving({ [url.pathname]: () => "silence" }).client), "nothing came for 30 s")
      const stalled = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from("one")) })
      assert.strictEqual(
        yield* given(serving({ [url.pathname]: () => new Response(stalled) }).client),
        "nothing came for 30 s"
      )
    })
  )

  it.effect("is named without the reader's password", () =>
    Effect.gen(function* () {
      const secret = new URL("https://kim:secret@hub.example.org/x.log")
      const source = remoteSource(secret, serving({}).client)
      assert.strictEqual(source.name, "https://kim:[hidden]@hub.example.org/x.log")
      const error = yield* Effect.flip(Stream.runDrain(source.bytes))
      assert.notInclude(JSON.stringify(error), "secret")
    })
  )
})

describe("what lies beside it", () => {
  const log = () => new Response("make\n")

  it.effect("are logs in the same directory, each fetched once", () =>
    Effect.gen(function* () {
      const { client, asked } = serving({ "/work/tasks/7/7/build.log": log })
      const around = aroundUrl(url, client)
      for (const _ of [1, 2]) {
        const found = Option.getOrThrow(yield* around.find({ kind: "log", name: "build.log" }))
        const chunks = yield* Stream.runCollect(found.bytes(2))
        assert.strictEqual(Buffer.concat(chunks).toString(), "ke\n")
        assert.strictEqual(found.name, "https://hub.example.org/work/tasks/7/7/build.log")
      }
      assert.isTrue(Option.isNone(yield* around.find({ kind: "log", name: "root.log" })))
      assert.strictEqual(asked.length, 2)
    })
  )

  it.effect("are asked for in kojiweb's way when the journal was", () =>
    Effect.gen(function* () {
      const web = new URL(
        "https://hub.example.org/koji/getfile?taskID=7&volume=DEFAULT&name=adjutant-events.log&offset=0"
      )
      const { client } = serving({ "/koji/getfile?taskID=7&volume=DEFAULT&name=build.log&offset=0": log })
      assert.isTrue(Option.isSome(yield* aroundUrl(web, client).find({ kind: "log", name: "build.log" })))
    })
  )

  it.effect("are nothing else, and nowhere else", () =>
    Effect.gen(function* () {
      const { client, asked } = serving({})
      const around = aroundUrl(url, client)
      for (const name of ["../8/build.log", "..", "/etc/passwd", "a/b"]) {
        assert.isTrue(Option.isNone(yield* around.find({ kind: "log", name })))
      }
      assert.isTrue(Option.isNone(yield* around.find({ kind: "value", name: "0".repeat(64) })))
      assert.deepStrictEqual(asked, [])
    })
  )
})
