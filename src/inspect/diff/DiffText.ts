/** What differs between two builds, for a person in front of a terminal. Plain ASCII, like a timeline. */
import { cut, type Paint, paint, type Tone, widthMin, wrap } from "../Columns.ts"
import { failureOfOutcome } from "../Failure.ts"
import { harmless } from "../Harmless.ts"
import type { TextOptions } from "../TimelineText.ts"
import { amount, duration, wallClock } from "../Units.ts"
import type { BuildFacts } from "./BuildFacts.ts"
import { type Change, type Section, sections } from "./Change.ts"
import type { BuildDiff, StepTime } from "./Differences.ts"

export interface Side {
  /** The file or address. */
  readonly name: string
  readonly facts: BuildFacts
}

/** Of each section; `--json` has all of them. */
export const changesShownMax = 60
/** Of a text that has many lines. */
export const linesShownMax = 40
export const timesShownMax = 12
/** A step that took longer or shorter by less than both of these took as long. */
const timeNoise = { milliseconds: 1_000, share: 0.2 }

/** The whole text, without a line break at its end. */
export const diffText = (a: Side, b: Side, diff: BuildDiff, options: TextOptions): string => {
  const width = Math.max(widthMin, options.width)
  const tinted = paint(options.colours)
  const changed = sections.map((section) => diff.changes.filter((change) => change.section === section))
  return [
    ...heading("-", "bad", a, width, tinted),
    ...heading("+", "good", b, width, tinted),
    ...first(diff, width, tinted),
    ...changed.flatMap((changes) => sectionLines(changes, width, tinted)),
    ...(diff.changes.length === 0 ? ["", "Nothing differs of what went in, what was run, and how it ended."] : []),
    ...times(diff.times, tinted),
    ...(diff.missing.length === 0 ? [] : ["", tinted("warn", "Not compared")]),
    ...diff.missing.flatMap((text) => wrap(harmless(text), width - 2).map((line) => `  ${line}`))
  ]
    .map((line) => line.trimEnd())
    .join("\n")
}

const heading = (sign: "-" | "+", tone: Tone, { name, facts }: Side, width: number, tinted: Paint) => {
  const { timeline, source } = facts
  const { decided } = timeline
  const what = source === null ? "" : `, ${source.name}-${source.version}-${source.release}`
  const failure = decided === null ? null : failureOfOutcome(decided.outcome)
  const how = decided === null ? "has no result" : failure === null ? "succeeded" : failure.name
  const took = duration(timeline.lastAt - timeline.acceptedAt)
  const line = (text: string) => cut(harmless(text), width - 4)
  return [
    tinted(tone, `${sign.repeat(3)} `) +
      tinted(
        "strong",
        line(`task ${timeline.task}, attempt ${timeline.attempt}: ${timeline.method}, ${timeline.arch}${what}`)
      ),
    `    ${line(`${how} after ${took}, ${wallClock(timeline.acceptedAt)}`)}`,
    `    ${tinted("quiet", line(name))}`
  ]
}

const first = ({ firstOther }: BuildDiff, width: number, tinted: Paint): ReadonlyArray<string> =>
  firstOther === null
    ? []
    : [
        "",
        tinted("strong", cut(`First step that ended otherwise: ${harmless(firstOther.step)}`, width)),
        ...signed("-", firstOther.a, width, tinted),
        ...signed("+", firstOther.b, width, tinted)
      ]

const titles: Readonly<Record<Section, string>> = {
  result: "Result",
  steps: "How steps ended",
  request: "What was asked for",
  source: "Source package",
  packages: "Installed packages",
  images: "Images",
  configuration: "Buildroot configuration",
  macros: "Macros",
  environment: "Environment",
  commands: "Commands",
  limits: "Limits"
}

const sectionLines = (changes: ReadonlyArray<Change>, width: number, tinted: Paint): ReadonlyArray<string> => {
  const [one] = changes
  if (one === undefined) return []
  const count = (test: (change: Change) => boolean, word: string) => {
    const found = changes.filter(test).length
    return found === 0 ? [] : [`${found} ${word}`]
  }
  const counts = [
    ...count((change) => change.a === null, "added"),
    ...count((change) => change.b === null, "removed"),
    ...count((change) => change.a !== null && change.b !== null, "changed")
  ]
  const more = changes.length - changesShownMax
  return [
    "",
    tinted("strong", `${titles[one.section]}: ${counts.join(", ")}`),
    ...changes.slice(0, changesShownMax).flatMap((change) => changeLines(change, width, tinted)),
    ...(more > 0 ? [`  and ${amount(more, "other")}`] : [])
  ]
}

const changeLines = (change: Change, width: number, tinted: Paint): ReadonlyArray<string> => {
  const { what, a, b, lines } = change
  if (a === null || b === null) {
    const sign = a === null ? "+" : "-"
    return signed(sign, `${what}  ${a ?? b ?? ""}`, width, tinted)
  }
  if (lines !== undefined) {
    const more = lines.length - linesShownMax
    return [
      cut(`  ${harmless(what)}`, width),
      ...lines
        .slice(0, linesShownMax)
        .flatMap(({ side, line }) => signed(side === "a" ? "-" : "+", line, width, tinted, 4)),
      ...(more > 0 ? [`    and ${amount(more, "other line")}`] : [])
    ]
  }
  const short = `${what}  ${a} -> ${b}`
  if (harmless(short).length <= width - 4) {
    return [
      `  ${tinted("warn", "~")} ${harmless(what)}  ${tinted("bad", harmless(a))} -> ${tinted("good", harmless(b))}`
    ]
  }
  return [
    cut(`  ${tinted("warn", "~")} ${harmless(what)}`, width),
    ...signed("-", a, width, tinted, 4),
    ...signed("+", b, width, tinted, 4)
  ]
}

const signed = (sign: "-" | "+", text: string, width: number, tinted: Paint, indent = 2): ReadonlyArray<string> => {
  const tone = sign === "-" ? "bad" : "good"
  const [one = "", ...rest] = wrap(harmless(text), width - indent - 2)
  const space = " ".repeat(indent)
  return [space + tinted(tone, `${sign} ${one}`), ...rest.map((line) => `${space}  ${tinted(tone, line)}`)]
}

const times = (all: ReadonlyArray<StepTime>, tinted: Paint): ReadonlyArray<string> => {
  const longer = all
    .flatMap(({ step, a, b }) => (a === null || b === null ? [] : [{ step, a, b, by: Math.abs(a - b) }]))
    .filter(({ a, b, by }) => by >= timeNoise.milliseconds && by >= timeNoise.share * Math.max(a, b))
    .sort((one, other) => other.by - one.by)
    .slice(0, timesShownMax)
  const wide = Math.max(0, ...longer.map(({ step }) => harmless(step).length))
  return longer.length === 0
    ? []
    : [
        "",
        tinted("strong", "Took longer or shorter"),
        ...longer.map(({ step, a, b, by }) => {
          const change = `${a < b ? "+" : "-"}${duration(by)}`
          return `  ${harmless(step).padEnd(wide)}  ${duration(a).padStart(6)} -> ${duration(b).padStart(6)}  ${tinted("quiet", change)}`
        })
      ]
}
