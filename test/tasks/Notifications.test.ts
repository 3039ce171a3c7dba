import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { tag } from "../model/HubTemplate.ts"
import { story } from "../model/World.ts"
import { assertFreed, type Plot, reports, stoppedWhen, tell } from "./telling.ts"

/** The build of `zlib` that the distribution came with. */
const zlib = 4
const someone = ["packager@example.com", "owner@example.com"]
/** The administrator. */
const user = 1

const tagged = (params: ReadonlyArray<Value>, plot: Plot = {}) => tell("tagNotification", params, plot)
const moved: ReadonlyArray<Value> = [someone, true, tag.build, tag.destination, zlib, user]

describe("tagNotification", () => {
  it("mails who moved what, and to where", async () => {
    const told = await tagged(moved)
    assert.deepStrictEqual(
      [told.state, told.result],
      ["CLOSED", `sent notification of tag operation ${told.task} to: packager@example.com, owner@example.com`]
    )
    assert.deepStrictEqual(told.calls, [
      "getBuild 4",
      "getUser 1",
      "getTag model",
      "getTag model-build",
      `host.closeTask ${told.task} <document>`,
      "logout"
    ])
    const [mail, ...others] = told.world.post.taken
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(mail?.recipients, someone)
    assert.include(
      mail?.message,
      "\r\nSubject: zlib-1.0-1 successfully moved from model into model-build by kojiadmin\r\n"
    )
    assert.include(mail?.message, "\r\nX-Koji-Tag: model\r\nX-Koji-Tag: model-build\r\n\r\n")
  })

  it("mails what a tagging failed of, in the words it is given", async () => {
    const told = await tagged([someone, false, tag.build, null, zlib, user, true, "<class 'koji.TagError'>: no\nroom"])
    const [mail] = told.world.post.taken
    assert.include(mail?.message, "\r\nSubject: zlib-1.0-1 unsuccessfully tagged into model-build by kojiadmin\r\n")
    assert.include(mail?.message, "\r\nOperation failed with the error:\r\n    <class 'koji.TagError'>: no\r\nroom\r\n")
  })

  it("says untagged when a build went out of a tag and into none", async () => {
    const told = await tagged([someone, true, null, tag.destination, zlib, user])
    assert.include(told.world.post.taken[0]?.message, " successfully untagged from model by kojiadmin\r\n")
  })

  it("asks for nothing and mails nobody when nobody is to be told", async () => {
    for (const params of [
      [[], ...moved.slice(1)],
      [...moved, true]
    ]) {
      const told = await tagged(params)
      assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
      assert.deepStrictEqual(told.calls, [`host.closeTask ${told.task} <document>`, "logout"])
      assert.deepStrictEqual(told.world.post.taken, [])
    }
  })

  it("fails with the mail server's words, which are nobody's fault that Koji has a number for", async () => {
    const told = await tagged(moved, {
      before: ({ post }) => {
        post.refusal = "550 go away"
        return moved
      }
    })
    assert.deepStrictEqual([told.state, told.result], ["FAILED", [1, "the mail server mail: 550 go away"]])
  })

  it("fails when there is no such build, user or tag, and mails nobody", async () => {
    for (const params of [
      [someone, true, tag.build, null, 99, user],
      [someone, true, tag.build, null, zlib, 99],
      [someone, true, "none", null, zlib, user]
    ]) {
      const told = await tagged(params)
      assert.strictEqual(told.state, "FAILED")
      assert.match(String(told.result), /^1000,No such (build|user|tag): (99|none)$/)
      assert.deepStrictEqual(told.world.post.taken, [])
    }
  })
})

describe("buildNotification", () => {
  const build = (world: Parameters<NonNullable<Plot["before"]>>[0]) => {
    const found = world.hub.admin("getBuild", [zlib])
    return [someone, found, null, "https://koji.example.org/koji"]
  }

  it("mails of a build that no task made, too", async () => {
    const told = await tell("buildNotification", [], { before: build })
    assert.deepStrictEqual(
      [told.state, told.result],
      ["CLOSED", `sent notification of build ${zlib} to: ${someone.join(", ")}`]
    )
    const [mail] = told.world.post.taken
    assert.include(mail?.message, "\r\nX-Koji-Tag: None\r\n")
    assert.include(mail?.message, "\r\nTask Info: https://koji.example.org/koji/taskinfo?taskID=None\r\n")
  })

  it("mails nobody when nobody is to be told", async () => {
    const told = await tell("buildNotification", [], { before: (world) => [[], ...build(world).slice(1)] })
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.deepStrictEqual(told.calls, [`host.closeTask ${told.task} <document>`, "logout"])
  })

  it("fails with what is wrong when the hub sends something else for a build", async () => {
    const told = await tell("buildNotification", [someone, { id: "five" }, null, "https://koji.example.org/koji"])
    assert.strictEqual(told.state, "FAILED")
    assert.match(String(told.result), /^1019,buildNotification: /)
  })
})

describe("a notification in the middle", () => {
  it("is not sent a second time by the next daemon when the first was killed after the server had it", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub, post } = world
        const daemon = yield* world.daemon()
        post.after = Effect.never
        const task = hub.makeTask("tagNotification", moved)
        yield* daemon.start
        yield* world.until(() => post.taken.length === 1)
        yield* daemon.kill
        post.after = Effect.void
        yield* daemon.start
        yield* world.until(() => hub.state(task) === "CLOSED")
        assert.strictEqual(post.taken.length, 1)
        assert.strictEqual(hub.result(task), `sent notification of tag operation ${task} to: ${someone.join(", ")}`)
        yield* daemon.terminate
      })
    ))

  it("is sent by the next daemon when the first was killed before it came to it", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub, post } = world
        const daemon = yield* world.daemon()
        hub.fateOf = ({ method }) => (method === "getUser" ? { _tag: "Silence", done: false } : { _tag: "Done" })
        const task = hub.makeTask("tagNotification", moved)
        yield* daemon.start
        yield* world.until(() => hub.state(task) === "OPEN")
        yield* Effect.sleep("10 seconds")
        yield* daemon.kill
        hub.fateOf = () => ({ _tag: "Done" })
        yield* daemon.start
        yield* world.until(() => hub.state(task) === "CLOSED")
        assert.strictEqual(post.taken.length, 1)
        yield* daemon.terminate
      })
    ))

  it("is given back when the daemon is told to stop, and nothing has been sent", async () => {
    const told = await tagged([], {
      before: ({ hub }) => {
        hub.fateOf = ({ method }) => (method === "getUser" ? { _tag: "Late", millis: 60_000 } : { _tag: "Done" })
        return moved
      },
      ...stoppedWhen((world, task) => world.hub.state(task) === "OPEN")
    })
    assertFreed(told)
    assert.deepStrictEqual(reports(told), [`host.freeTasks [${told.task}]`])
    assert.deepStrictEqual(told.world.post.taken, [])
  })
})
