/** A hub that only a proxy reaches, plainly and over TLS: what is configured is a kojid.conf and the environment. */
import { readFileSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import type { SecureVersion, TLSSocket } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { load } from "../../src/config/DaemonConfig.ts"
import { hubLayer } from "../../src/daemon/HubLayer.ts"
import { getID } from "../../src/hub/calls/host.ts"
import { HubFiles } from "../../src/hub/HubFiles.ts"
import { freshHub } from "../hubsim/Hub.ts"
import { certificateDirectory, type Issued, issue, makeAuthority } from "./Certificates.ts"
import { type ForwardProxyOptions, startForwardProxy } from "./ForwardProxy.ts"

const name = "hub.example.org"

interface FrontEnd {
  readonly own: Issued
  /** The file of the authorities that clients' certificates are taken from. */
  readonly authorities: string
  readonly minVersion?: SecureVersion
}

/** TLS in front of the hub, which tells it whose certificate it has seen. */
const tlsBefore = (port: number, { own, authorities, minVersion }: FrontEnd) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const options = {
          ...{ cert: readFileSync(own.certificate), key: readFileSync(own.key), ca: readFileSync(authorities) },
          ...{ requestCert: true, rejectUnauthorized: false, ...(minVersion === undefined ? {} : { minVersion }) }
        }
        const server = createServer(options, (asked, answer) => {
          const socket = asked.socket as TLSSocket
          const headers = {
            ...asked.headers,
            "X-SSL-Client-Verify": socket.authorized ? "SUCCESS" : "NONE",
            "X-SSL-Client-S-DN-CN": String(socket.getPeerCertificate().subject?.CN ?? "")
          }
          const whereto = { host: "127.0.0.1", port, method: asked.method, path: asked.url, headers }
          const onward = request(whereto, (answered) => {
            answer.writeHead(answered.statusCode ?? 500, answered.headers)
            answered.pipe(answer)
          })
          onward.on("error", () => answer.destroy())
          asked.pipe(onward)
        })
        await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
        return server
      }),
      (server) =>
        Effect.sync(() => {
          server.close()
          server.closeAllConnections()
        })
    ),
    (server) => (server.address() as AddressInfo).port
  )

interface Choices extends Pick<ForwardProxyOptions, "user" | "status">, Pick<FrontEnd, "minVersion"> {
  /** The name in the hub's certificate. */
  readonly certified?: string
  /** The builder has a certificate to log in by. */
  readonly byCertificate?: boolean
  /** The proxy speaks TLS too. */
  readonly secureProxy?: boolean
}

const site = Effect.fnUntraced(function* (
  scheme: "http" | "https",
  { certified = name, minVersion, byCertificate = false, secureProxy = false, ...options }: Choices = {}
) {
  const hub = yield* freshHub({ options: { hasFrontEnd: byCertificate } })
  const directory = yield* certificateDirectory
  writeFileSync(join(hub.topdir, "work/hello"), "hello")
  const lines = [`server = ${scheme}://${name}/kojihub`, `topurl = ${scheme}://${name}/kojifiles`, "max_retries = 0"]
  const names: Record<string, number> = { [`${name}:80`]: hub.port }
  let certificate: Issued | undefined
  if (scheme === "https") {
    const authority = makeAuthority(directory, "authority")
    names[`${name}:443`] = yield* tlsBefore(hub.port, {
      own: issue(directory, authority, { name: "hub", alternatives: `DNS:${certified}` }),
      authorities: authority.certificate,
      ...(minVersion === undefined ? {} : { minVersion })
    })
    lines.push(`serverca = ${authority.certificate}`)
    if (byCertificate) lines.push(`cert = ${issue(directory, authority, { name: "builder1" }).both}`)
    if (secureProxy) certificate = issue(directory, authority, { name: "proxy", alternatives: "DNS:localhost" })
  }
  const proxy = yield* startForwardProxy({ ...options, names, ...(certificate === undefined ? {} : { certificate }) })
  const file = join(directory, "kojid.conf")
  writeFileSync(file, ["[kojid]", ...lines, "user = builder1", "password = builder1", ""].join("\n"))
  return { hub, proxy, file }
})

/** Logs in, asks who it is there, and reads a file. */
const entering = (file: string, environment: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const config = yield* load({ file, environment: {}, commandLine: {} })
    const layer = yield* hubLayer(config, true, environment)
    return yield* Effect.gen(function* () {
      const host = yield* getID()
      const files = yield* HubFiles
      const [hello, twice] = yield* Effect.all([files.read("work/hello", 100), files.read("work/hello", 100)], {
        concurrency: 2
      })
      return { host, hello: new TextDecoder().decode(hello), twice: new TextDecoder().decode(twice) }
    }).pipe(Effect.provide(layer, { local: true }))
  })

const complaint = (file: string, environment: Readonly<Record<string, string>>) =>
  Effect.map(Effect.flip(entering(file, environment)), ({ message }) => message)

