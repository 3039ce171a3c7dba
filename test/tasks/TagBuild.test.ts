import { assert, describe, it } from "@effect/vitest"
import { tag } from "../model/HubTemplate.ts"
import type { World } from "../model/World.ts"
import { assertFailed, assertFreed, canceledWhen, type Plot, reports, stoppedWhen, tell } from "./telling.ts"

/** The build of `zlib` that the distribution came with. */
const zlib = 4
const tagging = (params: (world: World) => ReadonlyArray<string | number | boolean | null>, plot: Plot = {}) =>
  tell("tagBuild", [], { before: params, ...plot })

/** A second tag, with `zlib` on its list. */
const another = ({ hub }: World) => {
  hub.admin("createTag", ["another"])
  hub.admin("packageListAdd", ["another", "zlib", "kojiadmin"])
  return "another"
}

describe("tagBuild", () => {
  it("puts a build into a tag, and has its owner told", async () => {
    const told = await tagging((world) => [another(world), zlib])
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.deepStrictEqual(told.events, [
      "accepted tagBuild noarch",
      "step openTask",
      "step open/weight",
      "step owner",
      "step build",
      "step tag",
      "step tagBuild",
      "step notify/success",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(told.calls, [
      "getTaskInfo 1",
      "getBuild 4 {strict: true}",
      "getTag another {strict: true}",
      "host.tagBuild 1 another 4 {force: false, fromtag: null}",
      "host.tagNotification true another null 4 1 false",
      "host.closeTask 1 <document>",
      "logout"
    ])
    assert.deepStrictEqual([...told.tagged("another")], ["zlib-1.0-1"])
    assert.deepStrictEqual([...told.files], [])
  })

  it("passes on what it was given, though it is nothing", async () => {
    const told = await tagging((world) => [another(world), zlib, null, null, null])
    assert.strictEqual(told.state, "CLOSED")
    assert.include(told.calls, "host.tagBuild 1 another 4 {force: null, fromtag: null}")
    assert.include(told.calls, "host.tagNotification true another null 4 1 null")
  })

  it("moves a build from one tag to another", async () => {
    const told = await tagging((world) => [another(world), zlib, false, tag.destination])
    assert.strictEqual(told.state, "CLOSED")
    assert.include(told.calls, "host.tagBuild 1 another 4 {force: false, fromtag: model}")
    assert.deepStrictEqual([...told.tagged("another")], ["zlib-1.0-1"])
    assert.notInclude([...told.tagged(tag.destination)], "zlib-1.0-1")
  })

  it("fails with the hub's words, and has its owner told those", async () => {
    const twice = await tagging(() => [tag.destination, zlib])
    const text = "build zlib-1.0-1 already tagged (model)"
    assertFailed(twice, "TagError", text)
    assert.deepStrictEqual(twice.calls.slice(-3), [
      `host.tagNotification false model null 4 1 false <class 'koji.TagError'>: ${text}`,
      "host.failTask 1 <document>",
      "logout"
    ])
    assert.deepStrictEqual(twice.events.slice(-4), [
      "fail tagBuild",
      "step notify/failure",
      "decided Fault",
      "concluded failed"
    ])
    const unlisted = await tagging(({ hub }) => {
      hub.admin("createTag", ["bare"])
      return ["bare", zlib]
    })
    assertFailed(unlisted, "TagError", "Package zlib not in list for bare")
  })

  it("fails where there is no such build or tag", async () => {
    const build = await tagging(() => [tag.destination, 99])
    assertFailed(build, "GenericError", "No such build: 99")
    assert.include(
      build.calls,
      "host.tagNotification false model null 99 1 false <class 'koji.GenericError'>: No such build: 99"
    )
    const none = await tagging(() => ["none", zlib])
    assertFailed(none, "GenericError", "No such tagInfo: 'none'")
  })

  it("fails with the interpreter's words when its parameters do not fit", async () => {
    const told = await tagging(() => [tag.destination])
    assertFailed(told, "ParameterError", "tagBuild() missing 1 required positional argument: 'build_id'")
    assert.deepStrictEqual(told.calls, ["host.failTask 1 <document>", "logout"])
  })
})

describe("tagBuild in the middle", () => {
  /** The hub is slow to tag. */
  const slow: Plot = {
    before: (world) => {
      world.hub.fateOf = ({ method }) =>
        method === "host.tagBuild" ? { _tag: "Late", millis: 60_000 } : { _tag: "Done" }
      return [another(world), zlib]
    }
  }
  const opened = (world: World, task: number) => world.hub.state(task) === "OPEN"

  it("is canceled, and nothing is tagged", async () => {
    const told = await tell("tagBuild", [], { ...slow, ...canceledWhen(opened) })
    assert.strictEqual(told.state, "CANCELED")
    assert.deepStrictEqual(reports(told), [])
    assert.deepStrictEqual(told.tagged("another"), new Set())
  })

  it("is given back when the daemon is told to stop", async () => {
    const told = await tell("tagBuild", [], { ...slow, ...stoppedWhen(opened) })
    assertFreed(told)
    assert.deepStrictEqual(told.events.slice(-4), [
      "begin tagBuild",
      "stop shutdown",
      "decided Freed",
      "concluded freed"
    ])
  })
})
