/**
 * What `adjutant replay --check` finds: the journal held against its own chain, against the promises and the rules of the
 * core, and against the program that this version would run.
 */
import { Effect } from "effect"
import type { Outcome } from "../core/AttemptEvent.ts"
import type { ProgramFinding } from "../daemon/RecordedAttempt.ts"
import type { HistoryCheck } from "../inspect/Check.ts"
import { paint } from "../inspect/Columns.ts"
import { failureOfOutcome, failureText } from "../inspect/Failure.ts"
import { harmless } from "../inspect/Harmless.ts"
import type { JournalScan } from "../inspect/ScanJournal.ts"
import type { Surroundings } from "../inspect/Surroundings.ts"
import { amount } from "../inspect/Units.ts"
import { valueAround } from "../inspect/Values.ts"

export interface ReplayFindings {
  readonly scan: JournalScan
  readonly history: HistoryCheck
  /** Null when nothing of the record can be given to a program. */
  readonly program: ProgramFinding | null
}

/** Runs the program over what the history has. Loaded when it is wanted, for it brings all task types with it. */
export const programFinding = Effect.fnUntraced(function* (history: HistoryCheck, around: Surroundings) {
  const { accepted, undecided, paths, outcome } = history
  if (accepted === null || undecided._tag === "Unknown") return null
  const { runRecorded } = yield* Effect.promise(() => import("../daemon/RecordedAttempt.ts"))
  return yield* runRecorded({ accepted, state: undecided, paths, outcome, value: valueAround(around) })
})

/** Whether anything is wrong with the journal, or with the program by its measure. */
export const isWrong = ({ scan, history, program }: ReplayFindings): boolean =>
  scan.problem !== null ||
  history.brokenPromise !== null ||
  history.impossibleEvent !== null ||
  (program !== null && differs(program))

const differs = (finding: ProgramFinding): boolean => {
  switch (finding._tag) {
    case "Differs":
    case "NeverAsked":
    case "OtherResult":
      return true
    case "SameResult":
    case "Ended":
    case "RecordEnds":
    case "ValueMissing":
    case "NoProgram":
      return false
  }
}

/** Four lines: one for each thing that is held against another. */
export const checkText = (findings: ReplayFindings, colours: boolean): string => {
  const tinted = paint(colours)
  const { scan, history, program } = findings
  const line = (name: string, bad: boolean, text: string) =>
    `${name.padEnd(nameWidth)}${bad ? tinted("bad", "WRONG") : tinted("good", "ok   ")}  ${harmless(text)}`
  const wrong = (at: { readonly line: number; readonly message: string }) => `line ${at.line}: ${at.message}`
  const torn = scan.tornBytes === 0 ? "" : `, then ${amount(scan.tornBytes, "byte")} of an unfinished line`
  const lost = scan.lostLines === 0 ? "" : `; ${amount(scan.lostLines, "line")} from there on are not believed`
  return [
    line(
      "chain",
      scan.problem !== null,
      scan.problem === null
        ? `${amount(scan.events, "line")}, each following the one before${torn}`
        : wrong(scan.problem) + lost
    ),
    line(
      "promises",
      history.brokenPromise !== null,
      history.brokenPromise === null
        ? `kept at each of ${amount(history.prefixes, "prefix", "prefixes")}`
        : wrong(history.brokenPromise)
    ),
    line(
      "events",
      history.impossibleEvent !== null,
      history.impossibleEvent === null
        ? "each is one that the core would have recorded then"
        : wrong(history.impossibleEvent)
    ),
    program === null
      ? line("program", false, "there is nothing to run it on")
      : line("program", differs(program), programText(program))
  ].join("\n")
}

const nameWidth = 10

const programText = (finding: ProgramFinding): string => {
  const answered = `${amount(finding.steps, "step")} answered from the record`
  switch (finding._tag) {
    case "SameResult":
      return `${answered}, and the same result`
    case "Ended":
      return finding.recorded === null
        ? `${answered}; it ends with ${outcomeText(finding.outcome)}, where the record ends`
        : `${answered}; it ends with ${outcomeText(finding.outcome)}, and the daemon decided: ${outcomeText(finding.recorded)}`
    case "OtherResult":
      return `${answered}; the result differs: recorded ${outcomeText(finding.recorded)}, the program comes to ${outcomeText(finding.outcome)}`
    case "NeverAsked":
      return `${answered}; differs at ${finding.path}: recorded, and the program comes to its end without it`
    case "Differs":
      return `${answered}; differs at ${finding.path}: recorded ${finding.recorded}, the program asks for ${finding.asked}`
    case "RecordEnds":
      return `${answered}; the record ends ${finding.begun ? `in ${finding.path}, which was begun` : `before ${finding.path}`}`
    case "ValueMissing":
      return `${answered}; it cannot go on at ${finding.path}: ${finding.missing.message}`
    case "NoProgram":
      return `this version has none for ${finding.method}`
  }
}

const outcomeText = (outcome: Outcome): string => {
  const failure = failureOfOutcome(outcome)
  if (failure !== null) return failureText(failure)
  if (outcome._tag !== "Success" || outcome.result._tag === "Blob") return "success"
  return `success, ${JSON.stringify(outcome.result.value)}`
}
