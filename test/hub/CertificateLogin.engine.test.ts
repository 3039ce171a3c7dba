/**
 * The ways in by certificate, through a real Apache: with the rule that hubs have, where only a login is asked for the
 * certificate, and with the other one, where the first handshake is. What is configured is a kojid.conf.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { load } from "../../src/config/DaemonConfig.ts"
import { hubLayer } from "../../src/daemon/HubLayer.ts"
import { getID } from "../../src/hub/calls/host.ts"
import { layerFilesClient } from "../../src/hub/HubClient.ts"
import { HubFiles } from "../../src/hub/HubFiles.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { readTlsFiles } from "../../src/hub/TlsFiles.ts"
import { readProxies } from "../../src/koji/Proxies.ts"
import { adjutant } from "../cli/command.ts"
import { startDaemon } from "../e2e/daemonProcess.ts"
import { engineSocket, toolsImage } from "../engines.ts"
import { freshHub } from "../hubsim/Hub.ts"
import { ownerOf } from "../hubsim/Owner.ts"
import { type ApacheOptions, startApache, stockRule } from "./Apache.ts"
import { certificateDirectory, type Issued, issue, makeAuthority } from "./Certificates.ts"

interface Choices extends Pick<ApacheOptions, "directives" | "atLogin"> {
  readonly serverExpired?: boolean
}

/** A hub behind Apache, a builder's certificate that it takes and one that it does not. */
const site = Effect.fnUntraced(function* ({ serverExpired = false, ...apacheOptions }: Choices) {
  const directory = yield* certificateDirectory
  const authority = makeAuthority(directory, "authority")
  const stranger = makeAuthority(directory, "stranger")
  const hub = yield* freshHub({ options: { hasFrontEnd: true } })
  const wanted = { name: "hub", alternatives: "DNS:localhost", isExpired: serverExpired }
  const apache = yield* startApache({
    directory,
    server: issue(directory, authority, wanted),
    clientAuthorities: authority.certificate,
    hubPort: hub.port,
    ...apacheOptions
  })
  const config = (lines: ReadonlyArray<string>, host = "localhost", name = "kojid") => {
    const file = join(directory, `${name}.conf`)
    const urls = [`server = http://${host}:${apache.port}/kojihub`, `topurl = https://${host}:${apache.port}/kojifiles`]
    writeFileSync(file, ["[kojid]", ...urls, "max_retries = 0", ...lines, ""].join("\n"))
    return file
  }
  /** For a daemon of its own, with everything that it keeps. */
  const daemonConfig = (name: string, lines: ReadonlyArray<string>) => {
    const own = [`state_dir = ${join(directory, name)}`, `log_dir = ${join(directory, `${name}-logs`)}`]
    const engine = ["engine = docker", `engine_socket = ${engineSocket("docker")}`, `tools_image = ${toolsImage}`]
    const others = ["[adjutant]", ...engine, ...own, "log_format = text", "load_average_max = 1000"]
    return config([...lines, "minspace = 0", ...others], "localhost", name)
  }
  return {
    hub,
    apache,
    config,
    daemonConfig,
    authority: authority.certificate,
    trust: `serverca = ${authority.certificate}`,
    distrust: `serverca = ${stranger.certificate}`,
    own: (issued: Issued) => `cert = ${issued.both}`,
    builder: issue(directory, authority, { name: "builder1" }),
    person: issue(directory, authority, { name: "somebody" }),
    unknown: issue(directory, stranger, { name: "builder2" })
  }
})

/** Logs in as the configuration says, and does something there. */
const entering = <A, E, R>(file: string, work: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const config = yield* load({ file, environment: {}, commandLine: {} })
    const layer = yield* hubLayer(config, true, process.env)
    return yield* Effect.provide(work, layer, { local: true })
  })

/** The hub's files, over TLS by these authorities. */
const filesOf = Effect.fnUntraced(function* (authorities: string | null, topUrl: string) {
  const tls = yield* readTlsFiles({ certificate: null, authorities, verify: true })
  const layer = HubFiles.layer({ topUrl, topDirectory: "/nowhere" }).pipe(
    Layer.provide(layerFilesClient(tls, readProxies({})))
  )
  return yield* Effect.provide(HubFiles, yield* Layer.build(layer))
})

const said = <A, E extends { readonly message: string }, R>(work: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(work), ({ message }) => message)

