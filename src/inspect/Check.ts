/**
 * Whether a history is one that can have happened: its chain holds, it keeps every promise at every prefix, and each of
 * its events is one that the core would have recorded in the state before.
 *
 * The invariants and the rules of the core are two statements of the same promises, made apart; a journal is held against
 * both, so that a mistake in one of them shows as well.
 */
import { Result } from "effect"
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../core/AttemptState.ts"
import { invariantJudge } from "../core/Invariants.ts"
import { couldHappen } from "../core/OrderBehind.ts"
import type { Problem } from "./Problem.ts"

/** Where something is wrong, and what. `line` counts from 1. */
export type Wrong = Pick<Problem, "line" | "message">

export interface HistoryCheck {
  /** Prefixes that were judged: one more than events, for the empty one keeps every promise too. */
  readonly prefixes: number
  readonly brokenPromise: Wrong | null
  readonly impossibleEvent: Wrong | null
  readonly accepted: Extract<AttemptEvent, { _tag: "Accepted" }> | null
  /** What the attempt added up to when its result was decided, or at the end of the record. */
  readonly undecided: AttemptState
  /** Every step, in the order of the intents. */
  readonly paths: ReadonlyArray<string>
  readonly outcome: Extract<AttemptEvent, { _tag: "ResultDecided" }>["outcome"] | null
}

/** Takes a history event by event; what it finds is complete when the last has been added. */
export const historyCheck = () => {
  const judge = invariantJudge()
  const paths: Array<string> = []
  let state: AttemptState = initial
  let undecided: AttemptState = initial
  let accepted: HistoryCheck["accepted"] = null
  let outcome: HistoryCheck["outcome"] = null
  let brokenPromise: Wrong | null = null
  let impossibleEvent: Wrong | null = null
  let events = 0

  const add = (event: AttemptEvent): void => {
    const line = events + 1
    const [broken] = judge(event, events)
    if (broken !== undefined) brokenPromise ??= { line, message: `${broken.invariant}: ${broken.detail}` }
    if (impossibleEvent === null) {
      const judged = couldHappen(state, event)
      if (Result.isFailure(judged)) impossibleEvent = { line, message: judged.failure }
    }
    if (event._tag === "Accepted") accepted ??= event
    if (event._tag === "StepIntended") paths.push(event.step)
    if (event._tag === "ResultDecided") outcome ??= event.outcome
    state = evolve(state, event)
    if (outcome === null) undecided = state
    events++
  }
  const found = (): HistoryCheck => ({
    prefixes: events + 1,
    brokenPromise,
    impossibleEvent,
    accepted,
    undecided,
    paths,
    outcome
  })
  return { add, found }
}
