/** The way in by Kerberos: a real KDC, a real Apache with mod_auth_gssapi, and a kojid.conf that says nothing else. */
import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { load } from "../../src/config/DaemonConfig.ts"
import { hubLayer } from "../../src/daemon/HubLayer.ts"
import { getID } from "../../src/hub/calls/host.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { seedBuilder } from "../../src/hubsim/Seed.ts"
import { adjutant } from "../cli/command.ts"
import { freshHub } from "../hubsim/Hub.ts"
import { ownerOf } from "../hubsim/Owner.ts"
import { startApache } from "./Apache.ts"
import { certificateDirectory, issue, makeAuthority } from "./Certificates.ts"
import { startForwardProxy } from "./ForwardProxy.ts"
import { type KdcOptions, realm, startKdc } from "./Kdc.ts"

const builder = "compile/b1.example.org"
const loginLine = (path: string) => path.startsWith("/kojihub/ssllogin ")

/** A hub behind Apache, in a realm with a builder and a person. */
const site = Effect.fnUntraced(function* (kdcOptions: Omit<KdcOptions, "directory"> = {}) {
  const directory = yield* certificateDirectory
  // Apache's children are somebody else, and read the key of the service themselves.
  chmodSync(directory, 0o755)
  const authority = makeAuthority(directory, "authority")
  const hub = yield* freshHub({ options: { hasFrontEnd: true } })
  yield* seedBuilder(hub.hub, { name: "b1", password: "x", arches: ["x86_64"], principal: `${builder}@${realm}` })
  const kdcScope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(kdcScope, Exit.void))
  const kdc = yield* Scope.provide(startKdc({ directory, ...kdcOptions }), kdcScope)
  for (const principal of [builder, "somebody", "HTTP/localhost"]) kdc.add(principal)
  const service = kdc.keytab("http.keytab", "HTTP/localhost")
  chmodSync(service, 0o644)
  const apache = yield* startApache({
    directory,
    server: issue(directory, authority, { name: "hub", alternatives: "DNS:localhost,IP:127.0.0.1" }),
    clientAuthorities: authority.certificate,
    hubPort: hub.port,
    extraModules: ["auth_gssapi"],
    environment: { KRB5_CONFIG: kdc.config, KRB5RCACHETYPE: "none" },
    atLogin: [
      ...["AuthType GSSAPI", 'AuthName "Koji"', `GssapiCredStore keytab:${service}`, "Require valid-user"],
      'RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"'
    ]
  })
  const cache = join(directory, "ccache")
  const keytab = join(directory, "builder.keytab")
  const config = (others: Readonly<Record<string, string>> = {}, host = "localhost") => {
    const file = join(directory, "kojid.conf")
    const options = {
      server: `https://${host}:${apache.port}/kojihub`,
      topurl: `https://${host}:${apache.port}/kojifiles`,
      serverca: authority.certificate,
      krb_principal: `${builder}@${realm}`,
      ...{ keytab, ccache: cache, max_retries: "0" },
      ...others
    }
    writeFileSync(file, ["[kojid]", ...Object.entries(options).map(([name, value]) => `${name} = ${value}`)].join("\n"))
    return file
  }
  /** Logs in as the configuration says, and does something there. */
  const entering = <A, E, R>(
    file: string,
    work: Effect.Effect<A, E, R>,
    environment: Readonly<Record<string, string>> = {}
  ) =>
    Effect.gen(function* () {
      const values = yield* load({ file, environment: {}, commandLine: {} })
      const own = { PATH: process.env["PATH"], KRB5_CONFIG: kdc.config }
      const layer = yield* hubLayer(values, true, { ...own, ...environment })
      return yield* Effect.provide(work, layer, { local: true })
    })
  const said = (file: string) => Effect.map(Effect.flip(entering(file, getID())), ({ message }) => message)
  const stranger = makeAuthority(directory, "stranger").certificate
  return {
    hub,
    kdc,
    apache,
    cache,
    directory,
    authority: authority.certificate,
    stranger,
    config,
    entering,
    said,
    stopKdc: Scope.close(kdcScope, Exit.void)
  }
})

