/** What becomes of the root that an attempt failed in, at the attempt's end: kept if it ended in failure, else not. */
import { type Cause, Effect, Exit, Option } from "effect"
import { type FailedRoot, nameOf } from "../buildroot/FailedRoot.ts"
import { FailedRoots, failedContainer } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { Workspace } from "../buildroot/Workspace.ts"
import { order } from "../core/AttemptCommand.ts"
import { Engine } from "../engine/Engine.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import type { TaskFailure } from "../koji/Fault.ts"
import { outcomeOf } from "./Outcome.ts"

interface Attempt extends Pick<FailedRoot, "task" | "attempt" | "method" | "arch"> {}

/** A failed task's owner will want to look into the root that it failed in. */
export const keepRoot = Effect.fnUntraced(
  function* (of: Attempt, cause: Cause.Cause<TaskFailure>) {
    const journal = yield* AttemptJournal
    const state = yield* journal.state
    const failed = Option.getOrUndefined(failedContainer(state))
    const outcome = outcomeOf(Exit.failCause(cause), state._tag === "Unknown" ? null : state.stop)
    if (failed === undefined || outcome._tag !== "Fault") return
    const roots = yield* FailedRoots
    const workspace = yield* Workspace
    yield* roots.keep({ ...of, failed, failure: outcome.message, workspace })
    yield* journal.submit(order.Note.make({ text: `the root of ${failed.step} is kept: adjutant shell ${of.task}` }))
  },
  Effect.catchCause((cause) => Effect.logWarning("the root that it failed in is not kept", cause))
)

/** Of an attempt that did not end in failure after all nothing is kept. */
export const dropRoot = Effect.fnUntraced(function* ({ task, attempt }: Pick<Attempt, "task" | "attempt">) {
  const engine = yield* Engine
  const images = yield* ImageStore
  const journal = yield* AttemptJournal
  const roots = yield* FailedRoots
  yield* roots.drop(task, attempt)
  const failed = failedContainer(yield* journal.state)
  if (Option.isSome(failed)) yield* Effect.ignore(engine.removeImage(failed.value.image))
  yield* images.unpin(nameOf({ task, attempt }))
})

/** The images that it used may be evicted, unless its root is kept: that one is made of them. */
export const unpinImages = Effect.fnUntraced(function* ({ task, attempt }: Pick<Attempt, "task" | "attempt">) {
  const images = yield* ImageStore
  const roots = yield* FailedRoots
  const kept = yield* roots.list
  const names = [...kept.roots, ...kept.unread].map(nameOf)
  if (!names.includes(nameOf({ task, attempt }))) yield* images.unpin(nameOf({ task, attempt }))
})
