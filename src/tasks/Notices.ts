/** What both notifications end with: a mail that is sent once. */
import { Effect, Schema } from "effect"
import type { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { Door } from "../buildroot/World.ts"
import { otherError } from "../koji/Fault.ts"
import { Mailer } from "../mail/Mailer.ts"

/**
 * Sends the message that `compose` makes, for the sender it is given. When a crash came in between, nobody can find out
 * whether the mail went: it is taken for sent, since to give the task back would have another builder send it again.
 * What kojid's mail library would say fails the task as it does there, with code 1.
 */
export const sendOnce = Effect.fnUntraced(function* (
  recipients: ReadonlyArray<string>,
  about: Schema.Json,
  compose: (from: string) => Effect.Effect<string, never, BuilderSettings>
) {
  const door = yield* Door
  yield* door.step(
    { path: "mail", rule: "ask", input: [recipients, about] },
    Schema.Null,
    Effect.gen(function* () {
      const mailer = yield* Mailer
      const message = yield* compose(mailer.from)
      yield* mailer
        .send({ from: mailer.from, recipients, message })
        .pipe(Effect.mapError((error) => otherError(`the mail server ${error.server}: ${error.message}`)))
      return null
    }),
    Effect.succeedSome(null)
  )
})
