/**
 * A recorded attempt's program, run again over its record alone: does this version of the program still ask for the same
 * steps with the same inputs, and come to the same result?
 *
 * It stands beside the runner because it is one: it binds the parameters, runs the handler and maps its exit to an
 * outcome exactly as `Attempt.ts` does, only that the door is one behind which there is nothing. Its type says so: it
 * needs no service at all.
 */
import { hash } from "node:crypto"
import { Effect, Exit, HashMap, Option, Result } from "effect"
import { Door, type Here, type World } from "../buildroot/World.ts"
import { order } from "../core/AttemptCommand.ts"
import { decide } from "../core/AttemptDecider.ts"
import { type AttemptEvent, Outcome, StepValue } from "../core/AttemptEvent.ts"
import type { AttemptState } from "../core/AttemptState.ts"
import { canonical } from "../journal/Canonical.ts"
import { type ReplayEnd, replaying, type ValueMissing } from "../journal/ReplayDoor.ts"
import { parametersOf } from "../koji/TaskParameters.ts"
import { taskType } from "../tasks/Registry.ts"
import type { TaskType } from "../tasks/Task.ts"
import { outcomeOf, stoppedBy, type TaskResult } from "./Outcome.ts"

export interface RecordedAttempt {
  readonly accepted: Extract<AttemptEvent, { _tag: "Accepted" }>
  /** What the attempt added up to before its result was decided, or at the end of the record. */
  readonly state: Exclude<AttemptState, { _tag: "Unknown" }>
  /** Every step's path, in the order of their intents. */
  readonly paths: ReadonlyArray<string>
  /** Null when the record ends before. */
  readonly outcome: Outcome | null
  value(value: StepValue): Effect.Effect<StepJson, ValueMissing>
}
type StepJson = Extract<StepValue, { _tag: "Inline" }>["value"]

/** What became of the program; `steps` is how many the record answered. */
export type ProgramFinding = { readonly steps: number } & (
  | { readonly _tag: "SameResult" }
  /** It has come to its own end, the record has no result yet, or one that was not the program's to decide. */
  | { readonly _tag: "Ended"; readonly outcome: Outcome; readonly recorded: Outcome | null }
  | { readonly _tag: "OtherResult"; readonly outcome: Outcome; readonly recorded: Outcome }
  /** It came to its end without asking for a step that is recorded. */
  | { readonly _tag: "NeverAsked"; readonly path: string }
  /** This version has no program for such tasks. */
  | { readonly _tag: "NoProgram"; readonly method: string }
  | ReplayEnd
)

/** The program of a recorded attempt: its handler, given what was recorded of its parameters. */
export const programOf = Effect.fnUntraced(function* (type: TaskType, accepted: RecordedAttempt["accepted"]) {
  const { method, task: id, arch, request } = accepted
  const parameters = yield* Effect.fromResult(parametersOf(method, Array.isArray(request) ? request : []))
  const { value, files } = yield* type.handler({ id, method, arch, parameters })
  return { value: StepValue.cases.Inline.make({ value }), files } satisfies TaskResult
})

/** Steps that the runner takes itself, around the handler's. */
export const runnersOwn: ReadonlySet<string> = new Set(["openTask", "open/weight"])

export const runRecorded = Effect.fn("runRecorded")(function* (attempt: RecordedAttempt) {
  const { method } = attempt.accepted
  const type = taskType(method)
  if (type === undefined) return { _tag: "NoProgram", method, steps: 0 } satisfies ProgramFinding
  const { steps, stop } = attempt.state
  const replay = yield* replaying<World, Here>({
    step: (path) => Option.getOrUndefined(HashMap.get(steps, path)),
    value: attempt.value
  })
  const exit = yield* programOf(type, attempt.accepted).pipe(
    Effect.provideService(Door, Door.of(replay.door)),
    Effect.exit
  )

  const answered = replay.answered.size
  const found = (finding: Finding): ProgramFinding => ({ ...finding, steps: answered })
  const end = Option.getOrUndefined(yield* replay.end)
  if (end !== undefined) return found(end)
  const path = attempt.paths.find((path) => !replay.answered.has(path) && !runnersOwn.has(path))
  if (path !== undefined) return found({ _tag: "NeverAsked", path })

  const outcome = asDecided(attempt.state, outcomeOf(exit, stop))
  const recorded = attempt.outcome
  if (recorded === null) return found({ _tag: "Ended", outcome, recorded })
  if (sameOutcome(outcome, recorded)) return found({ _tag: "SameResult" })
  // A daemon that stops, or finds its hub gone, gives the task back whatever the program has come to.
  return decidedByRunner(recorded) || (Exit.hasDies(exit) && recorded._tag === "Fault")
    ? found({ _tag: "Ended", outcome, recorded })
    : found({ _tag: "OtherResult", outcome, recorded })
})

/** Without `steps`, which every finding has. */
type Finding = ProgramFinding extends infer F ? (F extends ProgramFinding ? Omit<F, "steps"> : never) : never

/** What the core would have let stand: a success that names a file which never arrived is none. */
const asDecided = (state: RecordedAttempt["state"], outcome: Outcome): Outcome => {
  const decision = decide({ ...state, _tag: "Running" }, order.DecideResult.make({ outcome }))
  if (Result.isSuccess(decision)) return outcome
  return state.stop === null
    ? Outcome.cases.Fault.make({ code: 1, message: decision.failure.message })
    : stoppedBy(state.stop)
}

const decidedByRunner = (outcome: Outcome): boolean =>
  outcome._tag === "Freed" || outcome._tag === "Canceled" || outcome._tag === "Lost"

const sameOutcome = (mine: Outcome, recorded: Outcome): boolean =>
  mine._tag === "Success" && recorded._tag === "Success"
    ? canonical(mine.files) === canonical(recorded.files) && sameValue(mine.result, recorded.result)
    : canonical({ ...mine }) === canonical({ ...recorded })

/** A value that was too large for the journal is compared by its digest: it need not be here. */
const sameValue = (mine: StepValue, recorded: StepValue): boolean => {
  if (mine._tag !== "Inline") return false
  return recorded._tag === "Inline"
    ? canonical(mine.value) === canonical(recorded.value)
    : hash("sha256", JSON.stringify(mine.value), "hex") === recorded.digest
}
