import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { tag } from "../model/HubTemplate.ts"
import { builtFor, bytesOf, type Recipe, sourceName, sourceOf } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { alone, building, built, child, closes, fails, hello, noRebuild, type Options } from "./building.ts"
import { assertFailed, from, type Plot, tell } from "./telling.ts"

describe("build fails with kojid's words", () => {
  const asked = (source: Value, target: Value, options: Options, plot: Plot = {}) =>
    tell("build", [source, target, options], plot)
  const nothing = "cli-build/none.src.rpm"

  it("when its options make no sense", async () => {
    assertFailed(
      await asked(nothing, tag.target, { arch_override: "x86_64" }),
      "BuildError",
      "arch_override is only allowed for scratch builds"
    )
    assertFailed(await asked(7, tag.target, {}), "BuildError", "Invalid source specification: 7")
    assertFailed(await asked(nothing, tag.target, { repo_id: 99 }), "BuildError", "No such repo: 99")
    const metadata = await asked(nothing, tag.target, { custom_user_metadata: "text" })
    assertFailed(metadata, "BuildError", "custom_user_metadata must be serializable to a JSON object")
  })

  it("when the repository or the target is not what it must be", async () => {
    const bad = await asked(
      nothing,
      tag.target,
      { repo_id: 2 },
      {
        before: ({ hub }) => {
          hub.puppet("host.repoInit", [tag.build])
          return [nothing, tag.target, { repo_id: 2 }]
        }
      }
    )
    assertFailed(bad, "BuildError", "Bad repo: 2 (INIT)")
    const mismatch = await asked(
      nothing,
      "other",
      { repo_id: 1 },
      {
        before: ({ hub }) => {
          hub.admin("createTag", ["other-build"])
          hub.admin("createBuildTarget", ["other", "other-build", tag.destination])
          hub.puppet("host.repoInit", [tag.build])
          hub.puppet("host.repoDone", [2, {}])
          return [nothing, "other", { repo_id: 2 }]
        }
      }
    )
    assertFailed(mismatch, "BuildError", "Repo/Target mismatch: model-build/other-build")
    assertFailed(await asked(nothing, "none", {}), "GenericError", "unknown build target: none")
    assertFailed(await asked(nothing, "none", { repo_id: 1 }), "GenericError", "neither tag nor target: none")
  })

  it("when the hub's policy forbids it", async () => {
    const told = await asked(
      nothing,
      tag.target,
      {},
      {
        before: ({ hub }) => {
          hub.policies["build_from_srpm"] = "deny not here"
          return [nothing, tag.target, {}]
        }
      }
    )
    assertFailed(told, "ActionNotAllowed", "policy violation (build_from_srpm): not here")
  })

  it("when the source package is missing, or none", async () => {
    assertFailed(await asked(nothing, tag.target, noRebuild), "BuildError", `SRPM file missing: ${nothing}`)
    const [binary] = builtFor(hello, "x86_64")
    const told = await asked(
      null,
      tag.target,
      {},
      {
        before: ({ hub }) => [
          hub.place("cli-build/x.rpm", binary === undefined ? "" : bytesOf(binary)),
          tag.target,
          noRebuild
        ]
      }
    )
    assertFailed(told, "BuildError", "cli-build/x.rpm is not a source package")
  })

  it("when the destination does not take the package; and no build is begun", async () => {
    const other: Recipe = { name: "unlisted" }
    const options = { scratch: false }
    const unlisted = await building(other, options)
    assertFailed(unlisted, "BuildError", "package unlisted not in list for tag model")
    assert.isFalse(unlisted.calls.some((call) => call.startsWith("host.initBuild")))
    const blocked = await building(hello, options, {
      before: (world) => {
        world.hub.admin("packageListBlock", [tag.destination, "hello"])
        return [world.source(hello), tag.target, options]
      }
    })
    assertFailed(blocked, "BuildError", "package hello is blocked for tag model")
  })

  it("when there is no arch to build for", async () => {
    assertFailed(
      await building({ ...hello, exclusiveArch: ["s390x"] }, noRebuild),
      "BuildError",
      "No matching arches were found"
    )
    const archless = await tell("build", [], {
      before: (world) => {
        world.hub.admin("createTag", ["archless"])
        world.hub.admin("createBuildTarget", ["archless", "archless", tag.destination])
        const [id = 0] = Array.from(Object(world.hub.puppet("host.repoInit", ["archless"])), Number)
        world.hub.puppet("host.repoDone", [id, {}])
        return [world.source(hello), "archless", { ...noRebuild, repo_id: id }]
      }
    })
    assertFailed(archless, "BuildError", "No arches for tag archless [3]")
  })

  it("with the fault of the child that failed; and its build fails with it", async () => {
    const told = await building(
      { ...hello, end: { exit: 1 } },
      {},
      {
        after: ({ hub }) => Object(hub.admin("getBuild", ["hello-1.0-1"])).state
      }
    )
    const text =
      "error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information"
    assertFailed(told, "BuildError", text)
    assert.strictEqual(told.after, 3)
    assert.deepStrictEqual(from(told.events, "step subtask/x86_64"), [
      ...["step subtask/x86_64", "begin wait/buildArch", "fail wait/buildArch", "step failBuild"],
      ...["decided Fault", "concluded failed"]
    ])
  })

  it("when the children's results do not add up", async () => {
    const withResult = (values: (world: World, id: number) => Value, recipe = hello) =>
      building(
        recipe,
        {},
        {
          daemon: alone,
          before: (world) => [world.source(recipe), tag.target, noRebuild],
          meanwhile: (world, task) => child(world, task, "x86_64", (id) => closes(world, id, values(world, id)))
        }
      )
    assertFailed(
      await withResult((world, id) => built(world, id, "x86_64", false)),
      "BuildError",
      "could not find a built srpm"
    )
    const nonsense = await withResult(() => "nothing")
    assert.strictEqual(Object(nonsense.result)[0], 1000)
    assert.match(String(Object(nonsense.result)[1]), /^buildArch task 2 returned no result: /)
    const twice: Recipe = { ...hello, exclusiveArch: ["x86_64", "noarch"] }
    const several = await building(
      twice,
      {},
      {
        daemon: alone,
        before: (world) => [world.source(twice), tag.target, noRebuild],
        meanwhile: (world, task) =>
          Effect.gen(function* () {
            yield* child(world, task, "x86_64", (id) => closes(world, id, built(world, id, "x86_64", true, twice)))
            yield* child(world, task, "noarch", (id) => closes(world, id, built(world, id, "noarch", true, twice)))
          })
      }
    )
    assertFailed(several, "BuildError", "multiple builds returned a srpm.  task 1")
  })

  it("and cancels the other arches when one fails, unless they may go on", async () => {
    const two: Recipe = { ...hello, exclusiveArch: ["x86_64", "noarch"] }
    const oneFails = (plot: Plot) =>
      building(
        two,
        {},
        {
          before: (world) => [world.source(two), tag.target, noRebuild],
          meanwhile: (world, task) =>
            Effect.gen(function* () {
              yield* child(world, task, "x86_64", (id) => fails(world, id, 1005, "it broke"))
              yield* Effect.sleep("1 minute")
              const other = world.hub.children(task).find((row) => row["label"] === "noarch")
              if (world.hub.state(Number(other?.["id"])) === "CANCELED") return
              yield* child(world, task, "noarch", (id) => closes(world, id, built(world, id, "noarch", false, two)))
            }),
          ...plot
        }
      )
    const told = await oneFails({ daemon: alone })
    assertFailed(told, "BuildError", "it broke")
    assert.deepStrictEqual([...told.states.values()], ["FAILED", "FAILED", "CANCELED"])
    assert.include(told.calls, "cancelTaskChildren 1")
    const patient = await oneFails({ daemon: { ...alone, settings: { buildArchCanFail: true } } })
    assertFailed(patient, "BuildError", "it broke")
    assert.deepStrictEqual([...patient.states.values()], ["FAILED", "FAILED", "CLOSED"])
    assert.notInclude(patient.calls, "cancelTaskChildren 1")
  })

  it("when there is such a build already; that one stays as it is", async () => {
    const zlib: Recipe = { name: "zlib" }
    const told = await building(zlib, {}, { after: ({ hub }) => Object(hub.admin("getBuild", ["zlib-1.0-1"])).state })
    assert.strictEqual(told.state, "FAILED")
    assert.match(String(Object(told.result)[1]), /^Build already exists \(id=4, state=COMPLETE\): /)
    assert.strictEqual(told.after, 1)
    assert.isFalse(told.calls.some((call) => call.startsWith("host.failBuild")))
  })

  it("when it cannot be tagged; the build stays complete", async () => {
    const told = await building(
      hello,
      {},
      {
        daemon: alone,
        before: (world) => [world.source(hello), tag.target, {}],
        meanwhile: (world, task) =>
          Effect.gen(function* () {
            yield* child(world, task, "srpm", (id) => {
              const srpm = world.hub.place(`tasks/${id}/${id}/${sourceName(hello)}`, bytesOf(sourceOf(hello, true)))
              closes(world, id, { srpm, logs: [], brootid: 1 })
            })
            yield* child(world, task, "x86_64", (id) => closes(world, id, built(world, id, "x86_64", true)))
            yield* child(world, task, "tag", (id) => fails(world, id, 1003, "not today"))
          }),
        after: ({ hub }) => Object(hub.admin("getBuild", ["hello-1.0-1"])).state
      }
    )
    assertFailed(told, "TagError", "not today")
    assert.strictEqual(told.after, 1)
  })

  it("and its build too, when the hub does not take the results", async () => {
    const told = await building(
      hello,
      {},
      {
        daemon: alone,
        meanwhile: (world, task) =>
          Effect.gen(function* () {
            yield* child(world, task, "srpm", (id) => {
              const srpm = world.hub.place(`tasks/${id}/${id}/${sourceName(hello)}`, bytesOf(sourceOf(hello, true)))
              closes(world, id, { srpm, logs: [], brootid: 1 })
            })
            yield* child(world, task, "x86_64", (id) =>
              closes(world, id, { ...Object(built(world, id, "x86_64", true)), logs: [`tasks/${id}/${id}/none.log`] })
            )
          }),
        after: ({ hub }) => Object(hub.admin("getBuild", ["hello-1.0-1"])).state
      }
    )
    assert.strictEqual(told.state, "FAILED")
    assert.match(String(Object(told.result)[1]), /^Error importing build log\. .*none\.log is not a regular file\.$/)
    assert.strictEqual(told.after, 3)
    assert.include(told.events, "step failBuild")
  })
})
