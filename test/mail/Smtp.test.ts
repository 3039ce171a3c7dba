/** Handing mail in to a real mail server, which is somebody else's program. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { Mailer } from "../../src/mail/Mailer.ts"
import { mailServer as parseServer } from "../../src/mail/MailServer.ts"
import * as Smtp from "../../src/mail/Smtp.ts"
import { mailServer } from "./server.ts"

const from = "Koji Build System <buildsys@example.com>"
const message = ["From: somebody", "Subject: zażółć", "", ".a line that begins with a dot", "ł", ""].join("\r\n")

const send = (server: string, recipients: ReadonlyArray<string>, more: Partial<Smtp.SmtpOptions> = {}) =>
  Effect.flatMap(Mailer, (mailer) => mailer.send({ from, recipients, message })).pipe(
    Effect.provide(Smtp.layer({ server, user: null, password: null, from, ...more }))
  )

describe("a mail", () => {
  it.live("arrives as it was written, byte for byte, for each recipient", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { address, taken } = yield* mailServer()
        yield* send(address, ["a@example.com", "Someone Else <b@example.com>"])
        const to = ["a@example.com", "b@example.com"]
        assert.deepStrictEqual(yield* taken, { from: "buildsys@example.com", to, user: null, text: message })
      })
    )
  )

  it.live("is sent in somebody's name where the server wants one", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { address, taken, left } = yield* mailServer({ login: ["koji", "secret"] })
        const password = Redacted.make("secret")
        yield* send(address, ["a@example.com"], { user: "koji", password })
        assert.strictEqual((yield* taken).user, "koji")
        const wrong = yield* send(address, ["a@example.com"], { user: "koji", password: Redacted.make("no") }).pipe(
          Effect.flip
        )
        assert.match(wrong.message, /535/)
        assert.match((yield* send(address, ["a@example.com"], { user: "koji" }).pipe(Effect.flip)).message, /530/)
        assert.strictEqual(yield* left, 0)
      })
    )
  )

  it.live("goes to those who have a mailbox; without any it fails with the server's words", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { address, taken } = yield* mailServer({ unknown: ["gone@example.com"] })
        yield* send(address, ["gone@example.com", "a@example.com"])
        assert.deepStrictEqual((yield* taken).to, ["a@example.com"])
        const error = yield* send(address, ["gone@example.com"]).pipe(Effect.flip)
        assert.match(error.message, /no such mailbox/)
        assert.strictEqual(error.server, address)
      })
    )
  )

  it.live("that the server does not take, or that nobody takes, is an error", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { address, left } = yield* mailServer({ full: true })
        assert.match((yield* send(address, ["a@example.com"]).pipe(Effect.flip)).message, /the disk is full/)
        assert.strictEqual(yield* left, 0)
        assert.match((yield* send("127.0.0.1:1", ["a@example.com"]).pipe(Effect.flip)).message, /ECONNREFUSED/)
      })
    )
  )

  it.live("to what is no address is not begun", () =>
    Effect.gen(function* () {
      for (const recipient of ["", "a b@example.com", "a@example.com\r\nRCPT TO:<b@example.com>"]) {
        const { message: said } = yield* send("127.0.0.1:1", [recipient]).pipe(Effect.flip)
        assert.match(said, /none of .* is a mail address/s)
      }
      const { message: said } = yield* send("127.0.0.1:1", ["a@example.com"], { from: "" }).pipe(Effect.flip)
      assert.notInclude(said, "from_addr", "the sender is the mail's, not the layer's")
    })
  )
})

describe("smtphost", () => {
  it("is a host, with a port or without", () => {
    assert.deepStrictEqual(parseServer("mail.example.org"), { host: "mail.example.org", port: 25 })
    assert.deepStrictEqual(parseServer("mail.example.org:587"), { host: "mail.example.org", port: 587 })
    assert.deepStrictEqual(parseServer("::1"), { host: "::1", port: 25 })
    assert.deepStrictEqual(parseServer("[::1]:2525"), { host: "::1", port: 2525 })
  })
})
