/**
 * Whether a journal can be believed: its chain, its events, and the promises that hold of every history.
 *
 * What it finds is damage, mixing and mistakes of the program. It does not find a forger, who can write a chain as
 * well as the daemon can.
 */
import { Effect } from "effect"
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import { violations } from "../core/Invariants.ts"
import type { StreamName } from "../journal/StreamName.ts"
import {
  attemptEvents,
  daemonEvents,
  type JournalRead,
  nameOfStream,
  type Problem,
  readJournal
} from "./ReadJournal.ts"

export interface Verdict {
  readonly file: string
  readonly stream: StreamName
  /** Events before the problem, or all of them. */
  readonly events: number
  readonly tornBytes: number
  /** The first problem by line; null for a journal that holds. */
  readonly problem: Problem | null
}

/** Reads a journal and judges all of it. Fails when it is none. */
export const verify = Effect.fn("verify")(function* (file: string) {
  const read = yield* readJournal(file)
  return judge(read)
})

const judge = (read: JournalRead): Verdict => {
  const { file, stream, tornBytes } = read
  const verdict = (events: number, problem: Problem | null): Verdict => ({ file, stream, events, tornBytes, problem })
  if (stream.kind === "daemon") {
    const { events, problem } = daemonEvents(read)
    return verdict(events.length, problem)
  }
  const { events, problem } = attemptEvents(read)
  const history = events.map(({ event }) => event)
  const [broken] = [...violations(history)].sort((a, b) => a.index - b.index)
  // The order of lines: a broken promise among the lines that are believed comes before what ended the belief.
  if (broken !== undefined && (problem === null || problem.line > broken.index + 1 || problem.kind === "place")) {
    const message = `${broken.invariant}: ${broken.detail}`
    return verdict(broken.index, { line: broken.index + 1, kind: "invariant", message })
  }
  return verdict(events.length, problem ?? wrongPlace(stream, history[0]))
}

/** The first event says whose journal it is as well; it must agree with the chain, which was begun with the name. */
const wrongPlace = (stream: StreamName, first: AttemptEvent | undefined): Problem | null => {
  if (stream.kind === "daemon" || first?._tag !== "Accepted") return null
  const inside: StreamName = { kind: "attempt", task: first.task, attempt: first.attempt }
  if (nameOfStream(inside) === nameOfStream(stream)) return null
  const message = `accepted as ${nameOfStream(inside)}, in the journal of ${nameOfStream(stream)}`
  return { line: 1, kind: "place", message }
}
