/** The mail server of one history: it remembers what it has taken, and may refuse or hang. */
import { Effect, Layer } from "effect"
import { type Mail, MailError, Mailer } from "../../src/mail/Mailer.ts"

export class ModelPost {
  readonly taken: Array<Mail> = []
  /** What it says to the next mails. */
  refusal: string | null = null
  /** What a mail waits for before it is taken, and the sender before it hears so. */
  before: Effect.Effect<void> = Effect.void
  after: Effect.Effect<void> = Effect.void

  readonly layer = Layer.succeed(
    Mailer,
    Mailer.of({
      from: "Koji Build System <buildsys@example.com>",
      send: (mail) =>
        Effect.gen({ self: this }, function* () {
          yield* this.before
          if (this.refusal !== null) return yield* new MailError({ server: "mail", message: this.refusal })
          this.taken.push(mail)
          yield* this.after
        })
    })
  )
}
