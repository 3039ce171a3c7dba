/** Whether this host can run a task at all, asked before it is opened (tasks.md 1.11, daemon.md 9.4). */
import { Effect, Predicate } from "effect"
import { getBuildConfig } from "../hub/calls/tags.ts"
import { hostCheckPasses } from "../koji/Arch.ts"
import type { PythonValue } from "../koji/PythonRepr.ts"
import type { BoundParameters } from "../koji/TaskParameters.ts"
import type { TaskType } from "./Task.ts"

/** False when the tag's arches and the host's have nothing in common; any error counts as false, as for kojid. */
export const hostCheck = Effect.fn("hostCheck")(
  function* (type: TaskType, parameters: BoundParameters<PythonValue>, hostArches: string | null) {
    if (type.tagOf === null) return true
    const tag = type.tagOf(parameters)
    const key = Predicate.isObject(tag) && "id" in tag ? tag.id : tag
    if (!Predicate.isString(key) && !Predicate.isNumber(key)) return false
    const config = yield* getBuildConfig(key, {})
    return hostCheckPasses(hostArches, config.arches)
  },
  Effect.catchCause(() => Effect.succeed(false))
)
