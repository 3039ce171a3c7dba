/** What `adjutant rerun` says: what happens while it happens, and what came of it. */
import type { Outcome } from "../core/AttemptEvent.ts"
import type { ContainerExit } from "../engine/ContainerSpec.ts"
import { cut, paint } from "../inspect/Columns.ts"
import { failureOfOutcome, failureText } from "../inspect/Failure.ts"
import { harmless, harmlessLines } from "../inspect/Harmless.ts"
import { commandLine, exitWord } from "../inspect/TimelineRows.ts"
import { amount, duration, wallClock } from "../inspect/Units.ts"
import type { ContentsChange } from "../koji/RpmContents.ts"
import type { RecordedBuild } from "../workshop/RecordedBuild.ts"
import type { Progress, RerunReport, Stop } from "../workshop/Rerun.ts"
import type { RerunEnd } from "../workshop/RerunDoor.ts"
import type { ComparedFile, FileVerdict } from "../workshop/Results.ts"
import { verdictOf } from "../workshop/Verdict.ts"
import type { Screen } from "./Screen.ts"

type Said =
  | Progress
  | { readonly _tag: "Begins"; readonly recorded: RecordedBuild }
  | { readonly _tag: "Stops"; readonly at: Stop; readonly keep: string | null }

/** `sha256:` and twelve digits. */
const shortId = 19
const placeWidth = 18
const linesShown = 10
const indented = 6
/** Of one package; `--json` has all of them. */
export const changesShownMax = 40

/** What happens, in a line or a few. */
export const progressText = (said: Said, display: Screen): string => {
  const tinted = paint(display.colours)
  const line = (place: string, text: string) => `  ${harmless(place).padEnd(placeWidth)}${harmless(text)}`
  switch (said._tag) {
    case "Begins": {
      const { task, attempt, method, arch, version } = said.recorded.accepted
      const what = `Task ${task}, attempt ${attempt}: ${method}, ${arch}`
      return `${tinted("strong", harmless(what))}, recorded ${wallClock(said.recorded.at)} by version ${harmless(version)}`
    }
    case "Source":
      return line("source", said.place)
    case "Held":
      return line(said.path, `${said.image.slice(0, shortId)}, as recorded`)
    case "Began":
      return line(said.place, `in ${said.image.slice(0, shortId)} ...`)
    case "Ended":
      return line(said.place, said.recorded === null ? endedText(said.exit) : bothText(said.exit, said.recorded))
    case "Output":
      return harmlessLines(said.text)
        .filter((text) => text !== "")
        .slice(-linesShown)
        .map((text) => `    ${tinted("quiet", "|")} ${cut(text, display.width - indented)}`)
        .join("\n")
    case "Remark":
      return line("", said.text)
    case "Stops":
      return stopText(said.at, said.keep)
  }
}

const bothText = (exit: ContainerExit, recorded: ContainerExit): string =>
  `${endedText(exit)} (recorded: ${endedText(recorded)})`

const endedText = ({ reason, startedAt, finishedAt }: ContainerExit): string =>
  `${exitWord(reason)} after ${duration(finishedAt - startedAt)}`

const stopText = ({ path, spec, builddir }: Stop, keep: string | null): string =>
  [
    `Stopped before ${harmless(path)}.`,
    ...(spec === null ? [] : [`  image     ${spec.image}`, `  command   ${harmless(commandLine(spec.command))}`]),
    `  /builddir ${keep === null ? builddir : `${keep}/builddir`}`
  ].join("\n")

/** What came of it. */
export const reportText = (
  recorded: RecordedBuild,
  report: RerunReport,
  keep: string | null,
  display: Screen
): string => {
  const tinted = paint(display.colours)
  const verdict = verdictOf(recorded, report)
  const tone = verdict === "same" ? "good" : verdict === "differs" ? "bad" : "warn"
  const { end, outcome, files } = report
  const lines =
    end !== null
      ? [endText(end)]
      : recorded.outcome?._tag === "Success" && outcome?._tag === "Success"
        ? files.flatMap((file) => fileLines(file, display))
        : [`recorded: ${outcomeText(recorded.outcome)}`, `now:      ${outcomeText(outcome)}`]
  return [
    ...lines.flatMap((text) => harmlessLines(text)),
    tinted(tone, verdictText(recorded, report)),
    ...(keep === null || end !== null ? [] : [`Results, logs and journal are in ${harmless(keep)}.`])
  ].join("\n")
}

const verdictText = (recorded: RecordedBuild, report: RerunReport): string => {
  const { outcome, files } = report
  switch (verdictOf(recorded, report)) {
    case "trouble":
      return "It says nothing about the build."
    case "differs":
      return "Not the same."
    case "same":
      if (outcome?._tag === "Fault") return "It fails with the same fault; whether for the same reason, its logs say."
      return files.every(({ verdict }) => verdict._tag === "Identical")
        ? `Identical: ${amount(files.length, "file")}, every byte.`
        : `The same: ${amount(files.length, "file")}, but for the time of the build.`
  }
}

const endText = (end: RerunEnd): string => {
  switch (end._tag) {
    case "NotRecorded":
      return `It went another way: it asks for ${end.path}, which the record does not have.`
    case "Differs":
      return `The program of this version is another one: it asks for ${end.path} with other input than was recorded.`
    case "Missing":
      return `It cannot go on at ${end.path}: ${end.message}`
    case "Until":
      return `Stopped before ${end.path}.`
  }
}

const outcomeText = (outcome: Outcome | null): string => {
  if (outcome === null) return "nothing"
  const failure = failureOfOutcome(outcome)
  return failure === null ? "success" : failureText(failure)
}

const fileText = (verdict: FileVerdict): string => {
  switch (verdict._tag) {
    case "Identical":
      return "identical"
    case "SameContents":
      return "the same but for the time of the build"
    case "OtherBytes":
      return `differs (${verdict.why})`
    case "Differs":
      return `differs in ${amount(verdict.changes.length, "place")}`
    case "NotMade":
      return "was made then, and not now"
    case "New":
      return "was not made then"
  }
}

const fileLines = ({ name, verdict, note }: ComparedFile, { width }: Screen): ReadonlyArray<string> => {
  const changes = verdict._tag === "Differs" ? verdict.changes : []
  const shown = changes.slice(0, changesShownMax).map((change) => cut(`  ${changeText(change)}`, width))
  const more = changes.length - shown.length
  return [
    `${name}: ${fileText(verdict)}`,
    ...(note === null ? [] : [`  (${note})`]),
    ...shown,
    ...(more > 0 ? [`  and ${more} more (--json has all)`] : [])
  ]
}

const changeText = ({ path, what, before, after }: ContentsChange): string => {
  const subject = path === null ? what : what === "file" ? path : `${path}, ${what}`
  if (before === null) return `+ ${subject}: ${after}`
  if (after === null) return `- ${subject}: ${before}`
  return `${subject}: ${before} -> ${after}`
}

/** The same for programs. */
export const rerunJson = (recorded: RecordedBuild, report: RerunReport) => ({
  task: recorded.accepted.task,
  attempt: recorded.accepted.attempt,
  method: recorded.accepted.method,
  verdict: verdictOf(recorded, report),
  recorded: recorded.outcome,
  outcome: report.outcome,
  end: report.end,
  files: report.files
})
