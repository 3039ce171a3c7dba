/** For commands about the daemon of this host: where its state is, by its own configuration. */
import { Effect } from "effect"
import { Flag } from "effect/cli"
import { type DaemonConfigValues, defaultConfigFile, load } from "../config/DaemonConfig.ts"
import { CommandFailed } from "./CommandFailed.ts"

export const configFlag = Flag.String("config").pipe(
  Flag.withAlias("c"),
  Flag.withDescription("Configuration of the daemon: a file, or a directory of *.conf files"),
  Flag.withMetavar("FILE"),
  Flag.withDefault(defaultConfigFile)
)

export type Environment = Readonly<Record<string, string | undefined>>

/** The daemon's configuration, or a message that says all that is wrong with it. */
export const configuration = (
  file: string,
  environment: Environment
): Effect.Effect<DaemonConfigValues, CommandFailed> =>
  load({ file, environment, commandLine: {} }).pipe(
    Effect.mapError(({ message, exitCode }) => new CommandFailed({ message, exitCode }))
  )
