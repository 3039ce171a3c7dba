/** The tasks by which Koji's own people see whether a builder takes, waits, cleans up and fails as it should (tasks.md 9). */
import { Effect, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { runContainer } from "../buildroot/ContainerSteps.ts"
import { mockStatus } from "../buildroot/MockStatus.ts"
import { toolsEnvironment } from "../buildroot/RootEnvironment.ts"
import { toolsImageFor } from "../buildroot/ToolsImage.ts"
import { Door } from "../buildroot/World.ts"
import { genericError, otherError, type TaskFailure } from "../koji/Fault.ts"
import { notAnInteger, notSupported, pythonNumber } from "../koji/PythonErrors.ts"
import { type PythonValue, pythonStr } from "../koji/PythonRepr.ts"
import { subtask as makeSubtask, waitFor } from "./Subtasks.ts"
import { givenValue, type Handler, parameters, plain } from "./Task.ts"

/** Leaves `$1` processes behind that sleep for `$2`, and ends. */
export const forkScript = `i=0
while [ "$i" -lt "$1" ]; do
  sleep "$2" &
  i=$((i + 1))
done
`

/** A builder that cleans up after so many does after more; and other tasks run beside this one. */
const countMax = 500

/**
 * `fork`: begins processes and does not wait for them. kojid's outlive the task; these are in a container, whose end is
 * theirs.
 */
export const fork: Handler = Effect.fn("fork")(function* (task) {
  const door = yield* Door
  const count = yield* integer(givenValue(task, "n"))
  const seconds = pythonStr(givenValue(task, "m"))
  if (count <= 0) return plain(null)
  if (count > countMax) return yield* genericError(`fork is a test: ${countMax} processes at most, not ${count}`)
  const status = yield* door.here(
    { path: "fork", rule: "ask", input: [count, seconds] },
    Schema.Int,
    Effect.gen(function* () {
      const { limits } = yield* BuilderSettings
      const exit = yield* runContainer({
        step: "fork",
        part: null,
        image: yield* toolsImageFor("", task.arch),
        command: ["/bin/sh", "-c", forkScript, "fork", String(count), seconds],
        environment: toolsEnvironment,
        user: "build",
        capabilities: "build",
        network: "none",
        mounts: [],
        workingDirectory: "/",
        logs: [],
        wallSeconds: limits.wallSeconds,
        commit: null
      })
      const ended = mockStatus(exit.reason)
      return ended._tag === "Status" ? ended.status : 128 + ended.signal
    })
  )
  // Some shell has said why, in the container's own log: there are as many processes as the limit allows.
  if (status !== 0)
    return yield* otherError(`${count} processes could not be begun: the shell exited with status ${status}`)
  return plain(null)
})

/** `subtask`: a chain of children, one below the other, with a short sleep at its end. */
export const subtask: Handler = Effect.fn("subtask")(function* (task) {
  const given = givenValue(task, "n")
  const depth = pythonNumber(given)
  if (depth === undefined) return yield* notSupported(">", given, 0)
  const child = yield* makeSubtask(
    task,
    depth > 0
      ? { method: "subtask", arguments: [depth - 1], label: "foo" }
      : { method: "sleep", arguments: [lastSleepSeconds], label: "bar" }
  )
  yield* waitFor(task, "child", [child], false)
  return plain(null)
})
const lastSleepSeconds = 15

/** `waittest`: children that sleep, and one that fails and may. */
export const waitTest: Handler = Effect.fn("waittest")(function* (task) {
  const count = yield* integer(givenValue(task, "count"))
  const { seconds } = yield* parameters(task, Schema.Struct({ seconds: Schema.Json }))
  const children: Array<number> = []
  for (let nth = 0; nth < count; nth++) {
    children.push(yield* makeSubtask(task, { method: "sleep", arguments: [seconds], label: String(nth) }))
  }
  const bad = yield* makeSubtask(task, { method: "sleep", arguments: ["BAD_ARG"], label: "bad" })
  yield* waitFor(task, "children", [...children, bad], true, { canFail: [bad] })
  return plain(null)
})

/** `someMethod`: what it is given does not matter. */
export const someMethod: Handler = () => Effect.succeed(plain(42))

/** `default`: what kojid once made of tasks that it had no handler for. */
export const defaultTask: Handler = ({ method }) => Effect.fail(genericError(`Invalid method: ${method}`))

const integer = (value: PythonValue): Effect.Effect<number, TaskFailure> => {
  const number = pythonNumber(value)
  return number !== undefined && Number.isInteger(number) ? Effect.succeed(number) : Effect.fail(notAnInteger(value))
}
