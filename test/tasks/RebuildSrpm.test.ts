import { assert, describe, it } from "@effect/vitest"
import { tag } from "../model/HubTemplate.ts"
import { builtFor, bytesOf, type Recipe } from "../model/Packages.ts"
import {
  assertCanceled,
  assertFailed,
  assertFreed,
  canceledWhen,
  exits,
  from,
  hangs,
  type Plot,
  stoppedWhen,
  tell
} from "./telling.ts"

const repo = { repo_id: 1 }
const hello: Recipe = { name: "hello" }
const rebuilding = (recipe: Recipe, plot: Plot = {}) =>
  tell("rebuildSRPM", [], { before: (world) => [world.source(recipe), tag.build, repo], ...plot })

describe("rebuildSRPM", () => {
  it("makes an uploaded source package again in the tag's root", async () => {
    const told = await rebuilding(hello)
    const logs = "dnf hw_info mock_config mock_output root state".split(" ").map((name) => `${name}.log`)
    assert.deepStrictEqual(told.result, {
      srpm: "tasks/1/1/hello-1.0-1.src.rpm",
      logs: logs.map((name) => `tasks/1/1/${name}`),
      brootid: 1,
      source: { source: "hello-1.0-1.src.rpm", url: "hello-1.0-1.src.rpm" }
    })
    assert.deepStrictEqual(told.events, [
      "accepted rebuildSRPM noarch",
      "step openTask",
      "step open/weight",
      "step event",
      "step tag",
      "step arch",
      "step buildroot/repo",
      "step buildroot/config",
      "step buildroot/new",
      "begin buildroot/configure",
      "uploaded mock_config.log",
      "end buildroot/configure",
      "begin init",
      "container init/populate intended, created, started, Exited 0, removed",
      "container init/check intended, created, started, Exited 0, removed",
      "end init",
      "step init/kernel",
      "step packages/init",
      "step packages/set",
      "step source",
      "step building",
      "begin build/source",
      "container build/source intended, created, started, Exited 0, removed",
      "end build/source",
      "begin upload",
      "uploaded hello-1.0-1.src.rpm",
      "end upload",
      "step expire",
      "begin logs",
      ...logs.map((name) => `uploaded ${name}`),
      "end logs",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(told.calls, [
      "repoInfo 1 {strict: true}",
      "getTag model-build {strict: true, event: 9}",
      "host.getHost",
      "getBuildConfig 2 {event: 9}",
      "repoInfo 1 {strict: true}",
      "getBuildConfig 2 {event: 9}",
      "host.newBuildRoot 1 x86_64 {task_id: 1}",
      "getExternalRepoList 2 {event: 9}",
      "host.setBuildRootList 1 [2 structs]",
      "host.setBuildRootState 1 BUILDING",
      "host.setBuildRootState 1 EXPIRED",
      "host.closeTask 1 <document>",
      "logout"
    ])
    assert.deepStrictEqual(told.installed, ["basics", "rpm-build"])
    assert.deepStrictEqual(told.buildroots, ["EXPIRED"])
    assert.deepStrictEqual([...told.files.keys()].sort(), [...logs, "hello-1.0-1.src.rpm"].sort())
  })
})

describe("rebuildSRPM fails with kojid's words", () => {
  it("without a repository", async () => {
    const told = await tell("rebuildSRPM", [], { before: (world) => [world.source(hello), tag.build, {}] })
    assertFailed(told, "BuildError", "A repo id must be provided")
  })

  it("without a source package", async () => {
    const missing = await tell("rebuildSRPM", ["cli-build/none.src.rpm", tag.build, repo])
    assertFailed(missing, "BuildError", "Input SRPM file missing: cli-build/none.src.rpm")
    const [binary] = builtFor(hello, "x86_64")
    const other = await tell("rebuildSRPM", [], {
      before: ({ hub }) => [hub.place("cli-build/x.rpm", binary === undefined ? "" : bytesOf(binary)), tag.build, repo]
    })
    assertFailed(other, "BuildError", "cli-build/x.rpm is not a source package")
  })

  it("when there is no spec file in it, or more than one", async () => {
    assertFailed(await rebuilding({ name: "hello", specs: [] }), "BuildError", "No spec file found")
    const several = await rebuilding({ name: "hello", specs: ["a.spec", "b.spec"] })
    assertFailed(
      several,
      "BuildError",
      "Multiple spec files found: ['/chroot_tmpdir/srpm_unpacked/SPECS/a.spec', '/chroot_tmpdir/srpm_unpacked/SPECS/b.spec']"
    )
  })

  it("when the root cannot be made, or rpmbuild fails; the buildroot is expired", async () => {
    const root = await rebuilding(hello, { steps: { "init/populate": exits(30) } })
    const made = "could not init mock buildroot, mock exited with status 30; see root.log for more information"
    assertFailed(root, "BuildrootError", made)
    assert.deepStrictEqual(root.buildroots, ["EXPIRED"])
    const told = await rebuilding(hello, { steps: { "build/source": exits(1) } })
    const text = "error building srpm, mock exited with status 1; see build.log or root.log for more information"
    assertFailed(told, "BuildError", text)
    assert.deepStrictEqual(told.buildroots, ["EXPIRED"])
    assert.deepStrictEqual(from(told.events, "begin build/source"), [
      "begin build/source",
      "container build/source intended, created, started, Exited 1, removed",
      "end build/source",
      "step expire",
      ...["dnf", "hw_info", "mock_config", "mock_output", "root", "state"].map((name) => `uploaded ${name}.log`),
      "note the root of build/source is kept: adjutant shell 1",
      "decided Fault",
      "concluded failed"
    ])
  })

  it("when rpmbuild leaves no source package, or several, or one by another name", async () => {
    const none = await rebuilding({ name: "hello", sources: 0 })
    assert.match(String(Object(none.result)[1]), /^No srpms found in \S+\/srpm_unpacked\/SRPMS$/)
    const several = await rebuilding({ name: "hello", sources: 2 })
    assert.match(
      String(Object(several.result)[1]),
      /^Multiple srpms found in \S+\/SRPMS: hello-1.0-1.1.src.rpm, hello-1.0-1.src.rpm$/
    )
    const misnamed = await rebuilding({ name: "hello", misnamed: true })
    assertFailed(misnamed, "BuildError", "srpm name mismatch: other-1.0-1.src.rpm != hello-1.0-1.src.rpm")
  })
})

describe("rebuildSRPM in the middle", () => {
  const hung: Plot = { steps: { "build/source": hangs } }
  const running = canceledWhen((world) => world.isRunning("build/source"))

  it("is canceled", async () => {
    const told = await rebuilding(hello, { ...hung, ...running })
    assertCanceled(told)
    assert.deepStrictEqual(from(told.events, "container build/source").slice(0, 3), [
      "container build/source intended, created, started",
      "stop canceled",
      "container build/source removed"
    ])
  })

  it("is given back when the daemon is told to stop", async () => {
    const told = await rebuilding(hello, { ...hung, ...stoppedWhen((world) => world.isRunning("build/source")) })
    assertFreed(told)
  })
})
