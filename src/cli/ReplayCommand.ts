/** `adjutant replay`: an attempt taken apart from its log alone, on a machine with no hub and no engine. */
import { randomBytes } from "node:crypto"
import { rename, writeFile } from "node:fs/promises"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { historyCheck } from "../inspect/Check.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import { logLayout } from "../inspect/LogLayout.ts"
import { momentAfter, stateJson } from "../inspect/Moment.ts"
import { momentText } from "../inspect/MomentText.ts"
import { type AttemptOutputs, attemptOutputs } from "../inspect/Outputs.ts"
import { nameOfStream } from "../inspect/Problem.ts"
import { historyBuilder } from "../inspect/page/History.ts"
import { page } from "../inspect/page/Page.ts"
import { scanJournal } from "../inspect/ScanJournal.ts"
import { timelineBuilder } from "../inspect/Timeline.ts"
import { amount, bytes } from "../inspect/Units.ts"
import { alreadyTold, failure } from "./CommandFailed.ts"
import { journalArgument, journalFlags, journalNamed, unreadable } from "./JournalArgument.ts"
import { linesFlag } from "./LogCommand.ts"
import { checkText, isWrong, programFinding } from "./ReplayCheck.ts"
import { jsonFlag, screen } from "./Screen.ts"
import { printTimeline, tellProblem, timelineIn, timelineJson } from "./TimelineOutput.ts"

const pageFacts = ({ outputs, logs }: AttemptOutputs): string =>
  `with the output of ${amount(outputs.size, "container")} and ${amount(logs.length, "log")}`

/** Written beside and renamed, so that a page that is there is whole. */
const writeText = (path: string, text: string) =>
  Effect.tryPromise({
    try: async () => {
      const unfinished = `${path}.${randomBytes(4).toString("hex")}.part`
      await writeFile(unfinished, text, { flag: "wx" })
      await rename(unfinished, path)
    },
    catch: (cause) => failure(`${path}: ${cause instanceof Error ? cause.message : String(cause)}`)
  })

export const replayCommand = Command.make(
  "replay",
  {
    what: journalArgument("task|file|url"),
    ...journalFlags,
    at: Flag.Int("at").pipe(
      Flag.withDescription("Show what the attempt added up to after so many events"),
      Flag.withMetavar("N"),
      Flag.filter(
        (count) => count > 0,
        () => "events are counted from 1"
      ),
      Flag.optional
    ),
    check: Flag.Boolean("check").pipe(
      Flag.withDescription("Hold the log against its chain, the promises, the core, and the program"),
      Flag.withDefault(false),
      Flag.withoutNegation
    ),
    html: Flag.String("html").pipe(
      Flag.withDescription("Write all of it into one page, with output and logs where they are to be had"),
      Flag.withMetavar("FILE"),
      Flag.optional
    ),
    lines: linesFlag,
    json: jsonFlag
  },
  Effect.fn("replayCommand")(function* ({ what, at, check, html, lines, json, ...places }) {
    const display = yield* screen
    const journal = yield* journalNamed(what, places)
    const builder = timelineBuilder()
    const moment = momentAfter(Option.getOrNull(at))
    const checked = historyCheck()
    const history = historyBuilder()
    const layout = logLayout()
    const scan = yield* scanJournal(journal.source, {
      attempt: (event, when) => {
        builder.add({ at: when, event })
        if (Option.isSome(at)) moment.add(event, when)
        if (check) checked.add(event)
        if (Option.isSome(html)) {
          history.add(event, when)
          layout.add(event)
        }
      }
    }).pipe(Effect.mapError(unreadable))
    if (scan.stream.kind !== "attempt") {
      return yield* failure(`${scan.file}: this is no attempt's log; adjutant log shows it`)
    }
    const timeline = yield* timelineIn(scan, builder)
    const around = journal.around(scan.stream)

    if (Option.isSome(at)) {
      const found = moment.moment()
      if (found === undefined) {
        return yield* failure(`--at ${at.value}: ${scan.file} has ${scan.events} events that can be believed`)
      }
      yield* Console.log(json ? harmlessJson(stateJson(found), 2) : momentText(found, scan.events, display))
    }
    if (Option.isSome(html)) {
      const outputs = yield* attemptOutputs(timeline, layout, around)
      const text = page({ scan, timeline, history: history.history(), values: history.values, outputs })
      yield* writeText(html.value, text)
      if (!json) yield* Console.log(`${html.value}: ${bytes(Buffer.byteLength(text))}, ${pageFacts(outputs)}`)
    }
    if (check) {
      const found = checked.found()
      const program = yield* programFinding(found, around)
      const findings = { scan, history: found, program }
      if (json) {
        const { brokenPromise, impossibleEvent } = found
        yield* Console.log(harmlessJson({ ...scan, brokenPromise, impossibleEvent, program }, 2))
      } else {
        yield* Console.log(`${harmless(scan.file)}: ${nameOfStream(scan.stream)}, ${timeline.method}`)
        yield* Console.log(checkText(findings, display.colours))
      }
      return isWrong(findings) ? yield* alreadyTold() : undefined
    }
    if (Option.isNone(at) && Option.isNone(html)) {
      const told = { scan, timeline, around }
      if (json) yield* Console.log(harmlessJson(yield* timelineJson(told, lines), 2))
      else yield* printTimeline(told, lines, display)
    }
    return yield* tellProblem(scan, json)
  })
).pipe(
  Command.withDescription(
    "Take an attempt apart from its log: what it did, what it added up to at any point, whether the log\n" +
      "  is whole and possible, and whether this version's program would do the same again. Needs no hub and\n" +
      "  no engine. With --check a debugger can step through the program as it ran then:\n" +
      "  node --inspect-brk $(command -v adjutant) replay --check FILE"
  ),
  Command.withShortDescription("Take an attempt apart from its log alone"),
  Command.withExamples([
    { command: "adjutant replay adjutant-events.log", description: "A log that was fetched from the hub" },
    { command: "adjutant replay --at 57 4711", description: "What a task of this host had come to after 57 events" },
    { command: "adjutant replay --check 4711" },
    {
      command: "adjutant replay --html build.html adjutant-events.log",
      description: "A page to look at or to pass on"
    },
    {
      command: "adjutant replay https://hub.example.org/kojifiles/work/tasks/4711/4711/adjutant-events.log",
      description: "Without fetching it first"
    }
  ])
)
