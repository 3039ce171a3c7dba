import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { freshHub } from "./Hub.ts"

/** Without fetch, which tidies paths up before it sends them. */
const raw = (port: number, path: string, headers = {}, method = "GET") =>
  Effect.callback<{ status: number; headers: Record<string, unknown>; body: string }>((resume) => {
    request({ port, host: "127.0.0.1", path, method, headers }, (response) => {
      let body = ""
      response.on("data", (chunk) => {
        body += chunk
      })
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, headers: response.headers, body }))
      )
    }).end()
  })

const stage = Effect.gen(function* () {
  const { port, topdir } = yield* freshHub()
  mkdirSync(`${topdir}/packages/a/1/2`, { recursive: true })
  writeFileSync(`${topdir}/packages/a/1/2/a.rpm`, "0123456789")
  mkdirSync(`${topdir}/repos/t/1/x86_64`, { recursive: true })
  symlinkSync("../../../..", `${topdir}/repos/t/1/x86_64/toplink`)
  symlinkSync("/etc/passwd", `${topdir}/packages/out`)
  const get = (path: string, headers = {}, method = "GET") => raw(port, `/kojifiles/${path}`, headers, method)
  return { get }
})

describe("the hub's file tree", () => {
  it.live("is served whole or in parts", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { get } = yield* stage
        const whole = yield* get("packages/a/1/2/a.rpm")
        assert.deepStrictEqual([whole.status, whole.headers["content-length"], whole.body], [200, "10", "0123456789"])
        const part = yield* get("packages/a/1/2/a.rpm", { range: "bytes=2-4" })
        assert.deepStrictEqual([part.status, part.headers["content-range"], part.body], [206, "bytes 2-4/10", "234"])
        assert.strictEqual((yield* get("packages/a/1/2/a.rpm", { range: "bytes=7-" })).body, "789")
        assert.strictEqual((yield* get("packages/a/1/2/a.rpm", { range: "bytes=-2" })).body, "89")
        assert.strictEqual((yield* get("packages/a/1/2/a.rpm", { range: "bytes=10-" })).status, 416)
        const head = yield* get("packages/a/1/2/a.rpm", {}, "HEAD")
        assert.deepStrictEqual([head.status, head.headers["content-length"], head.body], [200, "10", ""])
        assert.strictEqual((yield* get("packages/a/1/2/a.rpm", {}, "PUT")).status, 405)
      })
    )
  )

  it.live("is followed through links that stay in it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { get } = yield* stage
        const linked = yield* get("repos/t/1/x86_64/toplink/packages/a/1/2/a.rpm")
        assert.deepStrictEqual([linked.status, linked.body], [200, "0123456789"])
      })
    )
  )

  it.live("lets nobody out, and nobody at the database", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { get } = yield* stage
        for (const path of [
          "hubsim.sqlite",
          "hubsim.sqlite-wal",
          "repos/t/1/x86_64/toplink/hubsim.sqlite",
          "packages/out",
          "packages/../hubsim.sqlite",
          "packages/%2e%2e/hubsim.sqlite",
          "packages/..%2f..%2f..%2fetc/passwd",
          "../../etc/passwd",
          "packages",
          "packages/%00",
          "packages/%zz",
          ""
        ]) {
          assert.strictEqual((yield* get(path)).status, 404, path)
        }
      })
    )
  )
})
