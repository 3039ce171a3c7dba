/** `adjutant log`: what an attempt did, where the time went, and where it failed. */
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { AdjutantOptions } from "../config/AdjutantOptions.ts"
import { factsOf } from "../config/Option.ts"
import { TaskId } from "../core/Ids.ts"
import { paint } from "../inspect/Columns.ts"
import { daemonText } from "../inspect/DaemonText.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import { type OutputTail, outputTail, tailLinesDefault } from "../inspect/OutputTail.ts"
import {
  attemptEvents,
  daemonEvents,
  findAttempt,
  type JournalRead,
  type Problem,
  readJournal
} from "../inspect/ReadJournal.ts"
import { timelineOf } from "../inspect/Timeline.ts"
import { timelineText } from "../inspect/TimelineText.ts"
import { amount } from "../inspect/Units.ts"
import { alreadyTold, failure } from "./CommandFailed.ts"
import { jsonFlag, type Screen, screen } from "./Screen.ts"

/** A build's last words may be many, but not without end. */
const linesMax = 10_000

export const logCommand = Command.make(
  "log",
  {
    what: Argument.String("task|file").pipe(Argument.withDescription("The number of a task, or a journal's file")),
    attempt: Flag.Int("attempt").pipe(
      Flag.withDescription("Which attempt of the task; the newest if not given"),
      Flag.optional
    ),
    stateDirectory: Flag.String("state-dir").pipe(
      Flag.withDescription("Where this host's journals are"),
      Flag.withMetavar("DIR"),
      Flag.withDefault(factsOf(AdjutantOptions.fields.state_dir)?.default ?? "")
    ),
    logDirectory: Flag.String("log-dir").pipe(
      Flag.withDescription("Where this host keeps the output of containers"),
      Flag.withMetavar("DIR"),
      Flag.withDefault(factsOf(AdjutantOptions.fields.log_dir)?.default ?? "")
    ),
    lines: Flag.Int("lines").pipe(
      Flag.withAlias("n"),
      Flag.withDescription("How much output of the failed step to show"),
      Flag.filter(
        (count) => count >= 0 && count <= linesMax,
        () => `must be from 0 to ${linesMax}`
      ),
      Flag.withDefault(tailLinesDefault)
    ),
    json: jsonFlag
  },
  Effect.fn("logCommand")(function* ({ what, attempt, stateDirectory, logDirectory, lines, json }) {
    const display = yield* screen
    const file = /^\d{1,15}$/.test(what)
      ? findAttempt(stateDirectory, TaskId.make(Number(what)), Option.getOrUndefined(attempt))
      : Effect.succeed(what)
    const read = yield* file.pipe(
      Effect.flatMap(readJournal),
      Effect.catchTag("JournalUnreadable", (error) => Effect.fail(failure(`${error.file}: ${error.message}`)))
    )
    const problem = yield* read.stream.kind === "daemon"
      ? printDaemon(read, display, json)
      : printAttempt(read, display, { json, lines, logDirectory })
    if (problem === null) return
    const text = `${read.file}:${problem.line}: nothing from here on is believed: ${problem.message}`
    if (!json) yield* Console.error(harmless(text))
    return yield* alreadyTold()
  })
).pipe(
  Command.withDescription(
    "Show what an attempt did: its steps and containers, when each began and how long it took,\n" +
      "  what reached the hub; where it failed, and the last output of that step."
  ),
  Command.withShortDescription("Show what an attempt did, and where it failed"),
  Command.withExamples([
    { command: "adjutant log 4711", description: "The newest attempt of a task on this host" },
    { command: "adjutant log adjutant-events.log", description: "A log that was fetched from the hub" }
  ])
)

const printDaemon = Effect.fnUntraced(function* (read: JournalRead, display: Screen, json: boolean) {
  const { events, problem } = daemonEvents(read)
  yield* Console.log(json ? harmlessJson({ file: read.file, events, problem }, 2) : daemonText(events, display))
  return problem
})

const printAttempt = Effect.fnUntraced(function* (
  read: JournalRead,
  display: Screen,
  options: { readonly json: boolean; readonly lines: number; readonly logDirectory: string }
) {
  const { events, problem } = attemptEvents(read)
  const timeline = timelineOf(events)
  if (timeline === null)
    return (
      problem ?? ({ line: 1, kind: "invariant", message: "it does not begin with an acceptance" } satisfies Problem)
    )
  const tail = yield* outputTail(read.file, read.stream, timeline, options)
  if (options.json) {
    yield* Console.log(harmlessJson({ file: read.file, timeline, output: Option.getOrNull(tail), problem }, 2))
    return problem
  }
  yield* Console.log(timelineText(timeline, display))
  if (Option.isSome(tail) && options.lines > 0) yield* Console.log(tailText(tail.value, display))
  if (read.tornBytes > 0) {
    yield* Console.log(
      `\nThe last line is unfinished (${amount(read.tornBytes, "byte")}): it is being written, or was when the daemon ended.`
    )
  }
  return problem
})

const tailText = (tail: OutputTail, display: Screen): string => {
  const tinted = paint(display.colours)
  const title = `The last ${amount(tail.lines.length, "line")} of its output, from ${harmless(tail.file)}:`
  return ["", tinted("strong", title), ...tail.lines.map((line) => `  ${tinted("quiet", "|")} ${line}`)].join("\n")
}
