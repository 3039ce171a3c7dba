import { existsSync, readdirSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { before134 } from "../model/OlderHub.ts"
import { bytesOf, type Recipe, sourceName, sourceOf } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { alone, building, built, child, closes, hello } from "./building.ts"
import { assertCanceled, assertFreed, canceledWhen, from, hangs, type Plot, reports, stoppedWhen } from "./telling.ts"

describe("build", () => {
  it("has a package built, imported and tagged, by children of its own", async () => {
    const told = await building(hello, {}, { after: ({ hub }) => hub.admin("getBuild", ["hello-1.0-1"]) })
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.deepStrictEqual(told.events, [
      "accepted build noarch",
      "step openTask",
      "step open/weight",
      "step target",
      "step owner",
      "step policy/build_from_srpm",
      "step policy/build_rpm",
      "step fail-any",
      "step repo/request",
      "step event",
      "step config",
      "step subtask/srpm",
      "step wait/srpm",
      "step source",
      "step package",
      "step initBuild",
      "step subtask/x86_64",
      "step wait/buildArch",
      "step completeBuild",
      "step subtask/tag",
      "step wait/tag",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(
      told.calls.filter((call) => !call.startsWith("host.taskWait ")),
      [
        "getBuildTarget model {event: null}",
        "getTaskInfo 1",
        "host.assertPolicy build_from_srpm {11 members}",
        "host.assertPolicy build_rpm {11 members}",
        "getTag 2 {strict: true}",
        "repo.request 2 {min_event: null, at_event: null, opts: null}",
        "getLastEvent",
        "getBuildConfig 2 {event: 9}",
        "host.subtask {method: rebuildSRPM, arglist: [cli-build/hello-1.0-1.src.rpm, 2, {repo_id: 1, scratch: null}], parent: 1, label: srpm, arch: noarch}",
        "host.taskSetWait 1 [2]",
        "host.taskWaitResults 1 [2] {canfail: null}",
        "getPackageConfig 1 hello {event: 9}",
        "host.initBuild {name: hello, version: 1.0, release: 1, epoch: null, task_id: 1, source: hello-1.0-1.src.rpm, extra: {source: {original_url: hello-1.0-1.src.rpm}}}",
        "host.subtask {method: buildArch, arglist: [tasks/2/2/hello-1.0-1.src.rpm, 2, x86_64, true, {repo_id: 1}], parent: 1, label: x86_64, arch: x86_64}",
        "host.taskSetWait 1 [3]",
        "host.taskWaitResults 1 [3] {canfail: null}",
        "host.completeBuild 1 5 tasks/3/3/hello-1.0-1.src.rpm [tasks/3/3/hello-1.0-1.x86_64.rpm] {tasks/3/3/hello-1.0-1.x86_64.rpm: 2, tasks/3/3/hello-1.0-1.src.rpm: 2} {logs: {x86_64: [8 items]}}",
        "host.subtask {method: tagBuild, arglist: [1, 5, false, null, true], parent: 1, label: tag, arch: noarch}",
        "host.taskSetWait 1 [4]",
        "host.taskWaitResults 1 [4] {canfail: null}",
        "host.closeTask 1 <document>",
        "logout"
      ]
    )
    assert.deepInclude(Object(told.after), { state: 1, task_id: 1, source: "hello-1.0-1.src.rpm" })
    assert.include([...told.tagged(tag.destination)], "hello-1.0-1")
    assert.deepStrictEqual([...told.states.values()], ["CLOSED", "CLOSED", "CLOSED", "CLOSED"])
    assert.deepStrictEqual([...told.files], [])
    const policy = told.seen.find(({ method }) => method === "host.assertPolicy")?.params[1]
    assert.deepStrictEqual(policy, {
      ...{ user_id: 1, source: "cli-build/hello-1.0-1.src.rpm", task_id: 1, build_tag: 2, target: "model", tag: 1 },
      ...{ skip_tag: false, scratch: null, draft: null, from_scm: false, repo_id: null }
    })
  })

  it("puts a scratch build into the scratch area, and makes no build of it", async () => {
    const told = await building(
      hello,
      { scratch: true },
      {
        after: ({ hub }) => {
          const place = `${hub.top}/scratch/kojiadmin/task_1`
          return existsSync(place) ? readdirSync(place).sort() : []
        }
      }
    )
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.deepStrictEqual(told.after, ["hello-1.0-1.src.rpm", "hello-1.0-1.x86_64.rpm", "logs"])
    assert.isFalse(told.calls.some((call) => /initBuild|completeBuild|tagBuild/.test(call)))
    assert.deepStrictEqual(from(told.events, "step wait/buildArch"), [
      ...["step wait/buildArch", "step moveBuildToScratch", "decided Success", "concluded closed"]
    ])
  })

  it("takes the source package as it is where it is told to, and does not tag where it is told not to", async () => {
    const told = await building(hello, { scratch: true, rebuild_srpm: false })
    assert.strictEqual(told.state, "CLOSED")
    assert.isFalse(told.calls.some((call) => call.includes("rebuildSRPM")))
    const untagged = await building(hello, { skip_tag: true })
    assert.strictEqual(untagged.state, "CLOSED")
    assert.isFalse(untagged.calls.some((call) => call.includes("tagBuild")))
    assert.include([...untagged.tagged(tag.destination)].join(), "basics")
    assert.notInclude([...untagged.tagged(tag.destination)], "hello-1.0-1")
  })

  it("builds from a repository that it is given, ready or expired", async () => {
    const told = await building(
      hello,
      { repo_id: 1 },
      {
        before: (world) => {
          world.hub.admin("repoExpire", [1])
          return [world.source(hello), tag.target, { repo_id: 1 }]
        }
      }
    )
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual(told.calls.slice(0, 6), [
      "repoInfo 1",
      "getBuildTarget model {event: 9}",
      "getTaskInfo 1",
      "host.assertPolicy build_from_srpm {11 members}",
      "host.assertPolicy build_from_repo_id {11 members}",
      "host.assertPolicy build_rpm {11 members}"
    ])
    assert.isFalse(told.calls.some((call) => call.startsWith("repo.request")))
  })

  it("waits for a repository as new as the tag, by a child without a label", async () => {
    const told = await building(
      hello,
      { wait_repo: true },
      {
        before: (world) => {
          world.hub.admin("packageListAdd", [tag.destination, "another", "kojiadmin"])
          return [world.source(hello), tag.target, { wait_repo: true }]
        }
      }
    )
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual(from(told.events, "step repo/request").slice(0, 4), [
      ...["step repo/request", "step subtask/waitrepo", "step wait/waitrepo", "step event"]
    ])
    assert.include(told.calls, "host.subtask {method: waitrepo, arglist: [model-build, null, [], 10], parent: 1}")
  })

  it("waits for a build on a hub before 1.35 by a child with the three arguments that its builders know", async () => {
    const subtask = "host.subtask {method: waitrepo, arglist: [model-build, null, [another-1.0-1]], parent: 1}"
    const told = await building(
      hello,
      { wait_builds: ["another-1.0-1"] },
      {
        before: (world) => {
          world.hub.fateOf = before134
          return [world.source(hello), tag.target, { wait_builds: ["another-1.0-1"] }]
        },
        ...canceledWhen(({ hub }) => hub.calls.some(({ method }) => method === "host.subtask"))
      }
    )
    assertCanceled(told)
    assert.include(told.calls, subtask)
  })

  it("builds once for each arch, the source kept of the first, and imports it all", async () => {
    const recipe: Recipe = {
      ...hello,
      exclusiveArch: ["x86_64", "noarch"],
      packages: [{ name: "hello", arch: "target" }]
    }
    const told = await building(
      recipe,
      {},
      {
        daemon: alone,
        before: (world) => {
          world.hub.admin("createTag", ["flat"])
          return [world.source(recipe), tag.target, {}]
        },
        meanwhile: (world, task) =>
          Effect.gen(function* () {
            yield* child(world, task, "srpm", (id) => {
              const srpm = world.hub.place(`tasks/${id}/${id}/${sourceName(recipe)}`, bytesOf(sourceOf(recipe, true)))
              closes(world, id, { srpm, logs: [], brootid: 1, source: { source: "x", url: "y" } })
            })
            yield* child(world, task, "x86_64", (id) => closes(world, id, built(world, id, "x86_64", true, recipe)))
            yield* child(world, task, "noarch", (id) => closes(world, id, built(world, id, "noarch", false, recipe)))
            yield* child(world, task, "tag", (id) => closes(world, id, null))
          })
      }
    )
    assert.strictEqual(told.state, "CLOSED")
    const made = told.calls.filter((call) => call.includes("method: buildArch"))
    assert.deepStrictEqual(
      made.map((call) => /2, (\w+), (\w+), \{repo_id: 1\}/.exec(call)?.slice(1)),
      [
        ["x86_64", "true"],
        ["noarch", "false"]
      ]
    )
  })
})

describe("build in the middle", () => {
  const hung: Plot = { steps: { "build/1": hangs } }
  const plain: Recipe = { name: "hello" }
  const running = (world: World) => world.isRunning("build/1")

  it("is canceled with its children and its build", async () => {
    const told = await building(
      plain,
      {},
      {
        ...hung,
        ...canceledWhen(running),
        after: ({ hub }) => Object(hub.admin("getBuild", ["hello-1.0-1"])).state
      }
    )
    assertCanceled(told)
    assert.deepStrictEqual([...told.states.values()], ["CANCELED", "CLOSED", "CANCELED"])
    assert.strictEqual(told.after, 4)
  })

  it("is given back when the daemon is told to stop; its build is not failed", async () => {
    const told = await building(
      plain,
      {},
      {
        ...hung,
        ...stoppedWhen(running),
        after: ({ hub }) => Object(hub.admin("getBuild", ["hello-1.0-1"])).state
      }
    )
    assertFreed(told)
    assert.strictEqual(told.after, 0)
    assert.isFalse(told.calls.some((call) => call.startsWith("host.failBuild")))
  })

  it("that was given back goes on with the children it had", async () => {
    const told = await building(
      plain,
      {},
      {
        ...hung,
        meanwhile: (world, _, daemon) =>
          Effect.gen(function* () {
            yield* world.until(() => running(world))
            yield* daemon.terminate
            world.interfere((_step, program) => program)
            yield* daemon.start
          })
      }
    )
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual([...told.states.values()], ["CLOSED", "CLOSED", "CLOSED", "CLOSED"])
    assert.deepStrictEqual(reports(told), ["host.freeTasks [1]", "host.closeTask 1 <document>"])
  })
})
