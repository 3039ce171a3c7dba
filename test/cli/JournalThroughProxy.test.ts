/** A journal that only a proxy reaches, or whose server is not known to everybody, read by the real command. */
import { readFileSync } from "node:fs"
import { createServer, type RequestListener, type Server } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { patient } from "../e2e/until.ts"
import { certificateDirectory, type Issued, issue, makeAuthority } from "../hub/Certificates.ts"
import { startForwardProxy } from "../hub/ForwardProxy.ts"
import { adjutant } from "./command.ts"

const journal = join(import.meta.dirname, "../golden/v1/build.closed.jsonl")

/** A server on loopback that has this one file, whatever it is asked for; over TLS if it has a certificate. */
const serving = (file: string, own?: Issued) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const content = readFileSync(file)
        const answer: RequestListener = (_, response) =>
          response.writeHead(200, { "Content-Length": content.length }).end(content)
        const server: Server =
          own === undefined
            ? createServer(answer)
            : createSecureServer({ cert: readFileSync(own.certificate), key: readFileSync(own.key) }, answer)
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return server
      }),
      (server) => Effect.sync(() => void server.close())
    ),
    (server) => (server.address() as AddressInfo).port
  )

describe("a journal behind a proxy", () => {
  it.live(
    "is read through it, and a proxy that is not there is named without its password",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const port = yield* serving(journal)
          const proxy = yield* startForwardProxy({ names: { "hub.example.org:80": port }, user: "we:secret" })
          const gone = yield* Effect.scoped(startForwardProxy({ names: {} }))
          const log = (through: number) =>
            adjutant(["log", "http://hub.example.org/1.jsonl"], { http_proxy: `http://we:secret@127.0.0.1:${through}` })
          const [read, lost] = yield* Effect.all([log(proxy.port), log(gone.port)], { concurrency: 2 })
          assert.deepStrictEqual([read.code, read.err], [0, ""])
          assert.strictEqual(read.out, (yield* adjutant(["log", journal])).out)
          assert.strictEqual(lost.code, 1)
          assert.include(lost.err, `cannot be reached through the proxy http://127.0.0.1:${gone.port} (http_proxy)`)
          assert.notInclude(lost.err, "secret")
        })
      ),
    patient
  )
})

describe("a journal on a server of an authority of one's own", () => {
  it.live(
    "is read when NODE_EXTRA_CA_CERTS names the authority, and not without it",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const directory = yield* certificateDirectory
          const authority = makeAuthority(directory, "authority")
          const own = issue(directory, authority, { name: "hub", alternatives: "DNS:localhost" })
          const url = `https://localhost:${yield* serving(journal, own)}/1.jsonl`
          const [read, refused] = yield* Effect.all(
            [adjutant(["log", url], { NODE_EXTRA_CA_CERTS: authority.certificate }), adjutant(["log", url])],
            { concurrency: 2 }
          )
          assert.deepStrictEqual([read.code, read.err], [0, ""])
          assert.strictEqual(read.out, (yield* adjutant(["log", journal])).out)
          assert.deepStrictEqual([refused.code, refused.out], [1, ""])
          assert.match(refused.err, /cannot be reached/)
        })
      ),
    patient
  )
})
