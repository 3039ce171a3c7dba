/** The mail server of `server.py`, for as long as the scope lives. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect, Queue, Schema } from "effect"

export interface ServerChoices {
  /** User and password, without which nobody sends anything. */
  readonly login?: readonly [user: string, password: string]
  /** Addresses that it has no mailbox for. */
  readonly unknown?: ReadonlyArray<string>
  /** It takes no message. */
  readonly full?: boolean
}

const Taken = Schema.Struct({
  from: Schema.String,
  to: Schema.Array(Schema.String),
  user: Schema.NullOr(Schema.String),
  data: Schema.String
})
const decodeTaken = Schema.decodeUnknownSync(Schema.fromJsonString(Taken))

type Mail = Omit<typeof Taken.Type, "data"> & { readonly text: string }

/** `taken` is what it takes next, whole, as it came; `left` what it has taken besides. */
export const mailServer = Effect.fnUntraced(function* (choices: ServerChoices = {}) {
  // Debian's own Python has the package that scripts/test installs.
  const args = ["-W", "ignore", join(import.meta.dirname, "server.py"), JSON.stringify(choices)]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn("/usr/bin/python3", args, { stdio: ["ignore", "pipe", "inherit"] })),
    (server) => Effect.sync(() => server.kill("SIGKILL"))
  )
  const queue = yield* Queue.unbounded<Mail>()
  const port = yield* Effect.callback<number>((resume) => {
    createInterface(child.stdout).on("line", (line) => {
      if (/^[0-9]+$/.test(line)) return resume(Effect.succeed(Number(line)))
      const { data, ...mail } = decodeTaken(line)
      Queue.offerUnsafe(queue, { ...mail, text: Buffer.from(data, "base64").toString("utf8") })
    })
    child.once("exit", (code) => resume(Effect.die(new Error(`the mail server ended with ${code}`))))
  })
  return { address: `127.0.0.1:${port}`, taken: Queue.take(queue), left: Queue.size(queue) }
})