describe("a builder with a keytab", () => {
  it.live("logs in as its own principal, whichever comes first in it, works, and renews its session", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, kdc, apache, cache, config, entering } = yield* site()
        kdc.keytab("builder.keytab", "somebody", builder)
        writeFileSync(cache, "")
        const found = yield* entering(
          config(),
          Effect.gen(function* () {
            const session = yield* HubSession
            const host = yield* getID()
            hub.hub.db.run("UPDATE sessions SET expired = 1")
            const again = yield* getID()
            const child = yield* session.subsession
            hub.hub.db.run("UPDATE sessions SET expired = 1 WHERE id = ?", child.id)
            yield* child.call("echo", ["renewed"])
            const user = Object(yield* session.call("getLoggedInUser", []))
            return { host, again, name: user.name, authtype: user.authtype }
          }).pipe(Effect.scoped)
        )
        assert.strictEqual(found.host, found.again)
        assert.deepInclude(found, { name: "b1", authtype: 3 })
        assert.lengthOf(apache.requests().filter(loginLine), 3)
        assert.isAbove(statSync(cache).size, 0)
        assert.deepStrictEqual(
          readdirSync(dirname(cache)).filter((name) => name.startsWith("adjutant-login-")),
          []
        )
      })
    )
  )

  it.live("needs none while there is a ticket", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, cache, config, entering } = yield* site()
        kdc.keytab("builder.keytab", builder)
        const host = yield* entering(config(), getID())
        assert.isTrue(existsSync(cache))
        assert.strictEqual(yield* entering(config({ keytab: `${cache}-none` }), getID()), host)
      })
    )
  )

  it.live("logs in through a proxy that wants a password, and is told which proxy does not let it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, apache, config, entering } = yield* site()
        kdc.keytab("builder.keytab", builder)
        const place = `localhost:${apache.port}`
        const proxy = yield* startForwardProxy({ names: { [place]: apache.port }, user: "we:s@cret" })
        const through = (password: string) => ({ https_proxy: `http://we:${password}@127.0.0.1:${proxy.port}` })
        yield* entering(config(), getID(), through("s%40cret"))
        assert.deepStrictEqual([...new Set(proxy.asked)], [`CONNECT ${place}`])
        assert.lengthOf(apache.requests().filter(loginLine), 1)
        const { message } = yield* Effect.flip(entering(config(), getID(), through("other")))
        assert.include(message, `cannot reach the hub through the proxy http://127.0.0.1:${proxy.port} (https_proxy)`)
        assert.include(message, "407")
        assert.notInclude(message, "other")
      })
    )
  )

  it.live("is told when the hub knows it, but not as a builder", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, entering } = yield* site()
        kdc.keytab("builder.keytab", "somebody")
        const error = yield* Effect.flip(entering(config({ krb_principal: `somebody@${realm}` }), getID()))
        assert.deepInclude(error, { _tag: "HubFault", method: "host.getID", code: 1002 })
      })
    )
  )
})

