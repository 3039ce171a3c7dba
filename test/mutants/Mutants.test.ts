/** Each mutant is still one, and the tests that are there to notice it are there. `scripts/mutants` lets them loose. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { mutants } from "./mutants.ts"

describe("a mutant", () => {
  it("changes what stands in one place of the source", () => {
    for (const { name, file, find, put } of mutants) {
      const text = readFileSync(join(import.meta.dirname, "../../src", file), "utf8")
      assert.strictEqual(text.split(find).length - 1, 1, name)
      assert.notStrictEqual(find, put, name)
    }
  })

  it("has a name of its own, and tests that look for it", () => {
    assert.strictEqual(new Set(mutants.map(({ name }) => name)).size, mutants.length)
    assert.isAtLeast(mutants.length, 8)
    for (const { tests } of mutants) assert.isTrue(existsSync(join(import.meta.dirname, "..", tests)), tests)
  })
})
