/**
 * What holds of every history that a task has left: the core could have made each of its events, and the program, run
 * again over the record alone, asks for the same and comes to the same.
 */
import { assert } from "@effect/vitest"
import { Effect, type Schema } from "effect"
import type { AttemptEvent, StepValue } from "../../src/core/AttemptEvent.ts"
import { runRecorded } from "../../src/daemon/RecordedAttempt.ts"
import { historyCheck } from "../../src/inspect/Check.ts"

export const assertReplays = Effect.fnUntraced(function* (
  history: ReadonlyArray<AttemptEvent>,
  value: (value: StepValue) => Effect.Effect<Schema.Json>
) {
  const check = historyCheck()
  for (const event of history) check.add(event)
  const { brokenPromise, impossibleEvent, accepted, undecided, paths, outcome } = check.found()
  assert.isNull(brokenPromise)
  assert.isNull(impossibleEvent)
  if (accepted === null || undecided._tag === "Unknown") return assert.fail("the history has no beginning")
  const finding = yield* runRecorded({ accepted, state: undecided, paths, outcome, value })
  if (outcome?._tag === "Success") assert.strictEqual(finding._tag, "SameResult", JSON.stringify(finding))
  else assert.include(["SameResult", "Ended", "RecordEnds"], finding._tag, JSON.stringify(finding))
})
