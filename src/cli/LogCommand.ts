/** `adjutant log`: what an attempt did, where the time went, and where it failed. */
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { DaemonEvent } from "../core/DaemonEvent.ts"
import { daemonText } from "../inspect/DaemonText.ts"
import { harmlessJson } from "../inspect/Harmless.ts"
import { tailLinesDefault } from "../inspect/OutputTail.ts"
import { scanJournal } from "../inspect/ScanJournal.ts"
import { timelineBuilder } from "../inspect/Timeline.ts"
import { journalArgument, journalFlags, journalNamed, unreadable } from "./JournalArgument.ts"
import { jsonFlag, screen } from "./Screen.ts"
import { printTimeline, tellProblem, timelineIn, timelineJson } from "./TimelineOutput.ts"

/** A build's last words may be many, but not without end. */
const linesMax = 10_000

export const linesFlag = Flag.Int("lines").pipe(
  Flag.withAlias("n"),
  Flag.withDescription("How much output of the failed step to show"),
  Flag.filter(
    (count) => count >= 0 && count <= linesMax,
    () => `must be from 0 to ${linesMax}`
  ),
  Flag.withDefault(tailLinesDefault)
)

export const logCommand = Command.make(
  "log",
  { what: journalArgument("task|file|url"), ...journalFlags, lines: linesFlag, json: jsonFlag },
  Effect.fn("logCommand")(function* ({ what, lines, json, ...places }) {
    const display = yield* screen
    const journal = yield* journalNamed(what, places)
    const builder = timelineBuilder()
    const daemon: Array<{ readonly at: number; readonly event: DaemonEvent }> = []
    const scan = yield* scanJournal(journal.source, {
      attempt: (event, at) => builder.add({ at, event }),
      daemon: (event, at) => daemon.push({ at, event })
    }).pipe(Effect.mapError(unreadable))
    if (scan.stream.kind !== "attempt") {
      const { file, problem } = scan
      yield* Console.log(json ? harmlessJson({ file, events: daemon, problem }, 2) : daemonText(daemon, display))
    } else {
      const timeline = yield* timelineIn(scan, builder)
      const told = { scan, timeline, around: journal.around(scan.stream) }
      if (json) yield* Console.log(harmlessJson(yield* timelineJson(told, lines), 2))
      else yield* printTimeline(told, lines, display)
    }
    return yield* tellProblem(scan, json)
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
