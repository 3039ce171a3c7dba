/**
 * Which hub, as whom: the flags that every command has that talks to one, and the session that follows from them. The
 * ways in are the daemon's, and Kerberos with the tickets that a person has.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Config, Effect, Layer, Option, Redacted } from "effect"
import { type Command, Flag } from "effect/cli"
import { checkKeytab } from "../daemon/Ways.ts"
import { sessionBy, type Way } from "../hub/WayIn.ts"
import { readWhole } from "../inspect/Files.ts"
import { type CommandFailed, failure, misuse } from "./CommandFailed.ts"
import type { Environment } from "./StateDirectoryFlag.ts"

/** Somebody is waiting: give up sooner than a builder does. */
const retries = { retriesMax: 3, intervalSeconds: 3, offlineIntervalSeconds: 20, timeoutSeconds: 300 }
const passwordBytesMax = 4096

export const hubFlags = {
  server: Flag.String("server").pipe(
    Flag.withAlias("s"),
    Flag.withDescription("URL of the hub's XML-RPC interface (or ADJUTANT_SERVER)"),
    Flag.withMetavar("URL"),
    Flag.withFallbackConfig(Config.String("ADJUTANT_SERVER"))
  ),
  user: Flag.String("user").pipe(
    Flag.withDescription("Log in with a password, as this user (or ADJUTANT_USER)"),
    Flag.withMetavar("NAME"),
    Flag.optional
  ),
  passwordFile: Flag.String("password-file").pipe(
    Flag.withDescription("File whose first line is the password (or ADJUTANT_PASSWORD holds it)"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  cert: Flag.String("cert").pipe(
    Flag.withDescription("Log in by the client certificate in this file, which holds its key too"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  keytab: Flag.String("keytab").pipe(
    Flag.withDescription("Log in by Kerberos with a key from this file; by Kerberos, too, if no way is named"),
    Flag.withMetavar("FILE"),
    Flag.optional
  ),
  principal: Flag.String("principal").pipe(
    Flag.withDescription("Whose key that is"),
    Flag.withMetavar("NAME"),
    Flag.optional
  ),
  serverca: Flag.String("serverca").pipe(
    Flag.withDescription("File of the authorities to trust the hub by, in place of this machine's"),
    Flag.withMetavar("FILE"),
    Flag.optional
  )
}

export type HubFlags = Command.Command.Config.Infer<typeof hubFlags>

/** The flags that each name a way in; those of a password name one together. */
const waysNamed = ({ cert, keytab, user, passwordFile }: HubFlags): ReadonlyArray<string> => [
  ...(Option.isSome(cert) ? ["--cert"] : []),
  ...(Option.isSome(keytab) ? ["--keytab"] : []),
  ...(Option.isSome(user) ? ["--user"] : Option.isSome(passwordFile) ? ["--password-file"] : [])
]

/** What is named by a flag counts more than the user of the environment, who may be there for good. */
const wayOf = Effect.fnUntraced(function* (flags: HubFlags) {
  const [one, other] = waysNamed(flags)
  if (other !== undefined) return yield* misuse(`${one} and ${other} are two ways to log in: give one`)
  const [cert, keytab, principal] = [flags.cert, flags.keytab, flags.principal].map(Option.getOrNull)
  if ((keytab == null) !== (principal == null)) return yield* misuse("--keytab and --principal belong together")
  if (cert != null) return { _tag: "Certificate", file: cert } satisfies Way
  if (keytab != null && principal != null) return yield* keytabWay(keytab, principal)
  const user = Option.getOrNull(flags.user) ?? (yield* userOfEnvironment)
  if (user !== null) return { _tag: "Password", user, password: yield* passwordOf(flags) } satisfies Way
  if (Option.isSome(flags.passwordFile)) return yield* misuse("--password-file: whose password is it? Give --user")
  return { _tag: "Tickets" } satisfies Way
})

const userOfEnvironment = Config.String("ADJUTANT_USER").pipe(Effect.orElseSucceed(() => null))

/** Tickets that are got with it are nobody else's, and go with the session. */
const keytabWay = Effect.fnUntraced(function* (keytab: string, principal: string) {
  yield* checkKeytab(keytab, principal, {
    missing: `${keytab} (keytab): there is no such file`,
    advice: "--principal names one of them"
  })
  const directory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), "adjutant-tickets-"))),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true })).pipe(Effect.ignoreCause)
  )
  const cache = join(directory, "ccache")
  return { _tag: "Kerberos", principal, keytab, cache, ifUnknown: "give another --principal" } satisfies Way
})

const passwordOf = Effect.fnUntraced(function* (flags: HubFlags) {
  if (Option.isSome(flags.passwordFile)) {
    const file = flags.passwordFile.value
    const bytes = yield* readWhole(file, passwordBytesMax).pipe(
      Effect.mapError((error) => failure(`${file}: ${error.message}`))
    )
    return Redacted.make(new TextDecoder().decode(bytes).split(/\r?\n/)[0] ?? "")
  }
  return yield* Config.Redacted("ADJUTANT_PASSWORD").pipe(
    Effect.mapError(() => misuse("a password is needed: --password-file FILE, or ADJUTANT_PASSWORD in the environment"))
  )
})

/** A session, ended with the scope. Nothing but the session itself can get at what it was opened with. */
export const layerHub = (flags: HubFlags, environment: Environment) =>
  Layer.unwrap(
    Effect.gen(function* () {
      const entrance = { server: flags.server, authorities: Option.getOrNull(flags.serverca), verify: true }
      const { session } = yield* sessionBy(yield* wayOf(flags), entrance, { exclusive: "none", retries }, environment)
      return session
    }).pipe(Effect.catchTag(["NoWayIn", "CredentialError", "BadProxy"], ({ message }) => Effect.fail(failure(message))))
  )

/** The hub said no, or said nothing. */
export const hubFailed = (error: { readonly method: string; readonly message: string }): CommandFailed =>
  failure(`${error.method}: ${error.message}`)