describe("a hub behind a proxy", () => {
  it.live("is asked by the proxy where it speaks no TLS, and the password is the proxy's alone", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { proxy, file } = yield* site("http", { user: "we:s@cret" })
        const found = yield* entering(file, { http_proxy: `http://we:s%40cret@127.0.0.1:${proxy.port}` })
        assert.deepInclude(found, { hello: "hello", twice: "hello" })
        assert.include(proxy.asked, `POST http://${name}/kojihub`)
        assert.include(proxy.asked, `GET http://${name}/kojifiles/work/hello`)
      })
    )
  )

  it.live("is connected to through the proxy where it speaks TLS, and is who its certificate says", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { proxy, file } = yield* site("https", { user: "we:secret" })
        const found = yield* entering(file, { HTTPS_PROXY: `we:secret@127.0.0.1:${proxy.port}`, http_proxy: "" })
        assert.deepInclude(found, { hello: "hello" })
        assert.deepStrictEqual([...new Set(proxy.asked)], [`CONNECT ${name}:443`])
      })
    )
  )

  it.live("is not believed when it is another, though the proxy led there", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { proxy, file } = yield* site("https", { certified: "other.example.org" })
        const error = yield* Effect.flip(entering(file, { https_proxy: `http://127.0.0.1:${proxy.port}` }))
        assert.deepInclude(error, { _tag: "HubUnavailable", isUntrusted: true })
        assert.include(error.message, "the hub's certificate is for another name")
        assert.include(error.message, `through the proxy http://127.0.0.1:${proxy.port} (https_proxy)`)
      })
    )
  )

  it.live("lets a builder in by certificate, though it speaks nothing older than TLS 1.3", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, proxy, file } = yield* site("https", { byCertificate: true, minVersion: "TLSv1.3" })
        const found = yield* entering(file, { https_proxy: `http://127.0.0.1:${proxy.port}` })
        assert.deepInclude(found, { hello: "hello" })
        assert.isTrue(hub.hub.db.has("SELECT 1 FROM sessions WHERE authtype = 2"))
      })
    )
  )

  it.live("is shown the builder's certificate, and a proxy that asks for one is not", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, proxy, file } = yield* site("https", { byCertificate: true, secureProxy: true })
        const found = yield* entering(file, { https_proxy: `https://localhost:${proxy.port}` })
        assert.deepInclude(found, { hello: "hello" })
        assert.isTrue(hub.hub.db.has("SELECT 1 FROM sessions WHERE authtype = 2"))
        assert.deepStrictEqual([...new Set(proxy.shown)], [null])
      })
    )
  )

  it.live("is reached without it when no_proxy says so", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, proxy, file } = yield* site("http")
        const direct = readFileSync(file, "utf8").replaceAll(`http://${name}/`, `http://127.0.0.1:${hub.port}/`)
        writeFileSync(file, direct)
        const environment = { http_proxy: `http://127.0.0.1:${proxy.port}` }
        assert.strictEqual((yield* entering(file, { ...environment, no_proxy: "127.0.0.0/8" })).hello, "hello")
        assert.deepStrictEqual(proxy.asked, [])
        // The proxy knows no such name, and says so.
        assert.include(yield* complaint(file, environment), "HTTP status 502")
        assert.include(proxy.asked, `POST http://127.0.0.1:${hub.port}/kojihub`)
      })
    )
  )
})

describe("a proxy that does not do its part is named, without its password", () => {
  const cases = [
    { what: "wants another password", scheme: "http", user: "we:other", says: "407" },
    { what: "wants another password", scheme: "https", user: "we:other", says: "407" },
    { what: "forbids it", scheme: "https", status: 403, says: "403" }
  ] as const
  for (const { what, scheme, says, ...options } of cases) {
    it.live(`${scheme}: ${what}`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { proxy, file } = yield* site(scheme, options)
          const said = yield* complaint(file, { all_proxy: `http://we:secret@127.0.0.1:${proxy.port}` })
          assert.include(said, `cannot reach the hub through the proxy http://127.0.0.1:${proxy.port} (all_proxy)`)
          assert.include(said, says)
          assert.notInclude(said, "secret")
        })
      )
    )
  }

  for (const scheme of ["http", "https"] as const) {
    it.live(`${scheme}: is not there`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { file } = yield* site(scheme)
          const gone = yield* Effect.scoped(startForwardProxy({ names: {} }))
          const said = yield* complaint(file, { all_proxy: `http://we:secret@127.0.0.1:${gone.port}` })
          assert.include(said, `cannot reach the hub through the proxy http://127.0.0.1:${gone.port} (all_proxy)`)
          assert.include(said, "ECONNREFUSED")
          assert.notInclude(said, "secret")
        })
      )
    )
  }

  it.live("what names none is told before anything is sent", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { file } = yield* site("https")
        const said = yield* complaint(file, { https_proxy: "socks5://we:secret@127.0.0.1:1080" })
        assert.include(said, "https_proxy in the environment names no proxy that is spoken here")
        assert.notInclude(said, "secret")
      })
    )
  )
})
