/** kojid's `log_timestamps`: when how much of each log had arrived. */
import { assert, describe, it } from "@effect/vitest"
import { ofArch as building, hello } from "./building.ts"

const timed = { daemon: { name: "builder1", settings: { logTimestamps: true } } } as const

const linesOf = (text = "") =>
  text
    .trim()
    .split("\n")
    .map((line) => line.split(" ").map(Number))

describe("log_timestamps", () => {
  it("has a file of times beside each log that grows, up to its last byte", async () => {
    const { files, result } = await building({ ...hello, lines: ["one", "two", "three"], lineMillis: 4000 }, timed)
    const logs = "build dnf hw_info installed_pkgs mock_output root state".split(" ").map((name) => `${name}.log`)
    assert.deepStrictEqual(
      [...files.keys()].filter((name) => name.endsWith("-ts.log")),
      logs.map((name) => `${name}-ts.log`).sort()
    )
    for (const name of logs) {
      const text = files.get(`${name}-ts.log`) ?? ""
      assert.match(text, /^(\d+ \d+\n){2,}$/, name)
      const [first, ...rest] = linesOf(text)
      assert.deepStrictEqual(first?.[1], 0)
      assert.strictEqual(rest.at(-1)?.[1], Buffer.byteLength(files.get(name) ?? ""), name)
      for (const [at, [seconds = 0, bytes = 0]] of rest.entries()) {
        const [before = 0, less = 0] = linesOf(text)[at] ?? []
        assert.isTrue(seconds >= before && bytes > less, `${name}: ${text}`)
      }
    }
    // Three lines, four seconds apart: each arrived by itself.
    const seconds = linesOf(files.get("build.log-ts.log")).map(([at]) => at)
    assert.isAtLeast(new Set(seconds).size, 4)
    assert.includeMembers((result as { logs: Array<string> }).logs, ["tasks/1/1/build.log-ts.log"])
  })

  it("is off unless the operator asks for it", async () => {
    const { files } = await building(hello)
    assert.deepStrictEqual(
      [...files.keys()].filter((name) => name.endsWith("-ts.log")),
      []
    )
  })
})