const rules: ReadonlyArray<readonly [string, Choices]> = [
  ["asks for a certificate at the login only", { atLogin: stockRule }],
  ["asks for one in the first handshake", { directives: ["SSLVerifyClient optional"] }],
  ["does so and speaks nothing older than TLS 1.3", { directives: ["SSLVerifyClient optional", "SSLProtocol TLSv1.3"] }]
]

/** A package that the hub is to build; what becomes of that is nobody's concern here. */
const source = join(import.meta.dirname, "../fixtures/rpms/adjutant-sample-1.0-1.src.rpm")

describe("adjutant build", () => {
  it.live("logs a person in by certificate", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, apache, builder, authority } = yield* site({ atLogin: stockRule })
        const where = ["--server", `http://localhost:${apache.port}/kojihub`, "--serverca", authority]
        const who = ["--cert", builder.both, "--target", "dist-test", "--nowait"]
        const { code, out, err } = yield* adjutant(["build", ...where, ...who, source])
        assert.deepStrictEqual([code, err], [0, ""])
        assert.match(out, /^Created task \d+\n$/)
        const task = Number(/\d+/.exec(out)?.[0])
        assert.strictEqual(ownerOf(hub, task), "builder1")
      })
    )
  )
})

for (const [rule, choices] of rules) {
  describe(`at a hub whose Apache ${rule}`, () => {
    it.live("a builder logs in by its certificate, works, reads files, and renews its session", () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { hub, apache, config, trust, own, builder } = yield* site(choices)
          writeFileSync(join(hub.topdir, "work/hello"), "hello")
          const found = yield* entering(
            config([trust, own(builder)]),
            Effect.gen(function* () {
              const session = yield* HubSession
              const host = yield* getID()
              hub.hub.db.run("UPDATE sessions SET expired = 1")
              const again = yield* getID()
              const child = yield* session.subsession
              hub.hub.db.run("UPDATE sessions SET expired = 1 WHERE id = ?", child.id)
              yield* child.call("echo", ["renewed"])
              const info = yield* session.call("getSessionInfo", [])
              const text = yield* (yield* HubFiles).read("work/hello", 100)
              return { host, again, info: Object(info), text: new TextDecoder().decode(text) }
            }).pipe(Effect.scoped)
          )
          assert.strictEqual(found.host, found.again)
          assert.deepInclude(found.info, { authtype: 2, exclusive: true })
          assert.strictEqual(found.text, "hello")
          const logins = apache.requests().filter((line) => line.startsWith("/kojihub/ssllogin "))
          assert.lengthOf(logins, 3)
          for (const line of logins) assert.match(line, /SUCCESS$/)
        })
      )
    )
  })
}

describe("at a hub whose Apache asks for a certificate in the first handshake", () => {
  it.live("it is presented for every call, and calls speak the newest TLS", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { apache, config, trust, own, builder } = yield* site({ directives: ["SSLVerifyClient optional"] })
        yield* entering(config([trust, own(builder)]), getID())
        const calls = apache.requests().filter((line) => line.startsWith("/kojihub "))
        assert.isAtLeast(calls.length, 3)
        for (const line of calls) assert.strictEqual(line, "/kojihub TLSv1.3 SUCCESS")
      })
    )
  )
})

describe("a builder that cannot get in by certificate is told why", () => {
  it.live("when the hub does not know the authority of its certificate", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, own, unknown } = yield* site({ atLogin: stockRule })
        const message = yield* said(entering(config([trust, own(unknown)]), getID()))
        assert.match(
          message,
          /the web server does not take our certificate \(.*builder2-good\.pem\): it does not know the authority/
        )
      })
    )
  )

  it.live("when the hub does not know that authority and says so in the first handshake", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, own, unknown } = yield* site({ directives: ["SSLVerifyClient optional"] })
        const message = yield* said(entering(config([trust, own(unknown)]), getID()))
        assert.match(
          message,
          /the hub does not take our certificate \(cert\): it does not know the authority that signed it/
        )
      })
    )
  )

  it.live("when the hub wants a certificate and there is none", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, apache } = yield* site({ directives: ["SSLVerifyClient require"] })
        const file = config([trust, "user = builder1", "password = builder1"])
        writeFileSync(file, readFileSync(file, "utf8").replace("server = http:", "server = https:"))
        assert.match(
          yield* said(entering(file, getID())),
          /the web server may want a client certificate from everybody \(cert\)/
        )
        assert.deepStrictEqual(apache.requests(), [])
      })
    )
  )

  it.live("when the web server lets nobody in", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, own, builder } = yield* site({ atLogin: [...stockRule, "Require all denied"] })
        const message = yield* said(entering(config([trust, own(builder)]), getID()))
        assert.match(
          message,
          /HTTP status 403: the web server has not accepted the certificate in .*builder1-good\.pem/
        )
      })
    )
  )

  it.live("when the hub has no such builder", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, own, person } = yield* site({ atLogin: stockRule })
        const error = yield* Effect.flip(entering(config([trust, own(person)]), getID()))
        assert.deepInclude(error, { _tag: "HubFault", method: "host.getID", code: 1002 })
        assert.match(error.message, /is not a host/)
      })
    )
  )
})

