/**
 * The last lines that a step put out, wherever they still are.
 *
 * The capture of a step is the best witness and goes with the attempt's directory; after that there are the copy of
 * all output that the host keeps, and, for a journal that was fetched from the hub, the logs that were fetched with it.
 */
import { Effect, Option, Stream } from "effect"
import { cut } from "./Columns.ts"
import { harmlessLines } from "./Harmless.ts"
import { containerLog, type Found, type Surroundings, type Wanted } from "./Surroundings.ts"
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
  around: Surroundings,
  timeline: Timeline,
  options: { readonly lines: number }
) {
  const { failedIn } = timeline
  if (failedIn === null) return Option.none<OutputTail>()
  const container = timeline.steps
    .find((step) => step.path === failedIn.step)
    ?.containers.findLast(({ name }) => name === failedIn.container)
  for (const wanted of witnesses(container?.capture ?? null, timeline)) {
    const found = yield* around.find(wanted)
    if (Option.isNone(found)) continue
    const end = yield* endOf(found.value).pipe(Effect.option)
    if (Option.isNone(end) || end.value.bytes.length === 0) continue
    const lines = harmlessLines(new TextDecoder().decode(end.value.bytes))
    // What was cut at its beginning is no line, unless it is all there is.
    const whole = end.value.more && lines.length > 1 ? lines.slice(1) : lines
    const shown = whole.slice(Math.max(0, whole.length - options.lines)).map((line) => cut(line, tailLineMax))
    return Option.some<OutputTail>({ file: found.value.name, lines: shown })
  }
  return Option.none<OutputTail>()
})

/** Where the output may be, the best witness first. */
const witnesses = (capture: string | null, timeline: Timeline): ReadonlyArray<Wanted> => [
  ...(capture === null ? [] : [{ kind: "capture", name: capture } as const]),
  ...namedLogs(timeline).map((name) => ({ kind: "log", name }) as const),
  { kind: "log", name: containerLog }
]

/** The logs that Koji's failure messages send people to: "see build.log for more information". */
const namedLogs = (timeline: Timeline): ReadonlyArray<string> => {
  const message = timeline.decided?.outcome._tag === "Fault" ? timeline.decided.outcome.message : ""
  return [...message.matchAll(/\b((?:build|root|mock_output|checkout)\.log)\b/g)].flatMap(([, name]) => name ?? [])
}

/** The last bytes of a file, and whether there are more before them. */
const endOf = (found: Found) => {
  const from = Math.max(0, (found.size ?? 0) - tailBytesMax)
  return Stream.runFold(
    found.bytes(from),
    () => ({ bytes: new Uint8Array(0), more: from > 0 }),
    (end, chunk) => {
      const joined = Buffer.concat([end.bytes, chunk])
      return { bytes: joined.subarray(-tailBytesMax), more: end.more || joined.length > tailBytesMax }
    }
  )
}
