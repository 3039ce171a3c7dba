import { assert, describe, it } from "@effect/vitest"
import { changed, culprit, nameOfTask, treeOf } from "../../src/cli/TaskTree.ts"
import { task } from "./tasks.ts"

const root = task(1, "build", "OPEN", { waiting: true })
const below = {
  "1": [task(2, "buildSRPMFromSCM", "CLOSED"), task(4, "buildArch", "OPEN", { arch: "x86_64" })],
  "2": [task(3, "waitrepo", "CLOSED", { start_ts: 10, completion_ts: 12.5 })],
  "3": [],
  "4": []
}

describe("a tree of tasks", () => {
  it("has each task followed by its own children", () => {
    const nodes = treeOf(root, below)
    assert.deepStrictEqual(
      nodes.map(({ id, depth, state, working, seconds }) => [id, depth, state, working, seconds]),
      [
        [1, 0, "open", false, null],
        [2, 1, "closed", false, null],
        [3, 2, "closed", false, 2.5],
        [4, 1, "open", true, null]
      ]
    )
    assert.strictEqual(nameOfTask(nodes[3] ?? nodes[0] ?? never()), "4 buildArch, x86_64")
  })

  it("ends, whatever the hub says is below what", () => {
    assert.deepStrictEqual(
      treeOf(root, { "1": [root, task(2, "buildArch", "FREE")], "2": [root] }).map((node) => node.id),
      [1, 2]
    )
  })

  it("shows a state that Koji does not have by its number", () => {
    assert.strictEqual(treeOf({ ...root, state: 17 }, {})[0]?.state, "state 17")
  })

  it("blames the failed task that has no failed child", () => {
    const failed = treeOf(task(1, "build", "FAILED"), {
      "1": [task(2, "buildArch", "CANCELED"), task(3, "buildArch", "FAILED"), task(4, "buildArch", "FAILED")]
    })
    assert.strictEqual(culprit(failed)?.id, 3)
    assert.isUndefined(culprit(treeOf(root, below)))
  })

  it("knows what has changed since the last look", () => {
    const before = treeOf(root, { "1": [task(2, "buildArch", "FREE")] })
    const after = treeOf(root, { "1": [task(2, "buildArch", "OPEN"), task(3, "tagBuild", "FREE")] })
    assert.deepStrictEqual(
      changed(before, after).map(({ id, state }) => [id, state]),
      [
        [2, "open"],
        [3, "free"]
      ]
    )
  })
})

const never = (): never => {
  throw new Error("not there")
}