describe("two daemons of one host", () => {
  it.live(
    "do not run at once: the one whose session is taken leaves, and one that takes none by force does not begin",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const { hub, daemonConfig, trust, own, builder } = yield* site({ atLogin: stockRule })
          const lines = [trust, own(builder)]
          const first = yield* startDaemon(daemonConfig("first", lines))
          yield* first.hasSaid("koji-adjutant is host")
          assert.match(first.said(), /the hub is https:.*, the way in the certificate in .*builder1-good\.pem/)
          const second = yield* startDaemon(daemonConfig("second", lines))
          yield* second.hasSaid("koji-adjutant is host")
          assert.strictEqual(yield* first.exit, 1)
          assert.include(first.said(), "the session at the hub is not ours any more: ")
          assert.include(first.said(), "(another daemon has taken this host's session, or the hub has closed it: ")
          const third = yield* startDaemon(daemonConfig("third", lines), undefined, true)
          assert.strictEqual(yield* third.exit, 1)
          assert.include(
            third.said(),
            "exclusiveSession: Cannot get exclusive session (another daemon has this host's session"
          )
          assert.isTrue(hub.hub.db.has("SELECT 1 FROM host WHERE ready AND name = 'builder1'"))
          yield* second.signal("SIGTERM")
          assert.strictEqual(yield* second.exit, 0)
        })
      )
  )

  it.live("need a certificate that holds, or do not begin at all", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { apache, daemonConfig, trust, builder, unknown } = yield* site({ atLogin: stockRule })
        const mixed = `${builder.both}.mixed`
        writeFileSync(mixed, readFileSync(builder.certificate, "latin1") + readFileSync(unknown.key, "latin1"))
        const daemon = yield* startDaemon(daemonConfig("mixed", [trust, `cert = ${mixed}`]))
        assert.strictEqual(yield* daemon.exit, 1)
        assert.include(daemon.said(), `${mixed} (cert): the private key is not the one of the certificate`)
        assert.deepStrictEqual(apache.requests(), [])
      })
    )
  )
})

describe("a hub's own certificate", () => {
  const password = ["user = builder1", "password = builder1"]

  it.live("is held to serverca, and a login by password goes over TLS like any other", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, distrust, apache } = yield* site({})
        const https = (file: string) => {
          writeFileSync(file, readFileSync(file, "utf8").replace("server = http:", "server = https:"))
          return file
        }
        yield* entering(https(config([trust, ...password])), getID())
        assert.isTrue(apache.requests().every((line) => !line.startsWith("/kojihub/ssllogin")))
        for (const lines of [[distrust], [distrust, "no_ssl_verify = yes"], []]) {
          const message = yield* said(entering(https(config([...lines, ...password])), getID()))
          assert.match(message, /nobody who is trusted here vouches for the hub's certificate: set serverca/)
        }
        yield* entering(https(config(["no_ssl_verify = yes", ...password])), getID())
      })
    )
  )

  it.live("must be of the name that is configured", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, own, builder } = yield* site({ atLogin: stockRule })
        const message = yield* said(entering(config([trust, own(builder)], "127.0.0.1"), getID()))
        assert.match(
          message,
          /the hub's certificate is for another name: set server to a name that the certificate has/
        )
      })
    )
  )

  it.live("must not have expired, neither for calls nor for files", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { config, trust, own, builder } = yield* site({ atLogin: stockRule, serverExpired: true })
        const file = config([trust, own(builder)])
        assert.match(yield* said(entering(file, getID())), /the hub's certificate has expired/)
        const { kojid, topUrls } = yield* load({ file, environment: {}, commandLine: {} })
        const files = yield* filesOf(kojid.serverca, topUrls[0])
        const error = yield* Effect.flip(files.read("work/hello", 100))
        assert.strictEqual(error.reason, "refused")
        assert.match(error.message, /the hub's certificate has expired/)
      })
    )
  )
})
