/** Which way in a configuration means, and what is said when it means none. */
import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { load } from "../../src/config/DaemonConfig.ts"
import { chooseWay } from "../../src/daemon/Ways.ts"
import { scratch } from "../hub/FakeHub.ts"
import { keytab, record } from "../hub/KeytabFile.ts"

const fullHostName = Effect.succeed("b1.example.org")

/** The way that these options mean; `@@` before a name is the test's directory. Nothing else is there. */
const way = (directory: string, options: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const file = join(directory, "kojid.conf")
    const nothing = { cert: "@@none.pem", keytab: "@@none.keytab", ccache: "@@none.ccache" }
    const lines = Object.entries({ ...nothing, ...options }).map(([name, value]) => `${name} = ${value}`)
    const text = ["[kojid]", "server = http://hub/kojihub", "topurl = http://hub/kojifiles", ...lines].join("\n")
    writeFileSync(file, text.replaceAll("@@", `${directory}/`))
    const { kojid } = yield* load({ file, environment: {}, commandLine: {} })
    return yield* chooseWay(kojid, fullHostName)
  })

const setting = Effect.gen(function* () {
  const directory = yield* scratch
  const file = (name: string, bytes: string | Uint8Array = "x") => {
    writeFileSync(join(directory, name), bytes)
    return join(directory, name)
  }
  const refused = (options: Readonly<Record<string, string>>) =>
    Effect.map(Effect.flip(way(directory, options)), ({ message }) => message)
  return { directory, file, refused }
})

describe("the way in", () => {
  it.effect("is the certificate, if its file is there, whatever else is set", () =>
    Effect.gen(function* () {
      const { directory, file } = yield* setting
      const cert = file("client.pem")
      const chosen = yield* way(directory, { cert: "@@client.pem", user: "b1", password: "secret" })
      assert.deepStrictEqual(chosen, { _tag: "Certificate", file: cert })
    })
  )

  it.effect("is the password, if there is a user and no certificate", () =>
    Effect.gen(function* () {
      const { directory } = yield* setting
      const chosen = yield* way(directory, { user: "b1", password: "secret" })
      assert.deepStrictEqual(
        [chosen._tag, chosen._tag === "Password" && Redacted.value(chosen.password)],
        ["Password", "secret"]
      )
    })
  )

  it.effect("is Kerberos otherwise, as the principal that is set or as the host", () =>
    Effect.gen(function* () {
      const { directory, file } = yield* setting
      const path = file("k", keytab(record("compile/b1.example.org", "EXAMPLE.ORG"), record("koji", "EXAMPLE.ORG")))
      const named = {
        ...{ _tag: "Kerberos" as const, keytab: path, cache: join(directory, "none.ccache") },
        ifUnknown: "set krb_principal, or host_principal_format"
      }
      assert.deepStrictEqual(
        yield* way(directory, { keytab: "@@k", host_principal_format: "compile/%s@EXAMPLE.ORG" }),
        {
          ...named,
          principal: "compile/b1.example.org@EXAMPLE.ORG"
        }
      )
      assert.deepStrictEqual(yield* way(directory, { keytab: "@@k", krb_principal: "koji" }), {
        ...named,
        principal: "koji"
      })
    })
  )

  it.effect("is Kerberos without a keytab when there are tickets; an empty file of them is taken away", () =>
    Effect.gen(function* () {
      const { directory, file, refused } = yield* setting
      const cache = file("tickets")
      assert.strictEqual((yield* way(directory, { ccache: "@@tickets" }))._tag, "Kerberos")
      writeFileSync(cache, "")
      assert.include(yield* refused({ ccache: "@@tickets" }), "nor a ticket in")
      assert.isFalse(existsSync(cache))
    })
  )
})

describe("a configuration without a way in", () => {
  it.effect("is told all that it lacks", () =>
    Effect.gen(function* () {
      const { directory, refused } = yield* setting
      assert.strictEqual(
        yield* refused({}),
        `no way to log in: the file of cert, ${directory}/none.pem, is not there, user is not set, and for Kerberos there is ` +
          `neither ${directory}/none.keytab (keytab) nor a ticket in ${directory}/none.ccache (ccache)`
      )
    })
  )

  it.effect("is told that a user has no password", () =>
    Effect.gen(function* () {
      const { refused } = yield* setting
      assert.match(yield* refused({ user: "b1" }), /user is b1, but password is not set/)
    })
  )

  it.effect("is told whose keys there are when ours is not among them", () =>
    Effect.gen(function* () {
      const { file, refused } = yield* setting
      file("k", keytab(record("host/b2", "R"), record("compile/b2", "R")))
      assert.match(
        yield* refused({ keytab: "@@k" }),
        /\/k \(keytab\) has no key of compile\/b1\.example\.org@EXAMPLE\.COM, but of host\/b2@R, compile\/b2@R: set krb_principal/
      )
    })
  )

  it.effect("is told that a keytab is none", () =>
    Effect.gen(function* () {
      const { file, refused } = yield* setting
      file("k", "not a keytab")
      assert.match(yield* refused({ keytab: "@@k" }), /\/k \(keytab\) is damaged, or no keytab/)
    })
  )
})
