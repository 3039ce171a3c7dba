/**
 * Whether a journal can be believed: its chain, its events, and the promises that hold of every history.
 *
 * What it finds is damage, mixing and mistakes of the program. It does not find a forger, who can write a chain as
 * well as the daemon can.
 */
import { Effect } from "effect"
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import { invariantJudge } from "../core/Invariants.ts"
import type { StreamName } from "../journal/StreamName.ts"
import type { JournalSource } from "./JournalSource.ts"
import { nameOfStream, type Problem } from "./Problem.ts"
import { type JournalScan, scanJournal } from "./ScanJournal.ts"

export interface Verdict {
  readonly file: string
  readonly stream: StreamName
  /** Events before the problem, or all of them. */
  readonly events: number
  readonly tornBytes: number
  /** The first problem by line; null for a journal that holds. */
  readonly problem: Problem | null
  /** How many lines are not believed for the problem's sake. */
  readonly lostLines: number
}

/** Reads a journal and judges all of it. Fails when it is none. */
export const verify = Effect.fn("verify")(function* (source: JournalSource) {
  const judge = invariantJudge()
  let first: AttemptEvent | undefined
  let seen = 0
  let broken: Problem | null = null
  const scan = yield* scanJournal(source, {
    attempt: (event) => {
      first ??= event
      for (const { invariant, detail } of judge(event, seen)) {
        broken ??= { line: seen + 1, kind: "invariant", message: `${invariant}: ${detail}` }
      }
      seen++
    }
  })
  return verdictOf(scan, first, broken)
})

const verdictOf = (scan: JournalScan, first: AttemptEvent | undefined, broken: Problem | null): Verdict => {
  const { file, stream, tornBytes, lostLines, events, problem } = scan
  // The order of lines: a broken promise among the lines that are believed comes before what ended the belief.
  if (broken !== null) {
    const held = broken.line - 1
    return { file, stream, tornBytes, events: held, problem: broken, lostLines: lostLines + events - held }
  }
  return { file, stream, tornBytes, events, lostLines, problem: problem ?? wrongPlace(stream, first) }
}

/** The first event says whose journal it is as well; it must agree with the chain, which was begun with the name. */
const wrongPlace = (stream: StreamName, first: AttemptEvent | undefined): Problem | null => {
  if (stream.kind !== "attempt" || first?._tag !== "Accepted") return null
  const inside: StreamName = { kind: "attempt", task: first.task, attempt: first.attempt }
  if (nameOfStream(inside) === nameOfStream(stream)) return null
  const message = `accepted as ${nameOfStream(inside)}, in the journal of ${nameOfStream(stream)}`
  return { line: 1, kind: "place", message }
}
