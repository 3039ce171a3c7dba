/** The command `adjutant` as a whole: its parts, how it speaks of mistakes, and what it leaves with. */
import { Console, Effect } from "effect"
import { CliConfig, type CliError, CliOutput, Command, Flag, GlobalFlag } from "effect/cli"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import { harmlessLines } from "../inspect/Harmless.ts"
import { buildCommand } from "./BuildCommand.ts"
import { checkCommand, type RunCheck } from "./CheckCommand.ts"
import { alreadyTold, type CommandFailed, exitCodes } from "./CommandFailed.ts"
import { completionsCommand } from "./CompletionsCommand.ts"
import { configCommand } from "./ConfigCommand.ts"
import { type DaemonRequest, daemonCommand } from "./DaemonCommand.ts"
import { diffCommand } from "./DiffCommand.ts"
import { handoverCommand } from "./HandoverCommand.ts"
import { hubCommand } from "./HubCommand.ts"
import { logCommand } from "./LogCommand.ts"
import { type ReapReport, reapCommand } from "./ReapCommand.ts"
import { replayCommand } from "./ReplayCommand.ts"
import { type RunRerun, rerunCommand } from "./RerunCommand.ts"
import { type RunShell, shellCommand } from "./ShellCommand.ts"
import { verifyCommand } from "./VerifyCommand.ts"

/** What `main` knows and the commands do not: the process's surroundings, and how a daemon is put together. */
export interface Parts<R> {
  readonly version: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly daemon: (request: DaemonRequest) => Effect.Effect<void, CommandFailed, R>
  readonly reap: (config: DaemonConfigValues, dryRun: boolean) => Effect.Effect<ReapReport, CommandFailed, R>
  readonly check: RunCheck<R>
  readonly shell: RunShell<R>
  readonly rerun: RunRerun<R>
}

/**
 * Runs the command for these arguments (without the program's own name). Fails with `CommandFailed`, which has been
 * told by then and carries the exit code.
 */
export const adjutant = <R>(parts: Parts<R>, args: ReadonlyArray<string>) => {
  const root = Command.make("adjutant").pipe(
    Command.withDescription("A Koji builder that runs every task in containers and records each step."),
    Command.withSubcommands([
      {
        group: "On a builder",
        commands: [
          daemonCommand(parts.daemon),
          handoverCommand(parts.environment),
          reapCommand(parts.environment, parts.reap),
          checkCommand(parts.environment, parts.check),
          configCommand(parts.environment)
        ]
      },
      {
        group: "On a build that was run",
        commands: [shellCommand(parts.environment, parts.shell), rerunCommand(parts.environment, parts.rerun)]
      },
      { group: "For a hub", commands: [buildCommand(parts.environment), hubCommand] },
      { group: "On what it recorded", commands: [logCommand, replayCommand, diffCommand, verifyCommand] },
      { group: "Besides", commands: [completionsCommand((): Command.Command.Any => root)] }
    ])
  )
  return Command.runWith(root, { version: parts.version })(args).pipe(
    Effect.catchTag("ShowHelp", (help) =>
      help.errors.length === 0 ? Effect.void : Effect.fail(alreadyTold(usageCode(help.commandPath)))
    ),
    Effect.tapErrorTag("CommandFailed", ({ message }) =>
      message === "" ? Effect.void : Console.error(spoken("adjutant", message).join("\n"))
    ),
    Effect.provide([CliOutput.layerPresenter(presenter), CliConfig.layer({ builtIns: [GlobalFlag.Help, versionFlag] })])
  )
}

/** Without a short name: `-v` is kojid's word for verbose. */
const versionFlag: typeof GlobalFlag.Version = {
  ...GlobalFlag.Version,
  flag: Flag.Boolean("version").pipe(
    Flag.withDescription("Show the version"),
    Flag.withDefault(false),
    Flag.withoutNegation
  )
}

const usageCode = ([, command]: ReadonlyArray<string>): number => {
  if (command === "daemon") return exitCodes.daemonUsage
  return command === "diff" || command === "rerun" ? exitCodes.diffTrouble : exitCodes.usage
}

/** A mistake is named in a line and shown the way to help; help itself is as Effect lays it out. */
const presenter: CliOutput.Presenter = {
  present: (event) => {
    switch (event._tag) {
      case "Help":
        return CliOutput.defaultPresenter.present(event)
      case "Version":
        return Console.log(`${event.name} ${event.version}`)
      case "InvalidInvocation": {
        const command = event.commandPath.join(" ")
        const mistakes = event.errors.flatMap((error: CliError.CliError) => spoken(command, error.message))
        return Console.error([...mistakes, `Try "${command} --help".`].join("\n"))
      }
    }
  }
}

/** A message behind the name of who speaks; what it goes on with stands below. */
const spoken = (name: string, message: string): ReadonlyArray<string> =>
  harmlessLines(message)
    .filter((line) => line !== "")
    .map((line, index) => (index === 0 ? `${name}: ${line}` : line))
