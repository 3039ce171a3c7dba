/** Which hub, as whom: the flags that every command has that talks to one, and the session that follows from them. */
import { Config, Effect, Layer, Option, Redacted } from "effect"
import { Flag } from "effect/cli"
import { HubSession } from "../hub/HubSession.ts"
import { readWhole } from "../inspect/Files.ts"
import { type CommandFailed, failure, misuse } from "./CommandFailed.ts"

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
    Flag.withDescription("User to log in as (or ADJUTANT_USER)"),
    Flag.withMetavar("NAME"),
    Flag.withFallbackConfig(Config.String("ADJUTANT_USER"))
  ),
  passwordFile: Flag.String("password-file").pipe(
    Flag.withDescription("File whose first line is the password (or ADJUTANT_PASSWORD holds it)"),
    Flag.withMetavar("FILE"),
    Flag.optional
  )
}

export interface HubFlags {
  readonly server: string
  readonly user: string
  readonly passwordFile: Option.Option<string>
}

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

/** A session, ended with the scope. Nothing but the session itself can get at the password. */
export const layerHub = (flags: HubFlags) =>
  Layer.unwrap(
    Effect.map(passwordOf(flags), (password) =>
      HubSession.layerPassword({ server: flags.server, user: flags.user, password, exclusive: "none", retries })
    )
  )

/** The hub said no, or said nothing. */
export const hubFailed = (error: { readonly method: string; readonly message: string }): CommandFailed =>
  failure(`${error.method}: ${error.message}`)
