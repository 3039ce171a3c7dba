import { execFileSync } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { readTlsFiles, type TlsRules } from "../../src/hub/TlsFiles.ts"
import { certificateDirectory, issue, makeAuthority } from "./Certificates.ts"

const day = 24 * 60 * 60 * 1000

/** A builder's certificate on the day that it was made. */
const setting = Effect.gen(function* () {
  const directory = yield* certificateDirectory
  const authority = makeAuthority(directory, "authority")
  const builder = issue(directory, authority, { name: "builder1" })
  const { validFromDate } = new X509Certificate(readFileSync(builder.certificate))
  yield* TestClock.setTime(validFromDate.getTime())
  const file = (name: string, ...parts: ReadonlyArray<string>) => {
    writeFileSync(join(directory, name), parts.join(""))
    return join(directory, name)
  }
  return { directory, authority, builder, file, text: (path: string) => readFileSync(path, "latin1") }
})

const rules = (given: Partial<TlsRules>): TlsRules => ({ certificate: null, authorities: null, verify: true, ...given })

/** What is said about these files. */
const complaint = (given: Partial<TlsRules>) =>
  Effect.map(Effect.flip(readTlsFiles(rules(given))), ({ message }) => message)

describe("a certificate with its key", () => {
  it.effect("is taken in either order, its chain with it, the key out of sight", () =>
    Effect.gen(function* () {
      const { authority, builder, file, text } = yield* setting
      const chain = text(authority.certificate)
      for (const [name, ...parts] of [
        ["certificate-first.pem", text(builder.certificate), chain, text(builder.key)],
        ["key-first.pem", "some words of openssl's\n", text(builder.key), text(builder.certificate), chain]
      ]) {
        const { identity } = yield* readTlsFiles(rules({ certificate: file(name ?? "", ...parts) }))
        assert.strictEqual(identity?.certificates.match(/BEGIN CERTIFICATE/g)?.length, 2)
        assert.include(text(builder.key), Redacted.value(identity?.key ?? Redacted.make("none")))
        assert.notInclude(JSON.stringify(identity), "PRIVATE")
      }
    })
  )

  it.effect("may be whole and yet the key another's", () =>
    Effect.gen(function* () {
      const { directory, authority, builder, file, text } = yield* setting
      const other = issue(directory, authority, { name: "builder2" })
      const mixed = file("mixed.pem", text(builder.certificate), text(other.key))
      const said = yield* complaint({ certificate: mixed })
      assert.include(said, `${mixed} (cert): the private key is not the one of the certificate (O=Test, CN=builder1)`)
    })
  )

  it.effect("is refused after its end, with the day, and before its beginning", () =>
    Effect.gen(function* () {
      const { builder } = yield* setting
      const { validFromDate, validToDate } = new X509Certificate(readFileSync(builder.certificate))
      yield* TestClock.setTime(validToDate.getTime() + 1)
      const expired = yield* complaint({ certificate: builder.both })
      assert.include(expired, `expired on ${validToDate.toISOString().slice(0, 10)}`)
      assert.include(expired, builder.both)
      yield* TestClock.setTime(validFromDate.getTime() - day)
      assert.include(yield* complaint({ certificate: builder.both }), "look at this machine's clock")
    })
  )

  it.effect("is refused when half of it is missing or damaged", () =>
    Effect.gen(function* () {
      const { builder, file, text } = yield* setting
      const key = text(builder.key)
      const certificate = text(builder.certificate)
      assert.include(yield* complaint({ certificate: builder.certificate }), "holds no private key")
      assert.include(yield* complaint({ certificate: builder.key }), "holds no certificate")
      const damage = (pem: string) => pem.replace(/\nM.{40}/, `\nM${"A".repeat(40)}`)
      assert.include(
        yield* complaint({ certificate: file("a.pem", damage(certificate), key) }),
        "certificate cannot be"
      )
      assert.include(
        yield* complaint({ certificate: file("b.pem", certificate, damage(key)) }),
        "private key cannot be"
      )
    })
  )

  it.effect("is refused when its key wants a passphrase", () =>
    Effect.gen(function* () {
      const { directory, builder, file, text } = yield* setting
      const locked = join(directory, "locked.key")
      execFileSync("openssl", ["ec", "-aes256", "-passout", "pass:x", "-in", builder.key, "-out", locked], {
        stdio: "ignore"
      })
      const pem = file("locked.pem", text(builder.certificate), text(locked))
      assert.include(yield* complaint({ certificate: pem }), "wants a passphrase")
    })
  )

  it.effect("is refused when its key is too short for TLS of today", () =>
    Effect.gen(function* () {
      const { directory } = yield* setting
      const weak = join(directory, "weak.pem")
      const made = "req -x509 -newkey rsa:1024 -nodes -subj /CN=builder1 -days 9 -keyout".split(" ")
      execFileSync("openssl", [...made, weak, "-out", `${weak}.crt`], { stdio: "ignore" })
      writeFileSync(weak, readFileSync(`${weak}.crt`, "latin1") + readFileSync(weak, "latin1"))
      const { validFromDate } = new X509Certificate(readFileSync(weak))
      yield* TestClock.setTime(validFromDate.getTime())
      assert.match(yield* complaint({ certificate: weak }), /weak\.pem \(cert\) cannot be used \(.*too small\)/)
    })
  )

  it.effect("is refused when it cannot be read, by name and reason", () =>
    Effect.gen(function* () {
      const { directory, file } = yield* setting
      assert.match(
        yield* complaint({ certificate: join(directory, "none.pem") }),
        /none\.pem \(cert\) cannot be read.*ENOENT/
      )
      assert.include(yield* complaint({ certificate: directory }), "it is not a file")
      assert.include(yield* complaint({ certificate: file("empty.pem", "") }), "holds no certificate")
    })
  )
})

describe("authorities", () => {
  it.effect("are taken all of them", () =>
    Effect.gen(function* () {
      const { directory, authority, file, text } = yield* setting
      const other = makeAuthority(directory, "other")
      const bundle = file("bundle.pem", "# ours\n", text(authority.certificate), "# theirs\n", text(other.certificate))
      const { authorities } = yield* readTlsFiles(rules({ authorities: bundle }))
      assert.lengthOf(authorities ?? [], 2)
    })
  )

  it.effect("are refused when there are none, or one is damaged", () =>
    Effect.gen(function* () {
      const { builder, authority, file, text } = yield* setting
      assert.include(yield* complaint({ authorities: builder.key }), "(serverca) holds no certificate")
      const damaged = text(authority.certificate).replace(/\nM.{40}/, `\nM${"A".repeat(40)}`)
      const bundle = file("bundle.pem", text(authority.certificate), damaged)
      assert.include(yield* complaint({ authorities: bundle }), "certificate number 2")
    })
  )

  it.effect("make no_ssl_verify mean nothing", () =>
    Effect.gen(function* () {
      const { authority } = yield* setting
      const unverified = { verify: false } as const
      assert.isFalse((yield* readTlsFiles(rules(unverified))).verify)
      assert.isTrue((yield* readTlsFiles(rules({ ...unverified, authorities: authority.certificate }))).verify)
    })
  )
})
