import { existsSync, readdirSync, rmSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { before134 } from "../model/OlderHub.ts"
import type { World } from "../model/World.ts"
import { assertCanceled, assertFailed, canceledWhen, exits, hangs, type Plot, reports, tell } from "./telling.ts"

describe("newRepo", () => {
  const making = (plot: Plot = {}) => tell("newRepo", [tag.build], plot)

  const repository = ({ hub }: World) => {
    const directory = `${hub.top}/repos/model-build/2/x86_64/repodata`
    return { ...Object(hub.admin("repoInfo", [2])), files: existsSync(directory) ? readdirSync(directory).sort() : [] }
  }

  it("has the hub begin a repository, its children make the metadata, and the hub finish it", async () => {
    const told = await making({ after: repository })
    assert.deepStrictEqual(told.result, [2, 10])
    assert.deepStrictEqual(told.events, [
      "accepted newRepo noarch",
      "step openTask",
      "step open/weight",
      "step tag",
      "step topdir",
      "step repoInit",
      "step arches",
      "step settings",
      "step old-repo",
      "step subtask/x86_64",
      "step wait/createrepo",
      "step repoDone",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(told.calls, [
      "getTag model-build {strict: true, event: null}",
      "host.repoInit 2 {opts: {}, task_id: 1}",
      "getRepo 2",
      "host.subtask {method: createrepo, arglist: [2, x86_64, {19 members}], parent: 1, label: x86_64, arch: noarch}",
      "host.taskSetWait 1 [2]",
      "host.taskWait 1",
      "host.taskWait 1",
      "host.taskWaitResults 1 [2] {canfail: null}",
      "host.repoDone 2 {x86_64: [tasks/2/2, [primary.xml.gz, repomd.xml]]}",
      "host.closeTask 1 <document>",
      "logout"
    ])
    assert.deepStrictEqual(told.containers, ["createrepo"])
    const files = ["primary.xml.gz", "repomd.xml"]
    assert.deepInclude(Object(told.after), { state: 1, task_id: 1, tag_name: "model-build", files })
  })

  it("passes on which older repository to begin with: the tag's own, a hinted one, a parent's", async () => {
    const hinted = await tell("newRepo", ["fresh"], {
      before: ({ hub }) => {
        hub.admin("createTag", ["fresh"], { arches: "x86_64", extra: { "repo.oldrepo_hint": ["none", tag.build] } })
        return ["fresh"]
      }
    })
    assert.include(hinted.calls, "getTag model-build {strict: true}")
    assert.strictEqual(hinted.state, "CLOSED")
    const inherited = await tell("newRepo", ["child"], {
      before: ({ hub }) => {
        hub.admin("createTag", ["child"], { arches: "x86_64", parent: tag.build })
        return ["child"]
      }
    })
    assert.include(inherited.calls, "getFullInheritance 3")
    assert.strictEqual(inherited.state, "CLOSED")
  })

  it("does not look for one where repositories are always made anew", async () => {
    const told = await making({ daemon: { settings: { createrepoUpdate: false } } })
    assert.include(
      told.calls,
      "host.subtask {method: createrepo, arglist: [2, x86_64, null], parent: 1, label: x86_64, arch: noarch}"
    )
  })

  it("is made on a hub before 1.35, which knows no options as a struct, and looks for none in the tag", async () => {
    const told = await tell("newRepo", ["fresh"], {
      before: ({ hub }) => {
        hub.admin("createTag", ["fresh"], { arches: "x86_64", extra: { with_debuginfo: true } })
        hub.fateOf = before134
        return ["fresh"]
      }
    })
    // The embedded hub is newer, and does not know the older form.
    assertFailed(told, "ParameterError", "HostExports.repoInit() got an unexpected keyword argument 'with_debuginfo'")
    assert.deepStrictEqual(
      told.calls.filter((call) => call.startsWith("host.repoInit")),
      ["host.repoInit 3 {opts: {}, task_id: 1}", "host.repoInit 3 {task_id: 1, with_debuginfo: true}"]
    )
    const plainly = await making({
      before: ({ hub }) => {
        hub.fateOf = before134
        return [tag.build]
      }
    })
    assert.strictEqual(plainly.state, "CLOSED")
  })

  it("fails with kojid's words when its options contradict each other", async () => {
    const told = await tell("newRepo", [tag.build, null, true, null, null, { src: true }])
    assertFailed(told, "ParameterError", "opts parameter incompatible with legacy options")
  })

  it("fails with kojid's words when the hub has left no directory of it", async () => {
    const told = await making({
      before: (world) => {
        world.hub.fateOf = ({ method }) =>
          method === "host.repoInit" ? { _tag: "Late", millis: 60_000 } : { _tag: "Done" }
        return [tag.build]
      },
      meanwhile: (world) => {
        const directory = `${world.hub.top}/repos/model-build/2`
        const gone = Effect.sync(() => rmSync(directory, { recursive: true }))
        return Effect.andThen(
          world.until(() => existsSync(directory)),
          gone
        )
      }
    })
    assertFailed(told, "GenericError", `Repo directory missing: ${told.world.hub.top}/repos/model-build/2`)
  })

  for (const file of ["x86_64/pkglist", "groups/comps.xml"]) {
    it(`fails where ${file} cannot be looked at, and makes no repository without it`, async () => {
      const files = (operation: string, path: string) =>
        operation === "stat" && path.endsWith(`/repos/model-build/2/${file}`) ? ({ code: "EIO" } as const) : "done"
      const told = await making({ world: { files } })
      assert.strictEqual(told.state, "FAILED")
      assert.include(JSON.stringify(told.result), "EIO: injected, stat")
    })
  }

  it("fails with the fault of its child, and leaves the repository unfinished", async () => {
    const told = await making({ steps: { createrepo: exits(1) }, after: repository })
    assert.strictEqual(told.state, "FAILED")
    assert.match(String(Object(told.result)[1]), /^failed to create repo: [\s\S]* exited with status 1$/)
    assert.deepInclude(Object(told.after), { state: 0, files: [] })
    assert.include(told.calls, "host.taskWaitResults 1 [2] {canfail: null}")
  })

  it("is refused, softly, where the hub's tree is not mounted, before the hub has begun anything", async () => {
    const told = await making({ ends: "given back", daemon: { settings: { topDirectory: "/nonexistent" } } })
    assert.deepStrictEqual(reports(told), [
      "host.refuseTask 1 {soft: true, msg: No access to repos dir /nonexistent/repos}"
    ])
    assert.isFalse(told.calls.some((call) => call.startsWith("host.repoInit")))
  })

  const hung: Plot = { steps: { createrepo: hangs } }
  const running = (world: World) => world.isRunning("createrepo")

  it("is canceled with its child", async () => {
    const told = await making({ ...hung, ...canceledWhen(running) })
    assertCanceled(told)
    assert.strictEqual(told.states.get(2), "CANCELED")
  })

  it("is given back with its child when the daemon is told to stop, and finds the child again", async () => {
    const told = await making({
      ...hung,
      meanwhile: (world, task, daemon) =>
        Effect.gen(function* () {
          yield* world.until(() => running(world))
          yield* daemon.terminate
          assert.deepStrictEqual([world.hub.state(task), world.hub.state(2)], ["FREE", "FREE"])
          world.interfere((_, program) => program)
          yield* daemon.start
        })
    })
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual([...told.states.keys()], [1, 2])
    assert.deepStrictEqual(told.result, [3, 11])
  })
})
