import { assert, describe, it } from "@effect/vitest"
import { containerLabels, containerName, imageLabels, ownerLabels } from "../../src/engine/Labels.ts"

const identity = { instance: "abc123", task: 7, attempt: 2, step: "buildArch/install/1" }

describe("names and labels", () => {
  it("say whose step a container is", () => {
    assert.strictEqual(containerName(identity), "adjutant-abc123-7-2-buildArch.install.1")
    assert.deepStrictEqual(containerLabels({ ...identity, workerId: "builder1", bootId: "boot" }), {
      "io.koji.adjutant.instance": "abc123",
      "io.koji.adjutant.kind": "container",
      "io.koji.adjutant.worker_id": "builder1",
      "io.koji.adjutant.task_id": "7",
      "io.koji.adjutant.attempt": "2",
      "io.koji.adjutant.step": "buildArch/install/1",
      "io.koji.adjutant.boot_id": "boot"
    })
  })

  it("are those of an engine, and different for different steps, however alike or long", () => {
    const steps = [
      "a/b",
      "a.b",
      "a_b",
      "a b",
      "a:b",
      "a/b/",
      "ä",
      "ö",
      "x".repeat(500),
      `${"x".repeat(499)}y`,
      "../..",
      "-"
    ]
    const names = steps.map((step) => containerName({ ...identity, step }))
    assert.strictEqual(new Set(names).size, steps.length)
    for (const name of names) {
      assert.match(name, /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/)
      assert.isAtMost(name.length, 128)
    }
  })

  it("let nobody take a container that a person started from our image for ours", () => {
    const inherited = imageLabels("abc123", "key")
    assert.isFalse(Object.entries(ownerLabels("abc123")).every(([name, value]) => inherited[name] === value))
  })
})
