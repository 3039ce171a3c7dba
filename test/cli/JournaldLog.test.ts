/** What systemd's journal is given to keep. */
import { fstatSync, openSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Logger, References } from "effect"
import { formatJournald, isJournal } from "../../src/cli/JournaldLog.ts"

/** The lines that this work logs. */
const logged = Effect.fnUntraced(function* (work: Effect.Effect<void>) {
  const lines: Array<string> = []
  const keep = Logger.map(formatJournald, (text) => void lines.push(...text.split("\n")))
  yield* work.pipe(Effect.provide(Logger.layer([keep])), Effect.provideService(References.MinimumLogLevel, "Debug"))
  return lines
})

describe("the log for systemd's journal", () => {
  it.effect("has the priority of each entry in front, and what it is about behind", () =>
    Effect.gen(function* () {
      const about = Effect.annotateLogs({ task: 9, attempt: 1 })
      assert.deepStrictEqual(yield* logged(Effect.log("status:", "ready")), ["<6>status: ready"])
      assert.deepStrictEqual(yield* logged(about(Effect.logWarning("no answer"))), ["<4>no answer (task 9, attempt 1)"])
      assert.deepStrictEqual(yield* logged(about(Effect.log("task 9, attempt 1: closed"))), [
        "<6>task 9, attempt 1: closed"
      ])
      assert.deepStrictEqual(yield* logged(Effect.logDebug({ asked: 1 })), ['<7>{"asked":1}'])
    })
  )

  it.effect("leaves out what the line speaks of already, and nothing that only looks like it", () =>
    Effect.gen(function* () {
      const about = (task: number) => Effect.annotateLogs({ task })
      assert.deepStrictEqual(yield* logged(about(1)(Effect.log("waits for task 12"))), [
        "<6>waits for task 12 (task 1)"
      ])
      assert.deepStrictEqual(yield* logged(about(1)(Effect.log("subtask 1"))), ["<6>subtask 1 (task 1)"])
      assert.deepStrictEqual(yield* logged(about(1)(Effect.log("[task 1]"))), ["<6>[task 1]"])
      const odd = Effect.annotateLogs({ file: "a+(b" })
      assert.deepStrictEqual(yield* logged(odd(Effect.log("no file a+(b, nor c"))), ["<6>no file a+(b, nor c"])
      assert.deepStrictEqual(yield* logged(odd(Effect.log("no file aa"))), ["<6>no file aa (file a+(b)"])
    })
  )

  it.effect("prints whatever it is given: errors with their words and cause, numbers of any size, circles", () =>
    Effect.gen(function* () {
      const error = new Error("no answer", { cause: new TypeError("reset") })
      assert.deepStrictEqual(yield* logged(Effect.log("why:", error)), [
        "<6>why: Error: no answer (cause: TypeError: reset)"
      ])
      const circle: { size: bigint; self?: unknown } = { size: 2n ** 64n }
      circle.self = circle
      assert.deepStrictEqual(yield* logged(Effect.log(circle)), ['<6>{"size":18446744073709551616n,"self":[Circular]}'])
      assert.deepStrictEqual(yield* logged(Effect.log(1n, null)), ["<6>1 null"])
    })
  )

  it.effect("gives no line another priority than its entry's, and spells out what a terminal would obey", () =>
    Effect.gen(function* () {
      const lines = yield* logged(Effect.logError("one\n<7>two\x1b[2J", Cause.fail(new Error("three"))))
      assert.deepStrictEqual(lines.slice(0, 2), ["<3>one", "<3><7>two\\x1b[2J"])
      assert.include(lines[2], "<3>Error: three")
      assert.isTrue(lines.every((line) => line.startsWith("<3>")))
    })
  )

  it("is for a stream that systemd has named, and for no other", () => {
    const descriptor = openSync("/dev/null", "w")
    const { dev, ino } = fstatSync(descriptor)
    assert.isTrue(isJournal(`${dev}:${ino}`, descriptor))
    for (const other of [undefined, "", `${dev}`, `${dev}:${ino + 1}`, `${dev + 1}:${ino}`]) {
      assert.isFalse(isJournal(other, descriptor))
    }
    assert.isFalse(isJournal(`${dev}:${ino}`, -1))
  })
})
