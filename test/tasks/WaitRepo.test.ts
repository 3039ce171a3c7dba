import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { tag } from "../model/HubTemplate.ts"
import { before134 } from "../model/OlderHub.ts"
import type { World } from "../model/World.ts"
import { assertCanceled, assertFailed, assertFreed, canceledWhen, type Plot, stoppedWhen, tell } from "./telling.ts"

/** With a host that may run nothing else, so that no repository is made unless the story makes one. */
const alone: Plot = { daemon: { options: { maxJobs: 1 } } }

/** Something about the build tag changes: its repository is not new enough any more. */
const change = ({ hub }: World) => hub.admin("packageListAdd", [tag.destination, "new-package", "kojiadmin"])

/** A new repository is made, and ready at once. */
const make = ({ hub }: World) => {
  const [id = 0] = Array.from(Object(hub.puppet("host.repoInit", [tag.build])), Number)
  hub.puppet("host.repoDone", [id, {}])
  return id
}

const lastChange = ({ hub }: World) => Number(hub.admin("tagLastChangeEvent", [tag.build]))

describe("waitrepo", () => {
  it("is done at once when there is a repository that will do", async () => {
    const told = await tell("waitrepo", [tag.build])
    assert.strictEqual(told.state, "CLOSED")
    assert.deepInclude(Object(told.result), { id: 1, tag_id: 2, tag_name: tag.build, state: 1, create_event: 9 })
    assert.deepStrictEqual(told.events, [
      "accepted waitrepo noarch",
      "step openTask",
      "step open/weight",
      "step tag",
      "step started",
      "step watch",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(told.calls, [
      "getTag model-build {strict: true}",
      "repo.request 2 {min_event: null, at_event: null, opts: null}",
      "host.closeTask 1 <document>",
      "logout"
    ])
  })

  it("waits for one as new as the tag's last change, and looks once a minute after a while", async () => {
    const told = await tell("waitrepo", [tag.build, null, null, "last"], {
      ...alone,
      before: (world) => {
        change(world)
        return [tag.build, null, null, "last"]
      },
      meanwhile: (world) =>
        Effect.andThen(
          Effect.sleep("9 minutes"),
          Effect.sync(() => void make(world))
        )
    })
    assert.deepInclude(Object(told.result), { id: 2, tag_name: tag.build })
    const looks = told.seen
      .filter(({ method }) => method === "repo.checkRequest")
      .map(({ at }) => Math.round(at / 1000))
    const pauses = looks.slice(1).map((at, index) => at - (looks[index] ?? 0))
    assert.deepStrictEqual([...new Set(pauses)], [3, 60])
    assert.include(told.calls, "tagLastChangeEvent 2")
    assert.include(told.calls, "repo.request 2 {min_event: 10, at_event: null, opts: null}")
    assert.deepStrictEqual(told.events.slice(3), [
      ...["step tag", "step last-change", "step started", "step watch"],
      ...["decided Success", "concluded closed"]
    ])
  })

  it("waits for builds to be tagged, and then for a repository that has them", async () => {
    const told = await tell("waitrepo", [tag.build, null, ["zlib-1.0-1"]], {
      ...alone,
      before: (world) => {
        world.hub.admin("untagBuild", [tag.destination, "zlib-1.0-1"])
        return [tag.build, null, ["zlib-1.0-1"]]
      },
      meanwhile: (world) =>
        Effect.gen(function* () {
          yield* Effect.sleep("5 minutes")
          world.hub.admin("tagBuildBypass", [tag.destination, "zlib-1.0-1"])
          yield* Effect.sleep("5 minutes")
          make(world)
        })
    })
    assert.deepInclude(Object(told.result), { id: 2 })
    assert.include(told.calls, "listTagged 2 {event: null, package: zlib, inherit: true}")
    assert.include(told.calls, "listTagged 2 {event: 12, package: zlib, inherit: true}")
  })

  it("is not content with a repository that is too old for the tag by now", async () => {
    const told = await tell("waitrepo", [tag.build, "now"], {
      ...alone,
      before: (world) => {
        change(world)
        return [tag.build, "now"]
      },
      meanwhile: (world) =>
        Effect.andThen(
          Effect.sleep("1 minute"),
          Effect.sync(() => void make(world))
        ),
      after: lastChange
    })
    assert.isAtLeast(Number(Object(told.result).create_event), Number(told.after))
  })

  it("takes a moment for the first change after it", async () => {
    const told = await tell("waitrepo", [tag.build, 1_000_000_000])
    assert.include(told.calls, "getLastEvent {before: 1000000000, strict: false}")
    assert.strictEqual(told.state, "CLOSED")
  })
})

describe("waitrepo fails with kojid's words", () => {
  it("when it is asked for what makes no sense", async () => {
    assertFailed(
      await tell("waitrepo", [tag.build, "now", null, 5]),
      "GenericError",
      "newer_than parameter conflicts with min_event"
    )
    const invalid = await tell("waitrepo", [tag.build, "yesterday"])
    assertFailed(invalid, "GenericError", "Invalid value for newer_than: 'yesterday'")
    const none = await tell("waitrepo", ["none"])
    assertFailed(none, "GenericError", "No such tagInfo: 'none'")
    const nvr = await tell("waitrepo", [tag.build, null, ["nonsense"]])
    assert.strictEqual(nvr.state, "FAILED")
    assert.strictEqual(Object(nvr.result)[0], 1000)
  })

  it("when no repository comes in two hours, though the hub goes on asking for one", async () => {
    const told = await tell("waitrepo", [], {
      ...alone,
      before: (world) => {
        change(world)
        return [tag.build, null, null, "last"]
      }
    })
    assert.match(String(Object(told.result)[1]), /^Unsuccessfully waited 12[01]:\d\d for a new model-build repo$/)
  })

  it("when the builds are not tagged in two hours", async () => {
    const told = await tell("waitrepo", [tag.build, null, ["a-1-1", "b-1-1", "c-1-1"]], alone)
    assert.match(
      String(Object(told.result)[1]),
      /^Unsuccessfully waited 12[01]:\d\d for a-1-1, b-1-1, and c-1-1 to appear in the model-build repo$/
    )
  })

  it("when the hub gives its request up", async () => {
    const told = await tell("waitrepo", [], {
      before: (world) => {
        change(world)
        return [tag.build, null, null, "last"]
      },
      // Every newRepo of it fails, until the hub has had enough.
      steps: { createrepo: (program) => ({ ...program, exit: 1 }) }
    })
    assertFailed(told, "GenericError", "Repo request no longer active")
  })
})

describe("waitrepo in the middle", () => {
  const waiting: Plot = {
    ...alone,
    before: (world) => {
      change(world)
      return [tag.build, null, null, "last"]
    }
  }
  const asked = ({ hub }: World) => hub.calls.some(({ method }) => method === "repo.checkRequest")

  it("is canceled", async () => {
    assertCanceled(await tell("waitrepo", [], { ...waiting, ...canceledWhen(asked) }))
  })

  it("is given back when the daemon is told to stop", async () => {
    assertFreed(await tell("waitrepo", [], { ...waiting, ...stoppedWhen(asked) }))
  })

  it("goes on where the hub is away for a while", async () => {
    const told = await tell("waitrepo", [], {
      ...waiting,
      meanwhile: (world) =>
        Effect.gen(function* () {
          yield* world.until(() => asked(world))
          world.hub.awayUntil = world.time.now + 20 * 60_000
          yield* Effect.sleep("25 minutes")
          make(world)
        })
    })
    assert.strictEqual(told.state, "CLOSED")
  })

  describe("on a hub before 1.35, which takes no requests for repositories", () => {
    const older = (plot: Plot, params: ReadonlyArray<Value>): Plot => ({
      ...alone,
      ...plot,
      before: (world) => {
        change(world)
        world.hub.fateOf = before134
        return params
      }
    })

    it("is done at once when there is a repository", async () => {
      const told = await tell("waitrepo", [], older({}, [tag.build]))
      assert.deepInclude(Object(told.result), { id: 1, tag_name: tag.build })
      assert.include(told.calls, "getRepo 2")
    })

    it("waits for one as new as the hub's last event, now or at a time", async () => {
      const later: Plot = {
        meanwhile: (world) =>
          Effect.andThen(
            Effect.sleep("9 minutes"),
            Effect.sync(() => void make(world))
          )
      }
      for (const params of [
        [tag.build, "now"],
        [tag.build, Date.UTC(2050, 1) / 1000]
      ]) {
        const told = await tell("waitrepo", [], older(later, params))
        assert.deepInclude(Object(told.result), { id: 2 })
      }
    })
  })
})
