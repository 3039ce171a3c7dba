/**
 * A timeline for a person in front of a terminal: what became of the task, then a table of what happened, in the
 * order of its beginning, then what reached the hub.
 *
 * Plain ASCII, so that it survives mail, serial consoles and `LANG=C`. What varies in length stands last in its line,
 * so that the columns hold at every width.
 */
import { cut, type Paint, paint, type Tone, widthMin, wrap } from "./Columns.ts"
import { failureOfOutcome, failureText } from "./Failure.ts"
import { harmless, harmlessLines } from "./Harmless.ts"
import type { Timeline } from "./Timeline.ts"
import { type Row, rowsOf } from "./TimelineRows.ts"
import { amount, bytes, duration, offset, wallClock } from "./Units.ts"

export interface TextOptions {
  /** Columns of the terminal. */
  readonly width: number
  readonly colours: boolean
}

/** More names than this tell nobody anything. */
export const uploadsShownMax = 40
/** Of a message that has many lines; `--json` has all of it. */
export const messageLinesMax = 12
/** From here on there is room to draw where the time went. */
export const barFromWidth = 110
const barWidth = 24

/** The whole text, without a line break at its end. */
export const timelineText = (timeline: Timeline, options: TextOptions): string => {
  const width = Math.max(widthMin, options.width)
  const tinted = paint(options.colours)
  return [
    ...heading(timeline, width, tinted),
    "",
    ...table(timeline, width, tinted),
    ...uploads(timeline, width, tinted)
  ]
    .map((line) => line.trimEnd())
    .join("\n")
}

const heading = (timeline: Timeline, width: number, tinted: Paint): ReadonlyArray<string> => {
  const { decided, failedIn } = timeline
  const failure = decided === null ? null : failureOfOutcome(decided.outcome)
  const took = duration(timeline.lastAt - timeline.acceptedAt)
  const [tone, verdict]: readonly [Tone, string] =
    decided === null
      ? ["warn", `has no end: it goes on, or its daemon went away; the last record is ${took} after the first`]
      : failure === null
        ? ["good", `succeeded after ${took}`]
        : decided.outcome._tag === "Fault"
          ? ["bad", `failed after ${took}`]
          : ["warn", `was ${failure.name} after ${took}`]
  const field = (name: string, text: string, tone?: Tone) =>
    wrapped(text, width - fieldIndent.length).map((line, index) => {
      const label = index === 0 ? `  ${name}`.padEnd(fieldIndent.length) : fieldIndent
      return tinted("quiet", label) + (tone === undefined ? line : tinted(tone, line))
    })
  const title = `Task ${timeline.task}, attempt ${timeline.attempt}: ${timeline.method}, ${timeline.arch}`
  return [
    ...wrapped(title, width).map((line) => tinted("strong", line)),
    ...field("result", verdict, tone),
    ...(failure === null ? [] : field("reason", failure.code === null ? failure.message : failureText(failure))),
    ...(failedIn === null
      ? []
      : decided === null
        ? field("now in", failedIn.step)
        : field("look at", `${failedIn.step} (${failedIn.because})`)),
    tinted("quiet", "  asked".padEnd(fieldIndent.length)) +
      cut(harmless(JSON.stringify(timeline.request)), width - fieldIndent.length),
    ...field(
      "accepted",
      `${wallClock(timeline.acceptedAt)}, by version ${timeline.version}, instance ${timeline.instance}`
    )
  ]
}
const fieldIndent = " ".repeat(12)

/** Lines of a text that may have line breaks of its own: a Python trace or a defect's is cut off where it gets long. */
const wrapped = (text: string, width: number): ReadonlyArray<string> => {
  const lines = harmlessLines(text).flatMap((line) => wrap(line, width))
  const more = lines.length - messageLinesMax
  return more <= 0 ? lines : [...lines.slice(0, messageLinesMax), `(and ${amount(more, "more line")})`]
}

const gutterWidth = 2
const startWidth = 9
const tookWidth = 6
const howWidth = 9
const gap = "  "

const table = (timeline: Timeline, width: number, tinted: Paint): ReadonlyArray<string> => {
  const total = timeline.lastAt - timeline.acceptedAt
  const withBar = width >= barFromWidth && total > 0
  const line = (cells: Cells) =>
    cells.gutter.padEnd(gutterWidth) +
    [
      cells.start.padStart(startWidth),
      cells.took.padStart(tookWidth),
      tinted(cells.tone, cells.how.padEnd(howWidth)),
      ...(withBar ? [cells.bar.padEnd(barWidth)] : []),
      cells.what
    ].join(gap)
  const room = width - line({ ...noCells, tone: "plain" }).length
  const lines = [
    tinted("quiet", line({ ...noCells, start: "start", took: "took", how: "how", what: "what", tone: "plain" }))
  ]

  for (const row of rowsOf(timeline)) {
    const indent = "  ".repeat(row.depth)
    const space = Math.max(room - indent.length, minimumRoom)
    const texts = row.onOneLine ? [cut(harmless(row.text), space)] : wrapped(row.text, space)
    texts.forEach((text, index) => {
      const what = indent + tinted(row.textTone, text)
      lines.push(
        index > 0
          ? line({ ...noCells, what })
          : line({
              gutter: row.lookHere ? ">" : "",
              start: row.at === null ? "" : offset(row.at - timeline.acceptedAt),
              took: row.took === null ? "" : duration(row.took),
              how: row.how,
              tone: row.tone,
              bar: bar(row, timeline, total),
              what
            })
      )
    })
  }
  return lines
}
const minimumRoom = 16

interface Cells {
  readonly gutter: string
  readonly start: string
  readonly took: string
  readonly how: string
  readonly tone: Tone
  readonly bar: string
  readonly what: string
}
const noCells: Cells = { gutter: "", start: "", took: "", how: "", tone: "plain", bar: "", what: "" }

/** `|    ====      |`: when in the attempt a row has its place. */
const bar = (row: Row, timeline: Timeline, total: number): string => {
  const inside = barWidth - 2
  if (row.at === null || row.took === null || row.depth > 0) return " ".repeat(barWidth)
  const from = Math.min(inside - 1, Math.floor(((row.at - timeline.acceptedAt) / total) * inside))
  const length = Math.max(1, Math.round((row.took / total) * inside))
  return `|${" ".repeat(from)}${"=".repeat(Math.min(length, inside - from))}`.padEnd(barWidth - 1) + "|"
}

const uploads = (timeline: Timeline, width: number, tinted: Paint): ReadonlyArray<string> => {
  if (timeline.uploads.length === 0) return []
  const whole = timeline.uploads.filter((upload) => upload.whole)
  const sum = timeline.uploads.reduce((sum, upload) => sum + upload.bytes, 0)
  const shown = timeline.uploads.slice(0, uploadsShownMax)
  const more = timeline.uploads.length - shown.length
  const partial = timeline.uploads.length - whole.length
  const title = `At the hub: ${amount(timeline.uploads.length, "file")}, ${bytes(sum)}${partial === 0 ? "" : `; ${partial} not whole`}`
  return [
    "",
    tinted("strong", title),
    ...shown.map((upload) => {
      const name = cut(harmless(upload.name), width - uploadsIndent)
      return `  ${bytes(upload.bytes).padStart(10)}  ${name}${upload.whole ? "" : tinted("warn", "  so far")}`
    }),
    ...(more === 0 ? [] : [`  ${"".padStart(10)}  and ${amount(more, "other")}`])
  ]
}
/** Size, gaps, and room for "so far". */
const uploadsIndent = 24
