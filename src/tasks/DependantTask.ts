/** `dependantTask`: makes tasks once others have ended well, and waits for those (tasks.md 9). */
import { Effect, Schema } from "effect"
import { hubFailure, hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { getTaskInfos } from "../hub/calls/tasks.ts"
import { genericError, otherError } from "../koji/Fault.ts"
import { isFinished, taskStates } from "../koji/TaskState.ts"
import { subtask, waitFor } from "./Subtasks.ts"
import { type Handler, parameters, plain } from "./Task.ts"

const Options = Schema.NullOr(Schema.Record(Schema.String, Schema.Json))
const Parameters = Schema.Struct({
  wait_list: Schema.Array(Schema.Json),
  task_list: Schema.Array(
    Schema.Union([
      Schema.Tuple([Schema.String, Schema.Array(Schema.Json)]),
      Schema.Tuple([Schema.String, Schema.Array(Schema.Json), Options])
    ])
  )
})

/**
 * The tasks waited for are nobody's children, so there is no waking. kojid asks twice a second for each; one question for
 * all of them, a little later, is as good.
 */
const pollSeconds = 5

export const dependantTask: Handler = Effect.fn("dependantTask")(function* (task) {
  const door = yield* Door
  const given = yield* parameters(task, Parameters)
  const numbers = given.wait_list.filter((id) => Number.isInteger(id)).map(Number)
  const awaited = yield* hubStep(
    "known",
    Schema.Array(Schema.Int),
    Effect.map(getTaskInfos(numbers), (infos) => infos.flatMap((info) => (info === null ? [] : [info.id]))),
    { input: numbers }
  )
  yield* door.step(
    { path: "dependencies", rule: "repeat", input: [...awaited] },
    Schema.Null,
    untilDone(awaited).pipe(
      Effect.catchTag(["HubFault", "HubUnavailable", "HubNonsense"], (e) => Effect.fail(hubFailure(e)))
    )
  )
  const children: Array<number> = []
  for (const [nth, [method, params, options]] of given.task_list.entries()) {
    for (const name of ["method", "arglist", "parent"]) {
      if (Object.hasOwn(options ?? {}, name)) {
        return yield* otherError(`TypeError: subtask() got multiple values for keyword argument '${name}'`)
      }
    }
    children.push(
      yield* subtask(task, {
        method,
        arguments: params,
        label: null,
        options: options ?? {},
        among: { place: `${nth + 1}`, others: [...children] }
      })
    )
  }
  if (children.length > 0) yield* waitFor(task, "children", children, false)
  return plain(null)
})

const untilDone = Effect.fnUntraced(function* (awaited: ReadonlyArray<number>) {
  for (let left = awaited; left.length > 0; ) {
    const infos = (yield* getTaskInfos(left)).flatMap((info) => (info === null ? [] : [info]))
    for (const { id, state } of infos) {
      if (state === taskStates.CANCELED || state === taskStates.FAILED) {
        return yield* genericError(`Dependency ${id} failed to complete.`)
      }
    }
    left = infos.filter(({ state }) => !isFinished(state)).map(({ id }) => id)
    if (left.length > 0) yield* Effect.sleep(`${pollSeconds} seconds`)
  }
  return null
})
