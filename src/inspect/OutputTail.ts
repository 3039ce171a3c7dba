/**
 * The last lines that a step put out, wherever they still are.
 *
 * The capture of a step is the best witness and goes with the attempt's directory; after that there are the copy of
 * all output that the host keeps, and, for a journal that was fetched from the hub, the logs that were fetched with it.
 */
import { dirname, join, resolve } from "node:path"
import { Effect, Option } from "effect"
import type { StreamName } from "../journal/StreamName.ts"
import { cut } from "./Columns.ts"
import { namesIn, readEnd } from "./Files.ts"
import { harmlessLines } from "./Harmless.ts"
import type { Timeline } from "./Timeline.ts"

/** How much of a file is read for its last lines: one line of a build can be very long. */
export const tailBytesMax = 64 * 1024
export const tailLinesDefault = 20

export interface OutputTail {
  readonly file: string
  readonly lines: ReadonlyArray<string>
}

/** A line of a megabyte is cut here. */
export const tailLineMax = 500

/** The end of the output that the timeline's failure is about; none when nothing is kept, or nothing failed. */
export const outputTail = Effect.fn("outputTail")(function* (
  journal: string,
  stream: StreamName,
  timeline: Timeline,
  options: { readonly logDirectory: string | null; readonly lines: number }
) {
  const none = Option.none<OutputTail>()
  const { failedIn } = timeline
  if (failedIn === null || stream.kind !== "attempt") return none
  // One file for all attempts of a task: its end can speak for the newest only.
  const names = yield* namesIn(dirname(resolve(journal))).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
  const containerLog =
    options.logDirectory === null || names.includes(`${stream.attempt + 1}.jsonl`)
      ? null
      : join(options.logDirectory, String(stream.task), "container.log")
  for (const file of places(journal, stream, failedIn.step, timeline, containerLog)) {
    const end = yield* readEnd(file, tailBytesMax).pipe(Effect.option)
    if (Option.isNone(end) || end.value.bytes.length === 0) continue
    const lines = harmlessLines(new TextDecoder().decode(end.value.bytes))
    // What was cut at its beginning is no line, unless it is all there is.
    const whole = end.value.more && lines.length > 1 ? lines.slice(1) : lines
    return Option.some({ file, lines: whole.slice(-options.lines).map((line) => cut(line, tailLineMax)) })
  }
  return none
})

type Attempt = Extract<StreamName, { kind: "attempt" }>

/** Where the output may be, the best witness first. */
const places = (
  journal: string,
  stream: Attempt,
  step: string,
  timeline: Timeline,
  containerLog: string | null
): ReadonlyArray<string> => {
  const beside = dirname(resolve(journal))
  const state = dirname(dirname(beside))
  const capture = `${step.replaceAll("/", "-")}.out`
  return [
    join(state, "work", `${stream.task}-${stream.attempt}`, "captures", capture),
    join(beside, `${stream.attempt}`, capture),
    ...namedLogs(timeline).map((name) => join(beside, name)),
    ...(containerLog === null ? [] : [containerLog])
  ]
}

/** The logs that Koji's failure messages send people to: "see build.log for more information". */
const namedLogs = (timeline: Timeline): ReadonlyArray<string> => {
  const message = timeline.decided?.outcome._tag === "Fault" ? timeline.decided.outcome.message : ""
  return [...message.matchAll(/\b((?:build|root|mock_output|checkout)\.log)\b/g)].flatMap(([, name]) => name ?? [])
}
