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
