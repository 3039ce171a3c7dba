import { assert, describe, it } from "@effect/vitest"
import { type From, makeLogCursor } from "../../src/engine/LogCursor.ts"
import { numbersFrom } from "../core/generate.ts"

const stampOf = (nanoseconds: number) =>
  `2026-01-31T16:29:${String(Math.floor(nanoseconds / 1e9)).padStart(2, "0")}.${String(nanoseconds % 1e9).padStart(9, "0")}Z`

/** What the engine gives of a log. */
const readFrom = <A extends { readonly stamp: string }>(log: ReadonlyArray<A>, { since, tail }: From) => {
  if (tail !== undefined) return log.slice(-tail)
  if (since === undefined) return log
  const [seconds, nanoseconds] = since.split(".")
  const stamp = `${new Date(1000 * Number(seconds)).toISOString().slice(0, 19)}.${nanoseconds}Z`
  return log.filter((entry) => entry.stamp >= stamp)
}

describe("a log cursor", () => {
  it("takes every entry once, however often the log is read again and wherever it breaks off", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const below = numbersFrom(seed)
      const log: Array<string> = []
      let now = 0
      for (let count = 1 + below(5000); count > 0; count--) {
        // Parts of a long line share a stamp; two streams are stamped out of order by a little.
        if (below(3) > 0) now += below(2000)
        log.push(stampOf(Math.max(0, now - below(2) * below(50))))
      }
      const entries = log.map((stamp, index) => ({ stamp, index }))
      const cursor = makeLogCursor()
      const taken: Array<number> = []
      let visible = 0
      while (taken.length < log.length) {
        visible = Math.min(log.length, visible + below(2000))
        const reading = readFrom(entries.slice(0, visible), cursor.reopen(below(2) === 0 ? "time" : "end"))
        const until = visible === log.length && below(2) === 0 ? reading.length : below(reading.length + 1)
        for (const { stamp, index } of reading.slice(0, until)) {
          const verdict = cursor.accept(stamp)
          if (verdict === "gap") break
          if (verdict === "new") taken.push(index)
        }
      }
      assert.deepStrictEqual(
        taken,
        entries.map(({ index }) => index),
        `seed ${seed}`
      )
    }
  })

  it("begins a new reading near the end, not at the start", () => {
    const cursor = makeLogCursor()
    assert.deepStrictEqual(cursor.reopen("time"), {})
    for (let i = 0; i < 100_000; i++) cursor.accept(stampOf(1000 * i))
    const { since = "" } = cursor.reopen("time")
    assert.isAbove(Number(since.split(".")[1]), 1000 * 97_000)
    assert.isBelow(cursor.reopen("end").tail ?? Number.POSITIVE_INFINITY, 15_000)
  })

  it("does not take for the rest of the log what begins after the part that it knows", () => {
    const cursor = makeLogCursor()
    const log = Array.from({ length: 50_000 }, (_, i) => ({ stamp: stampOf(1000 * i) }))
    for (const { stamp } of log.slice(0, 20_000)) cursor.accept(stamp)
    const [first] = readFrom(log, cursor.reopen("end"))
    assert.strictEqual(cursor.accept(first?.stamp ?? ""), "gap")
    const taken = readFrom(log, cursor.reopen("time")).filter(({ stamp }) => cursor.accept(stamp) === "new")
    assert.deepStrictEqual(taken, log.slice(20_000))
  })
})
