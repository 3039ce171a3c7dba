/** The mail server port: hands one message in. What the message says is decided elsewhere. */
import { Context, type Effect, Schema } from "effect"

/** The message was not taken, by anybody; `message` has the server's words. */
export class MailError extends Schema.TaggedError<MailError>()("MailError", {
  server: Schema.String,
  message: Schema.String
}) {}

export interface Mail {
  /** The sender and each recipient: an address, or a name with its address in angle brackets. */
  readonly from: string
  readonly recipients: ReadonlyArray<string>
  /** Header and body, complete, each line ended by CR and LF. */
  readonly message: string
}

export class Mailer extends Context.Service<
  Mailer,
  {
    /** What mails come from (`from_addr`). */
    readonly from: string
    /**
     * Hands the message in, for all recipients at once. Succeeds when the server has taken it for at least one of them.
     * Once begun it is not broken off, which takes two minutes at most; whoever was interrupted meanwhile does not hear
     * what became of it.
     */
    send(mail: Mail): Effect.Effect<void, MailError>
  }
>()("adjutant/mail/Mailer") {}
