/**
 * `adjutant daemon`: kojid's command line, option by option (daemon.md 7.3), so that a unit file or a habit of years
 * works as it did. The options that set a value are taken from the configuration's own table.
 */
import { type Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { defaultConfigFile, kojidTable } from "../config/DaemonConfig.ts"
import type { CommandFailed } from "./CommandFailed.ts"

/** What the command line says; everything else is in the configuration. */
export interface DaemonRequest {
  /** A file, or a directory of `*.conf` files. */
  readonly configFile: string
  /** By option name: what `ConfigInputs.commandLine` takes. */
  readonly commandLine: Readonly<Record<string, string>>
  /** Take the hub's exclusive session away from whoever has it. */
  readonly forceLock: boolean
  /** Log in, then leave. */
  readonly skipMain: boolean
  readonly logLevel: "as configured" | "verbose" | "debug"
  /** Log every call to the hub too. */
  readonly debugHub: boolean
  /** Options that kojid has and that do nothing here, as they were given. */
  readonly ignored: ReadonlyArray<string>
}

const flag = (name: string, meaning: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(meaning), Flag.withDefault(false), Flag.withoutNegation)

/** kojid's short name for one of the options. */
const shortNames: Readonly<Record<string, string>> = { server: "s" }
/** Given several times, it lists several values. */
const lists: ReadonlyArray<string> = ["plugin"]

const valueFlags = Object.fromEntries(
  [...kojidTable.options].flatMap(([option, facts]) => {
    if (facts.flag === undefined) return []
    const described = Flag.String(facts.flag).pipe(
      Flag.withDescription(facts.meaning),
      Flag.withMetavar(facts.kind === "text" ? "TEXT" : "VALUE")
    )
    const short = shortNames[option]
    const named = short === undefined ? described : Flag.withAlias(described, short)
    const joined = lists.includes(facts.flag)
      ? named.pipe(
          Flag.atLeast(0),
          Flag.map((values) => (values.length === 0 ? Option.none<string>() : Option.some(values.join(" "))))
        )
      : Flag.optional(named)
    return [[option, joined] as const]
  })
)

/** The command, which does what `run` does with a command line. */
export const daemonCommand = <R>(run: (request: DaemonRequest) => Effect.Effect<void, CommandFailed, R>) =>
  Command.make(
    "daemon",
    {
      config: Flag.String("config").pipe(
        Flag.withAlias("c"),
        Flag.withDescription("Configuration: a file, or a directory of *.conf files"),
        Flag.withMetavar("FILE"),
        Flag.withDefault(defaultConfigFile)
      ),
      fg: flag("fg", "Stay in the foreground: always so here, under systemd or without").pipe(Flag.withAlias("f")),
      forceLock: flag("force-lock", "Take the hub's exclusive session away from whoever has it"),
      verbose: flag("verbose", "Log as if log_level were INFO").pipe(Flag.withAlias("v")),
      debug: flag("debug", "Log as if it were DEBUG").pipe(Flag.withAlias("d")),
      debugTask: flag("debug-task", "As --debug, for tasks"),
      debugXmlRpc: flag("debug-xmlrpc", "Log every call to the hub, and how much it answers or its fault"),
      debugMock: flag("debug-mock", "Accepted, without effect here"),
      skipMain: flag("skip-main", "Log in to the hub, then leave"),
      options: valueFlags
    },
    (given) => {
      const commandLine: Record<string, string> = {}
      for (const [option, value] of Object.entries(given.options)) {
        if (Option.isSome(value)) commandLine[option] = value.value
      }
      return run({
        configFile: given.config,
        commandLine,
        forceLock: given.forceLock,
        skipMain: given.skipMain,
        logLevel: given.debug || given.debugTask ? "debug" : given.verbose ? "verbose" : "as configured",
        debugHub: given.debugXmlRpc,
        ignored: given.debugMock ? ["--debug-mock"] : []
      })
    }
  ).pipe(
    Command.withDescription(
      "Run the builder: take tasks from a Koji hub and run each in containers. Takes kojid's options."
    ),
    Command.withShortDescription("Run the builder, in place of kojid")
  )
