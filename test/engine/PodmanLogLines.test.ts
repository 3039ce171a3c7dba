import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { makeLogLines } from "../../src/engine/PodmanLogLines.ts"

const stamp = "2026-01-31T16:29:15.123456789+00:00"

/** What a file of this text says, neighbouring pieces of one stream joined, and whether it ends between two lines. */
const read = (file: string, slice = file.length) => {
  const lines = makeLogLines()
  const text: Array<string> = []
  let from = ""
  const bytes = Buffer.from(file, "latin1")
  for (let at = 0; at < bytes.length; at += slice) {
    for (const piece of Result.getOrThrow(lines.push(bytes.subarray(at, at + slice)))) {
      const some = Buffer.from(piece.bytes).toString("latin1")
      text.push(piece.from === from ? `${text.pop()}${some}` : `${piece.from}:${some}`)
      from = piece.from
    }
  }
  return { text, whole: lines.atBoundary() }
}

const refusal = (file: string): string => {
  const read = makeLogLines().push(Buffer.from(file, "latin1"))
  return Result.isFailure(read) ? read.failure.message : ""
}

describe("the lines of Podman's log file", () => {
  const file = [
    `${stamp} stdout F one\n`,
    `${stamp} stdout F \n`,
    `${stamp} stderr F  two  \r\n`,
    `2026-01-31T16:29:15.123456789-03:30 stdout P three`,
    "\n",
    `${stamp} stderr P \u0000\u00ff stdout F \n`,
    `${stamp} stdout F  and its end\n`,
    `${stamp} stdout P no end\n`
  ].join("")

  it("are the output, streams in order, whatever the slices", () => {
    for (let slice = 1; slice <= file.length; slice++) {
      assert.deepStrictEqual(read(file, slice), {
        text: [
          "stdout:one\n\n",
          "stderr: two  \r\n",
          "stdout:three",
          "stderr:\u0000\u00ff stdout F ",
          "stdout: and its end\nno end"
        ],
        whole: true
      })
    }
  })

  it("are passed on as far as they are written", () => {
    const begun = `${stamp} stdout F one\n${stamp} stdout F tw`
    assert.deepStrictEqual(read(begun), { text: ["stdout:one\ntw"], whole: false })
    assert.deepStrictEqual(read(`${stamp} stdo`), { text: [], whole: false })
  })

  it("that only say that the output ended without a line break add none", () => {
    assert.deepStrictEqual(read(`${stamp} stdout P no end\n${stamp} stdout F\n`), {
      text: ["stdout:no end"],
      whole: true
    })
  })

  it("are refused with what is there instead, and where", () => {
    assert.strictEqual(refusal(file), "")
    for (const other of [
      "Error: container is gone\n",
      `${stamp} stdin F x\n`,
      `${stamp} stdout X x\n`,
      `${stamp} stdout P\n`,
      `2026-01-31T16:2${stamp} stdout F x\n`,
      `{"log":"x","stream":"stdout","time":"2026"}\n`,
      "x".repeat(1000)
    ]) {
      assert.include(refusal(`${stamp} stdout F one\n${other}`), "no line of a log before byte", other)
    }
    assert.include(refusal(`${stamp} stdout F one\nError: gone\nmore`), "byte 61")
  })
})
