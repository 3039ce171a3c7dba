import { assert, describe, it } from "@effect/vitest"
import { type Ending, readEnding } from "../../src/engine/ExitReading.ts"
import { limits } from "../contract/EngineContract.ts"

const usual: Ending = {
  exitCode: 0,
  outOfMemory: false,
  limit: undefined,
  doubt: undefined,
  endedUnread: false,
  rebooted: false
}
const read = (ending: Partial<Ending>) => readEnding({ ...usual, ...ending }, limits)
const wall = { limit: "wall", value: 60 } as const
const disk = { limit: "disk", value: 1000 } as const

describe("how a command ended", () => {
  it("an exit code is the command's own, whatever happened to the engine", () => {
    for (const code of [0, 1, 2, 11, 125, 126, 127, 128, 160, 255]) {
      assert.deepStrictEqual(read({ exitCode: code }), { _tag: "Exited", code })
      assert.deepStrictEqual(read({ exitCode: code, doubt: "away" }), { _tag: "Exited", code })
    }
  })

  it("a signal is the command's own only if nobody else can have sent it", () => {
    assert.deepStrictEqual(read({ exitCode: 137 }), { _tag: "Signaled", signal: 9 })
    assert.deepStrictEqual(read({ exitCode: 139 }), { _tag: "Signaled", signal: 11 })
    assert.deepStrictEqual(read({ exitCode: 137, doubt: "the engine was away" }), {
      _tag: "Uncertain",
      detail: "the engine was away"
    })
  })

  it("nothing is believed of a command that ended while nobody read its output, but that a limit of ours ended it", () => {
    const uncertain = { _tag: "Uncertain", detail: "the engine was away when it ended" } as const
    for (const exitCode of [0, 1, 137]) assert.deepStrictEqual(read({ exitCode, endedUnread: true }), uncertain)
    assert.deepStrictEqual(read({ exitCode: 137, limit: disk, endedUnread: true }), { _tag: "LimitReached", ...disk })
  })

  it("want of memory is the reason for any failure, and for no success", () => {
    const outOfMemory = { _tag: "OutOfMemory", memoryBytes: limits.memoryBytes } as const
    assert.deepStrictEqual(read({ exitCode: 137, outOfMemory: true }), outOfMemory)
    assert.deepStrictEqual(read({ exitCode: 1, outOfMemory: true }), outOfMemory)
    assert.deepStrictEqual(read({ exitCode: 137, outOfMemory: true, doubt: "away" }), outOfMemory)
    assert.deepStrictEqual(read({ exitCode: 0, outOfMemory: true }), { _tag: "Exited", code: 0 })
  })

  it("a limit of ours is the reason, unless the command came to its end before the clock's kill", () => {
    assert.deepStrictEqual(read({ exitCode: 137, limit: wall }), { _tag: "LimitReached", ...wall })
    assert.deepStrictEqual(read({ exitCode: 137, limit: wall, doubt: "away" }), { _tag: "LimitReached", ...wall })
    assert.deepStrictEqual(read({ exitCode: 0, limit: wall }), { _tag: "Exited", code: 0 })
    assert.deepStrictEqual(read({ exitCode: 0, limit: disk }), { _tag: "LimitReached", ...disk })
  })

  it("an exit code that the engine has not learnt is none, and a limit of ours is the reason all the same", () => {
    assert.strictEqual(read({ exitCode: -1 })._tag, "Uncertain")
    assert.deepStrictEqual(read({ exitCode: -1, limit: wall }), { _tag: "LimitReached", ...wall })
    assert.deepStrictEqual(read({ exitCode: -1, limit: disk }), { _tag: "LimitReached", ...disk })
  })

  it("across a start of the machine nothing is certain", () => {
    for (const exitCode of [0, 1, 137]) assert.strictEqual(read({ exitCode, rebooted: true })._tag, "Uncertain")
  })
})
