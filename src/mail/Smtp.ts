/**
 * Mail by SMTP, as kojid sends it: one connection a message, a login if there is one to make, and the bytes as they are.
 *
 * kojid knows no TLS here. Where the server offers it, it is taken, and its certificate is not looked at: that is never
 * less than what a site's `kojid.conf` means today, and a mail server on a local network seldom has a certificate that
 * anybody could check.
 */
import { Effect, Layer, Redacted } from "effect"
import { addressIn } from "./Address.ts"
import { type Mail, MailError, Mailer } from "./Mailer.ts"
import { mailServer } from "./MailServer.ts"

export interface SmtpOptions {
  /** `smtphost`: a host, or `host:port`. */
  readonly server: string
  /** Both or neither; with one alone there is no login, as for kojid. */
  readonly user: string | null
  readonly password: Redacted.Redacted | null
  readonly from: string
}

const connectMillis = 15_000
const silenceMillis = 60_000
const wholeSeconds = 120

export const layer = (options: SmtpOptions) =>
  Layer.succeed(
    Mailer,
    Mailer.of({
      from: options.from,
      send: Effect.fn("Mailer.send")((mail: Mail) => Effect.uninterruptible(send(options, mail)))
    })
  )

const send = Effect.fnUntraced(function* ({ server, user, password }: SmtpOptions, mail: Mail) {
  const refused = (message: string) => new MailError({ server, message })
  const to: Array<string> = []
  for (const recipient of mail.recipients) {
    const address = addressIn(recipient)
    if (address === undefined) yield* Effect.logWarning(`${JSON.stringify(recipient)} is no mail address: left out`)
    else to.push(address)
  }
  if (to.length === 0) return yield* refused(`none of ${JSON.stringify(mail.recipients)} is a mail address`)
  const from = addressIn(mail.from)
  if (from === undefined) {
    return yield* refused(`from_addr in [kojid] is no mail address: ${JSON.stringify(mail.from)}`)
  }
  const { host, port } = mailServer(server)
  const dialogue = Effect.gen(function* () {
    // Few builders send mail, and none before it has built something.
    const { default: SMTPConnection } = yield* Effect.promise(() => import("nodemailer/lib/smtp-connection"))
    const connection = yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new SMTPConnection({
            ...{ host, port, opportunisticTLS: true, tls: { rejectUnauthorized: false } },
            ...{ connectionTimeout: connectMillis, greetingTimeout: connectMillis, socketTimeout: silenceMillis }
          })
      ),
      (open) => Effect.sync(() => open.close())
    )
    // Every mistake is told to whoever waits; an event that nobody listens to would end the process.
    const step = <A>(begin: (done: (error?: Error | null, value?: A) => void) => void) =>
      Effect.callback<A | undefined, MailError>((resume) => {
        const failed = (error: Error) => resume(Effect.fail(refused(error.message)))
        connection.once("error", failed)
        begin((error, value) => {
          connection.removeListener("error", failed)
          if (error) failed(error)
          else resume(Effect.succeed(value))
        })
      })
    connection.on("error", () => undefined)
    yield* step((done) => connection.connect((error) => done(error)))
    if (user !== null && password !== null) {
      yield* step((done) => connection.login({ user, pass: Redacted.value(password) }, (error) => done(error)))
    }
    const bytes = Buffer.from(mail.message, "utf8")
    const info = yield* step<{ readonly rejected: ReadonlyArray<string> }>((done) =>
      connection.send({ from, to, use8BitMime: true }, bytes, done)
    )
    const rejected = info?.rejected ?? []
    if (rejected.length > 0) yield* Effect.logWarning(`${server} does not take mail for ${rejected.join(", ")}`)
    connection.quit()
  })
  yield* dialogue.pipe(
    Effect.scoped,
    Effect.timeoutOrElse({
      duration: `${wholeSeconds} seconds`,
      orElse: () => Effect.fail(refused(`not done within ${wholeSeconds} s`))
    })
  )
})