describe("adjutant build", () => {
  const source = join(import.meta.dirname, "../fixtures/rpms/adjutant-sample-1.0-1.src.rpm")

  it.live("logs in with a keytab, or with the tickets that there are, and says when there are none", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, kdc, apache, authority, directory } = yield* site()
        const keytab = kdc.keytab("person.keytab", "somebody", builder)
        const where = ["--server", `https://localhost:${apache.port}/kojihub`, "--serverca", authority]
        const surroundings = {
          PATH: process.env["PATH"] ?? "",
          TMPDIR: directory,
          KRB5_CONFIG: kdc.config,
          KRB5CCNAME: `FILE:${join(directory, "tickets")}`
        }
        const submit = (who: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
          adjutant(["build", ...where, ...who, "--target", "dist-test", "--nowait", source], {
            ...surroundings,
            ...environment
          })
        const none = yield* submit([])
        assert.deepStrictEqual([none.code, none.out], [1, ""])
        assert.match(none.err, /there is no Kerberos ticket of yours, or it has expired: run kinit/)
        const byKey = yield* submit(["--keytab", keytab, "--principal", `${builder}@${realm}`])
        assert.deepStrictEqual([byKey.code, byKey.err], [0, ""])
        assert.isFalse(existsSync(join(directory, "tickets")), "the person's own tickets are left alone")
        assert.deepStrictEqual(
          readdirSync(directory).filter((name) => name.startsWith("adjutant-tickets-")),
          []
        )
        // The first key in it is somebody else's; which tickets there are is Kerberos' own business here.
        const own = kdc.keytab("own.keytab", builder)
        const byTicket = yield* submit([], { KRB5_CLIENT_KTNAME: own })
        assert.deepStrictEqual([byTicket.code, byTicket.err], [0, ""])
        for (const { out } of [byKey, byTicket]) assert.strictEqual(ownerOf(hub, Number(/\d+/.exec(out)?.[0])), "b1")
      })
    )
  )
})

describe("a login by Kerberos that fails is told why", () => {
  it.live("when the key is not the one that it was", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, said } = yield* site()
        kdc.keytab("builder.keytab", builder)
        kdc.keytab("newer.keytab", builder)
        assert.match(yield* said(config()), /the key in .*builder\.keytab is not that of compile\/b1.* any more/)
      })
    )
  )

  it.live("when Kerberos does not know the principal", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, said } = yield* site()
        kdc.keytab("builder.keytab", builder)
        kdc.remove(builder)
        assert.match(
          yield* said(config()),
          /Kerberos does not know compile\/b1\.example\.org@ADJUTANT\.TEST: set krb_principal/
        )
      })
    )
  )

  it.live("when Kerberos does not know the hub by this name", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, said } = yield* site()
        kdc.keytab("builder.keytab", builder)
        assert.match(yield* said(config({}, "127.0.0.1")), /Kerberos knows no service HTTP\/127\.0\.0\.1: set server/)
      })
    )
  )

  it.live("when tickets cannot be kept where they are to be", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, cache, config, said } = yield* site()
        kdc.keytab("builder.keytab", builder)
        const nowhere = join(cache, "nowhere/ccache")
        assert.include(yield* said(config({ ccache: nowhere })), `cannot write beside ${nowhere} (ccache)`)
      })
    )
  )

  it.live("when no KDC answers", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, said, stopKdc } = yield* site()
        kdc.keytab("builder.keytab", builder)
        yield* stopKdc
        assert.match(yield* said(config()), /no Kerberos server can be reached: look at the realm in krb5\.conf/)
      })
    )
  )

  it.live("when the clocks differ", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, said } = yield* site({ clock: "+3h" })
        kdc.keytab("builder.keytab", builder)
        assert.match(yield* said(config()), /clock and the Kerberos server's are too far apart: set the time/)
      })
    )
  )

  it.live("when the hub's certificate does not hold", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, config, said, stranger } = yield* site()
        kdc.keytab("builder.keytab", builder)
        assert.match(
          yield* said(config({ serverca: stranger })),
          /the hub's certificate does not hold: look at serverca/
        )
      })
    )
  )

  it.live("when that of the proxy on the way does not, which is named", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { kdc, apache, directory, config, entering } = yield* site()
        kdc.keytab("builder.keytab", builder)
        const another = makeAuthority(directory, "another")
        const proxy = yield* startForwardProxy({
          names: { [`localhost:${apache.port}`]: apache.port },
          certificate: issue(directory, another, { name: "proxy", alternatives: "DNS:localhost" })
        })
        const https_proxy = `https://localhost:${proxy.port}`
        const { message } = yield* Effect.flip(entering(config(), getID(), { https_proxy }))
        assert.include(
          message,
          `the certificate of the hub, or that of the proxy ${https_proxy} (https_proxy), does not hold`
        )
      })
    )
  )
})
