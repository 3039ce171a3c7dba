import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { cut, paint, wrap } from "../../src/inspect/Columns.ts"
import { amount, bytes, duration, offset, wallClock } from "../../src/inspect/Units.ts"

const second = 1000
const minute = 60 * second
const hour = 60 * minute

describe("units", () => {
  it("spells durations in at most six characters", () => {
    const cases: ReadonlyArray<readonly [number, string]> = [
      [0, "0ms"],
      [-5, "0ms"],
      [49, "49ms"],
      [100, "0.1s"],
      [320, "0.3s"],
      [59_940, "59.9s"],
      [59_960, "1m00s"],
      [250 * second, "4m10s"],
      [hour - 1, "1h00m"],
      [2 * hour + 5 * minute, "2h05m"],
      [24 * hour - 1, "1d00h"],
      [76 * hour, "3d04h"]
    ]
    for (const [milliseconds, text] of cases) assert.strictEqual(duration(milliseconds), text)
  })

  it("spells times since the beginning", () => {
    assert.strictEqual(offset(7_390), "0:07.3")
    assert.strictEqual(offset(59_999), "0:59.9")
    assert.strictEqual(offset(725_000), "12:05.0")
    assert.strictEqual(offset(hour + 2 * minute + 5_900), "1:02:05.9")
  })

  it("spells sizes", () => {
    assert.strictEqual(bytes(0), "0 B")
    assert.strictEqual(bytes(1023), "1023 B")
    assert.strictEqual(bytes(1024), "1.0 KiB")
    assert.strictEqual(bytes(1024 * 1024 - 1), "1.0 MiB")
    assert.strictEqual(bytes(8 * 1024 ** 3), "8.0 GiB")
  })

  it("counts", () => {
    assert.strictEqual(amount(1, "file"), "1 file")
    assert.strictEqual(amount(0, "file"), "0 files")
  })

  it("tells the time of day, of days that there are", () => {
    assert.strictEqual(wallClock(0), "1970-01-01 00:00:00 UTC")
    assert.strictEqual(wallClock(Number.MAX_SAFE_INTEGER), "an impossible time")
  })
})

describe("columns", () => {
  it.prop("wrapped text keeps to its width and loses nothing but blanks", { text: Schema.String }, ({ text }) => {
    for (const width of [5, 20, 80]) {
      const lines = wrap(text, width)
      for (const line of lines) assert.isAtMost([...line].length, width)
      assert.strictEqual(lines.join("").replaceAll(" ", ""), text.replaceAll(" ", ""))
      assert.isAtMost([...cut(text, width)].length, width)
    }
  })

  it("breaks at blanks where it can", () => {
    assert.deepStrictEqual(wrap("see build.log for more", 15), ["see build.log", "for more"])
    assert.deepStrictEqual(wrap("a averyveryverylongword", 10), ["a averyver", "yverylongw", "ord"])
  })

  it("paints for those who asked only", () => {
    assert.strictEqual(paint(false)("bad", "x"), "x")
    assert.strictEqual(paint(true)("bad", "x"), "\x1b[1;31mx\x1b[0m")
    assert.strictEqual(paint(true)("bad", "  "), "  ")
  })
})
