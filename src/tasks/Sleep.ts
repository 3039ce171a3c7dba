/**
 * `sleep`: takes so many seconds and does nothing (tasks.md 9). It ends so long after its recorded beginning, so that
 * one that another process of the daemon goes on with sleeps what is left.
 */
import { Clock, Effect, Schema } from "effect"
import { Door } from "../buildroot/World.ts"
import { otherError, type TaskFailure } from "../koji/Fault.ts"
import { notAnInteger, pythonNumber } from "../koji/PythonErrors.ts"
import type { PythonValue } from "../koji/PythonRepr.ts"
import { givenValue, type Handler, plain } from "./Task.ts"

export const sleep: Handler = Effect.fn("sleep")(function* (task) {
  const door = yield* Door
  const millis = 1000 * (yield* sleepSeconds(givenValue(task, "n")))
  const started = yield* door.step({ path: "started", rule: "repeat" }, Schema.Int, Clock.currentTimeMillis)
  const left = Effect.map(Clock.currentTimeMillis, (now) => Math.min(millis, started + millis - now))
  yield* door.step(
    { path: "sleep", rule: "repeat", input: millis },
    Schema.Null,
    left.pipe(
      Effect.flatMap((rest) => Effect.sleep(`${Math.max(0, rest)} millis`)),
      Effect.as(null)
    )
  )
  return plain(null)
})

/** More than this Python cannot sleep: 2^63 nanoseconds. */
const secondsMax = 9_223_372_036

const sleepSeconds = (value: PythonValue): Effect.Effect<number, TaskFailure> => {
  const seconds = pythonNumber(value)
  if (seconds === undefined) return Effect.fail(notAnInteger(value))
  if (seconds < 0) return Effect.fail(otherError("ValueError: sleep length must be non-negative"))
  if (seconds > secondsMax)
    return Effect.fail(otherError("OverflowError: timestamp too large to convert to C _PyTime_t"))
  return Effect.succeed(seconds)
}
