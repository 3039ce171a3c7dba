/** The steps of two builds side by side, and how each ended. */
import { badEnd } from "../FailedIn.ts"
import { failureText } from "../Failure.ts"
import type { StepSpan, Timeline } from "../Timeline.ts"
import { exitWord } from "../TimelineRows.ts"
import { type Change, compared } from "./Change.ts"

export interface StepPair {
  readonly step: string
  readonly a: StepSpan | undefined
  readonly b: StepSpan | undefined
}

/** The steps of both, in the order of the first, those of the second alone behind the one they came after. */
export const stepPairs = (a: Timeline, b: Timeline): ReadonlyArray<StepPair> => {
  const inA = new Map(a.steps.map((step) => [step.path, step]))
  const inB = new Map(b.steps.map((step) => [step.path, step]))
  const order = a.steps.map((step) => step.path)
  let place = 0
  for (const { path } of b.steps) {
    if (inA.has(path)) place = order.indexOf(path) + 1
    else order.splice(place++, 0, path)
  }
  return order.map((step) => ({ step, a: inA.get(step), b: inB.get(step) }))
}

export const stepChanges = (pairs: ReadonlyArray<StepPair>): ReadonlyArray<Change> =>
  compared(
    "steps",
    pairs.map(({ step, a, b }) => [step, a === undefined ? null : endOf(a), b === undefined ? null : endOf(b)])
  )

/** How a step ended, in the words that two builds have in common. */
export const endOf = (step: StepSpan): string => {
  const [last] = step.containers.filter(badEnd).slice(-1)
  const exit = last?.exit == null ? "" : ` (${exitWord(last.exit.reason)})`
  switch (step.outcome) {
    case "succeeded":
      return `ok${exit}`
    case "failed":
      return `failed${exit}${step.failure === null ? "" : `: ${failureText(step.failure)}`}`
    case "open":
      return "no end"
  }
}

/** In milliseconds; null without an end. */
export const took = (step: StepSpan | undefined): number | null =>
  step === undefined || step.settledAt === null ? null : step.settledAt - step.intendedAt
