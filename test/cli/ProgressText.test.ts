import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { currentStep, type Doing, frame, lastLine } from "../../src/cli/ProgressText.ts"
import { treeOf } from "../../src/cli/TaskTree.ts"
import { paint } from "../../src/inspect/Columns.ts"
import { task } from "./tasks.ts"

const stamp = "2026-01-31 16:29:15,123 - "

describe("the current step", () => {
  it("is what was begun last and not finished", () => {
    const log = [
      "Mock Version: koji-adjutant 0.1.0",
      "Start: chroot init",
      "Start: installing minimal buildroot with dnf",
      "Finish: installing minimal buildroot with dnf"
    ]
    const text = (lines: ReadonlyArray<string>) => lines.map((line) => `${stamp}${line}\n`).join("")
    assert.strictEqual(currentStep(text(log)), "chroot init")
    assert.strictEqual(currentStep(text([...log, "Finish: chroot init"])), null)
    assert.strictEqual(
      currentStep(text([...log, "Finish: chroot init", "Start: rpmbuild x.src.rpm"])),
      "rpmbuild x.src.rpm"
    )
    assert.strictEqual(currentStep(text(log).slice(0, -1)), "installing minimal buildroot with dnf")
    assert.strictEqual(currentStep(""), null)
  })

  it.prop("is one line of visible text in any log", { text: Schema.String }, ({ text }) => {
    assert.notMatch(currentStep(`${stamp}Start: ${text}\n`) ?? "", /\p{Cc}/u)
  })
})

describe("the last line", () => {
  it("is the last that says something, harmless", () => {
    assert.strictEqual(lastLine("one\ntwo\x1b[2J\n\n  \n"), "two\\x1b[2J")
    assert.isNull(lastLine("\n \n"))
  })
})

describe("a frame", () => {
  const nodes = treeOf(task(12, "build", "OPEN", { waiting: true }), {
    "12": [
      task(13, "buildArch", "OPEN", { arch: "x86_64" }),
      task(14, "buildArch", "CLOSED", { arch: "aarch64", start_ts: 5, completion_ts: 70 }),
      task(15, "tagBuild", "FREE")
    ]
  })
  const doing = new Map<number, Doing>([
    [13, { step: "rpmbuild hello-2.12-1.src.rpm", line: `gcc ${"x".repeat(200)}` }]
  ])
  const elapsed = (node: { readonly id: number }) => (node.id === 15 ? null : 62_000)

  it("has every task, and what the working ones are at", () => {
    assert.deepStrictEqual(frame(nodes, doing, elapsed, 60, paint(false)), [
      "12 build, noarch         open      1m02s",
      "  13 buildArch, x86_64   open      1m02s",
      "    > rpmbuild hello-2.12-1.src.rpm",
      `    | gcc ${"x".repeat(47)}...`,
      "  14 buildArch, aarch64  closed    1m02s",
      "  15 tagBuild, noarch    free"
    ])
  })

  it("keeps to its width, however deep the tasks are", () => {
    let children: Record<string, ReturnType<typeof task>[]> = {}
    for (let id = 1; id < 40; id++) children = { ...children, [id]: [task(id + 1, "chain".repeat(20), "OPEN")] }
    const deep = treeOf(task(1, "chainBuild", "OPEN"), children)
    for (const line of frame(deep, new Map(), () => 1000, 80, paint(false))) assert.isAtMost(line.length, 80)
  })
})
