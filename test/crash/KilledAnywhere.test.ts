/** The daemon, killed at every instant of a task's life and started again: the task does not notice. */
import { assert, describe, it } from "@effect/vitest"
import { tag } from "../model/HubTemplate.ts"
import { hello, making, repo } from "../tasks/building.ts"
import { type Doomed, type Survived, surviving } from "./killing.ts"

const tasks: ReadonlyArray<Doomed & { readonly every: number }> = [
  { method: "buildArch", before: (world) => [world.source(hello), tag.build, "x86_64", true, repo], making, every: 41 },
  { method: "newRepo", before: () => [tag.build], every: 37 },
  { method: "build", before: (world) => [world.source(hello), tag.target, {}], every: 173 }
]

const same = (found: Survived, undisturbed: Survived) => {
  assert.deepStrictEqual([...found.ends], [...undisturbed.ends])
  assert.deepStrictEqual(found.files, undisturbed.files)
  assert.deepStrictEqual(found.effects, undisturbed.effects)
}

describe("a task whose daemon is killed and started again", () => {
  for (const { every, ...doomed } of tasks) {
    it(`ends as if nothing had been: ${doomed.method}, at every ${every}th instant`, async () => {
      const undisturbed = await surviving(doomed, undefined)
      const failed: Array<string> = []
      for (let at = 1; at <= undisturbed.instants; at += every) {
        try {
          same(await surviving(doomed, at), undisturbed)
        } catch (error) {
          failed.push(
            `killed at instant ${at} of ${undisturbed.instants}: ${error instanceof Error ? error.message : error}`
          )
        }
      }
      assert.deepStrictEqual(failed, [])
    }, 600_000)
  }
})
