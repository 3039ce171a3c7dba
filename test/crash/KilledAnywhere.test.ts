/** The daemon, killed at every instant of a task's life and started again: the task does not notice. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { hello, making, repo } from "../tasks/building.ts"
import { type Doomed, type Fatality, type Meanwhile, onceOnly, type Survived, surviving } from "./killing.ts"

const buildArch: Doomed = {
  method: "buildArch",
  before: (world) => [world.source(hello), tag.build, "x86_64", true, repo],
  making
}

const tasks: ReadonlyArray<Doomed & { readonly every: number }> = [
  { ...buildArch, every: 41 },
  { method: "newRepo", before: () => [tag.build], every: 37 },
  { method: "build", before: (world) => [world.source(hello), tag.target, {}], every: 173 }
]

const same = (found: Survived, undisturbed: Survived) => {
  assert.deepStrictEqual([...found.ends], [...undisturbed.ends])
  assert.deepStrictEqual(found.files, undisturbed.files)
  assert.deepStrictEqual(found.effects, undisturbed.effects)
}

/** What differs, if anything does, when the daemon's life is ended in each of these ways. */
const differing = async (doomed: Doomed, fatalities: ReadonlyArray<Fatality>, undisturbed: Survived) => {
  const failed: Array<string> = []
  for (const fatality of fatalities) {
    try {
      same(await surviving(doomed, fatality), undisturbed)
    } catch (error) {
      failed.push(`${JSON.stringify(fatality)}: ${error instanceof Error ? error.message : error}`)
    }
  }
  return failed
}

const instants = (from: number, to: number, every: number): ReadonlyArray<Fatality> =>
  Array.from({ length: Math.max(0, Math.ceil((to - from + 1) / every)) }, (_, nth) => ({ at: from + nth * every }))

describe("a task whose daemon is killed and started again", () => {
  for (const { every, ...doomed } of tasks) {
    it(`ends as if nothing had been: ${doomed.method}, at every ${every}th instant`, async () => {
      const undisturbed = await surviving(doomed)
      assert.deepStrictEqual(await differing(doomed, instants(1, undisturbed.instants, every), undisturbed), [])
    }, 600_000)

    it(`ends so after each call that must be made once: ${doomed.method}`, async () => {
      const undisturbed = await surviving(doomed)
      const made = onceOnly.filter((method) => (undisturbed.effects[method] ?? 0) > 0)
      assert.deepStrictEqual(
        await differing(
          doomed,
          made.map((after) => ({ after })),
          undisturbed
        ),
        []
      )
    }, 600_000)
  }

  it("ends so at every one of the last instants of a buildArch", async () => {
    const undisturbed = await surviving(buildArch)
    const last = undisturbed.instants
    assert.deepStrictEqual(await differing(buildArch, instants(last - 40, last, 1), undisturbed), [])
  }, 600_000)

  it("is canceled, and nothing of it is left, when it was canceled meanwhile", async () => {
    const cancel: Meanwhile = ({ hub }, task) => Effect.sync(() => void hub.admin("cancelTask", [task]))
    for (const at of [300, 450, 600, 750]) {
      const { ends } = await surviving(buildArch, { at }, cancel)
      assert.deepStrictEqual([...ends.values()], [{ state: "CANCELED", result: null }])
    }
  }, 600_000)
})

describe("a task whose journal cannot be written any more", () => {
  it("is left to the next process, and ends as if nothing had been", async () => {
    const slow: Doomed = {
      ...buildArch,
      before: (world) => [
        world.source({ ...hello, lines: ["one", "two", "three", "four"], lineMillis: 4000 }),
        ...[tag.build, "x86_64", true, repo]
      ]
    }
    const undisturbed = await surviving(slow)
    const parts = 16
    const fatalities = Array.from({ length: parts - 1 }, (_, nth) => ({
      journalFailsAt: Math.round((undisturbed.journaled * (nth + 1)) / parts)
    }))
    assert.deepStrictEqual(await differing(slow, fatalities, undisturbed), [])
  }, 600_000)
})
