/** What a person sees of an attempt on a terminal: its timeline, and the last output of what failed. */
import { Console, Effect, Option } from "effect"
import { paint } from "../inspect/Columns.ts"
import { harmless } from "../inspect/Harmless.ts"
import { type OutputTail, outputTail } from "../inspect/OutputTail.ts"
import type { JournalScan } from "../inspect/ScanJournal.ts"
import type { Surroundings } from "../inspect/Surroundings.ts"
import type { Timeline } from "../inspect/Timeline.ts"
import { timelineText } from "../inspect/TimelineText.ts"
import { amount } from "../inspect/Units.ts"
import { alreadyTold, failure } from "./CommandFailed.ts"
import type { Screen } from "./Screen.ts"

export interface Told {
  readonly scan: JournalScan
  readonly timeline: Timeline
  readonly around: Surroundings
}

/** The attempt's timeline, if there is any of it. */
export const timelineIn = (scan: JournalScan, builder: { timeline(): Timeline | null }) => {
  const timeline = builder.timeline()
  if (timeline !== null) return Effect.succeed(timeline)
  const message = scan.events === 0 ? "no whole line of it can be read" : "it does not begin with an acceptance"
  return Effect.andThen(tellProblem(scan, false), Effect.fail(failure(`${scan.file}: ${message}`)))
}

export const printTimeline = Effect.fnUntraced(function* (
  { scan, timeline, around }: Told,
  lines: number,
  display: Screen
) {
  yield* Console.log(timelineText(timeline, display))
  const tail = yield* outputTail(around, timeline, { lines })
  if (Option.isSome(tail) && lines > 0) yield* Console.log(tailText(tail.value, display))
  if (scan.tornBytes > 0) {
    yield* Console.log(
      `\nThe last line is unfinished (${amount(scan.tornBytes, "byte")}): it is being written, or was when the daemon ended.`
    )
  }
})

/** The same for programs. */
export const timelineJson = Effect.fnUntraced(function* ({ scan, timeline, around }: Told, lines: number) {
  const tail = yield* outputTail(around, timeline, { lines })
  return { file: scan.file, timeline, output: Option.getOrNull(tail), problem: scan.problem }
})

/** Says where belief in a journal ends, if it does, and leaves with bad news. */
export const tellProblem = Effect.fnUntraced(function* ({ file, problem, lostLines }: JournalScan, json: boolean) {
  if (problem === null) return
  const loss = lostLines === 0 ? "" : ` (${amount(lostLines, "line")})`
  const text = `${file}:${problem.line}: nothing from here on is believed${loss}: ${problem.message}`
  if (!json) yield* Console.error(harmless(text))
  return yield* alreadyTold()
})

const tailText = (tail: OutputTail, display: Screen): string => {
  const tinted = paint(display.colours)
  const title = `The last ${amount(tail.lines.length, "line")} of its output, from ${harmless(tail.file)}:`
  return ["", tinted("strong", title), ...tail.lines.map((line) => `  ${tinted("quiet", "|")} ${line}`)].join("\n")
}
