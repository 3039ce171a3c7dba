/** `adjutant rerun`: a recorded build run again, without a hub. */
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import { load } from "../config/DaemonConfig.ts"
import { harmlessJson } from "../inspect/Harmless.ts"
import type { RecordedBuild } from "../workshop/RecordedBuild.ts"
import type { Progress, RerunReport, Stop } from "../workshop/Rerun.ts"
import { verdictOf } from "../workshop/Verdict.ts"
import { alreadyTold, CommandFailed, exitCodes, failure } from "./CommandFailed.ts"
import { type Journal, journalFlags, journalNamed } from "./JournalArgument.ts"
import { progressText, reportText, rerunJson } from "./RerunText.ts"
import { jsonFlag, screen } from "./Screen.ts"
import { configFlag, type Environment } from "./StateDirectoryFlag.ts"

/** What the command line asks for. */
export interface RerunRun {
  readonly journal: Journal
  readonly source: string | null
  readonly tree: string | null
  readonly against: string | null
  readonly keep: string | null
  /** Where it is done: directories of it are there for as long as it takes. */
  readonly workDirectory: string
  /** Before which step to stop, and the command to run there; null for a terminal, or for nothing where it is kept. */
  readonly until: { readonly step: string; readonly command: string | null } | null
  /** Hears what is run before it begins, and then what happens. */
  readonly begins: (recorded: RecordedBuild) => Effect.Effect<void>
  readonly tell: (progress: Progress) => Effect.Effect<void>
  readonly stops: (at: Stop) => Effect.Effect<void>
}

/** What came of it; `looked` is the exit code of what was run where it was stopped. */
export interface RerunEnded {
  readonly recorded: RecordedBuild
  readonly report: RerunReport
  readonly looked: number | null
}

export type RunRerun<R> = (config: DaemonConfigValues, run: RerunRun) => Effect.Effect<RerunEnded, CommandFailed, R>

/** As for diff: something differs; something went wrong. */
const differs = 1
const trouble = exitCodes.diffTrouble

const optionalText = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withDescription(description),
    Flag.withMetavar(metavar),
    Flag.optional,
    Flag.map(Option.getOrNull)
  )

export const rerunCommand = <R>(environment: Environment, run: RunRerun<R>) =>
  Command.make(
    "rerun",
    {
      what: Argument.String("task|file|url").pipe(
        Argument.withDescription("The number of a task, a journal's file, or the address of one")
      ),
      attempt: journalFlags.attempt,
      stateDirectory: journalFlags.stateDirectory,
      source: optionalText("source", "FILE|URL", "The source package, where it is not to be found"),
      topurl: optionalText("topurl", "DIR|URL", "The hub's file tree, where it is not the recorded one"),
      until: optionalText("until", "STEP", "Stop before this step, with a shell in the container that comes next"),
      command: optionalText("command", "TEXT", "With --until: run this there, and leave with its exit code"),
      keep: optionalText("keep", "DIR", "Leave results, logs and journal there; with --until, /builddir"),
      against: optionalText("against", "DIR|URL", "Where the recorded results are, to tell what differs"),
      workDirectory: Flag.String("work-dir").pipe(
        Flag.withDescription("Where it is done; nothing is left there"),
        Flag.withMetavar("DIR"),
        Flag.withDefault("/var/tmp/adjutant-rerun")
      ),
      config: configFlag,
      json: jsonFlag
    },
    Effect.fn("rerunCommand")(
      function* ({ what, attempt, stateDirectory, workDirectory, config: file, json, ...given }) {
        const display = yield* screen
        const { source, topurl: tree, against, keep, until, command } = given
        if (until === null && command !== null)
          return yield* failure("--command goes with --until: where is it to run?")
        const config = yield* engineConfiguration(file, environment)
        const journal = yield* journalNamed(what, { attempt, stateDirectory, logDirectory: "" })
        const say = (text: string) => (text === "" ? Effect.void : Console.error(text))
        const { recorded, report, looked } = yield* run(config, {
          ...{ journal, source, tree, against, keep, workDirectory },
          until: until === null ? null : { step: until, command },
          begins: (recorded) => say(progressText({ _tag: "Begins", recorded }, display)),
          tell: (progress) => say(progressText(progress, display)),
          stops: (at) => say(progressText({ _tag: "Stops", at, keep }, display))
        })
        if (report.end?._tag === "Until")
          return looked === null || looked === 0 ? undefined : yield* alreadyTold(looked)
        const verdict = verdictOf(recorded, report)
        yield* Console.log(
          json ? harmlessJson(rerunJson(recorded, report), 2) : reportText(recorded, report, keep, display)
        )
        if (until !== null) return yield* failure(`it never came to ${until}; what came of it instead is above`)
        if (verdict !== "same") return yield* alreadyTold(verdict === "trouble" ? trouble : differs)
      },
      Effect.catchTag("CommandFailed", (error) =>
        Effect.fail(error.message === "" ? error : new CommandFailed({ message: error.message, exitCode: trouble }))
      )
    )
  ).pipe(
    Command.withDescription(
      "Run a recorded build again: the same image, commands, environment and limits, in containers of this\n" +
        "  machine, without a hub. What the hub said then is taken from the record. Leaves with 0 when the same\n" +
        "  comes of it (the time of the build aside), with 1 when something else does, with 2 in trouble."
    ),
    Command.withShortDescription("Run a recorded build again, without a hub"),
    Command.withExamples([
      { command: "adjutant rerun 4711", description: "A build of this host" },
      { command: "adjutant rerun adjutant-events.log --source hello-2.10-1.src.rpm", description: "Of another one" },
      { command: "adjutant rerun 4711 --against packages/hello/2.10/1", description: "And what differs, if it does" },
      { command: "adjutant rerun 4711 --until build/2", description: "A shell in front of the last rpmbuild" }
    ])
  )

/** How this machine is set up. Where no daemon is, nothing says which hub, and none is asked. */
const engineConfiguration = Effect.fnUntraced(function* (file: string, environment: Environment) {
  const nowhere = { server: "http://localhost/", topurl: "http://localhost/" }
  return yield* load({ file, environment, commandLine: {} }).pipe(
    Effect.catch((error) =>
      error.exitCode === exitCodes.daemonUsage ? load({ file, environment, commandLine: nowhere }) : Effect.fail(error)
    ),
    Effect.mapError(({ message }) => failure(message))
  )
})
