import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { faultCodes } from "../../src/koji/Fault.ts"
import { tag } from "../model/HubTemplate.ts"
import { builtFor, bytesOf, type Recipe } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import {
  assertCanceled,
  assertFailed,
  assertFreed,
  canceledWhen,
  exits,
  from,
  type Plot,
  reports,
  stoppedWhen,
  tell
} from "./telling.ts"

const repo = { repo_id: 1 }
const hello: Recipe = { name: "hello", requires: ["make", "zlib-devel >= 1"] }
const making = { arch: "x86_64" }

/** The task that builds this source package for x86_64, keeping its source. */
const building = (recipe: Recipe, plot: Plot = {}) =>
  tell("buildArch", [], { making, before: (world) => [world.source(recipe), tag.build, "x86_64", true, repo], ...plot })

const hung: Recipe = { name: "hello", end: "never" }

/** The story of a build that hangs, up to the moment at which it does. */
const whenHung = (then: (world: World, task: number) => Effect.Effect<void>, plot: Plot = {}) =>
  building(hung, {
    meanwhile: (world, task) =>
      world
        .until(() => world.isRunning("build/1"))
        .pipe(Effect.andThen(Effect.sleep("5 seconds")), Effect.andThen(then(world, task))),
    ...plot
  })

describe("buildArch", () => {
  it("builds what a source package says, in a root with all that it requires", async () => {
    const told = await building(hello)
    assert.strictEqual(told.state, "CLOSED")
    const logs = "build dnf hw_info installed_pkgs mock_config mock_output root state".split(" ")
    assert.deepStrictEqual(told.result, {
      rpms: ["tasks/1/1/hello-1.0-1.x86_64.rpm"],
      srpms: ["tasks/1/1/hello-1.0-1.src.rpm"],
      logs: logs.map((name) => `tasks/1/1/${name}.log`),
      brootid: 1
    })
    assert.deepStrictEqual(told.events, [
      "accepted buildArch x86_64",
      "step openTask",
      "step open/weight",
      "step event",
      "step source",
      "step average",
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
      "step building",
      "step build/prepare",
      "begin build/1",
      "container build/1 intended, created, started, Exited 101, removed",
      "end build/1",
      "begin install/1",
      "container install/1/resolve intended, created, started, Exited 0, removed",
      "container install/1/install intended, created, started, Exited 0, removed",
      "end install/1",
      "begin build/2",
      "container build/2 intended, created, started, Exited 0, removed",
      "end build/2",
      "step build/installed",
      "step packages/after",
      "step packages/update",
      "step results",
      "begin upload",
      "uploaded hello-1.0-1.x86_64.rpm",
      "uploaded hello-1.0-1.src.rpm",
      "end upload",
      "step expire",
      "begin logs",
      ...logs.map((name) => `uploaded ${name}.log`),
      "end logs",
      "decided Success",
      "concluded closed"
    ])
    assert.deepStrictEqual(told.calls, [
      "repoInfo 1 {strict: true}",
      "getAverageBuildDuration hello {age: 6}",
      "host.getHost",
      "getBuildConfig model-build {event: 9}",
      "repoInfo 1 {strict: true}",
      "getBuildConfig model-build {event: 9}",
      "host.newBuildRoot 1 x86_64 {task_id: 1}",
      "getExternalRepoList 2 {event: 9}",
      "host.setBuildRootList 1 [4 structs]",
      "host.setBuildRootState 1 BUILDING",
      "getExternalRepoList 2 {event: 9}",
      "host.updateBuildRootList 1 [5 structs]",
      "host.setBuildRootState 1 EXPIRED",
      "host.closeTask 1 <document>",
      "logout"
    ])
    assert.deepStrictEqual(told.buildroots, ["EXPIRED"])
    assert.deepStrictEqual(told.installed, ["basics", "make", "shell", "rpm-build", "+zlib-devel"])
    assert.deepStrictEqual(
      [...told.files.keys()],
      [...logs.map((name) => `${name}.log`), "hello-1.0-1.src.rpm", "hello-1.0-1.x86_64.rpm"].sort()
    )
  })

  it("writes the logs that packagers know", async () => {
    const { files } = await building({ ...hello, lines: ["one", "two"] })
    assert.strictEqual(
      files.get("build.log"),
      [
        "Mock Version: koji-adjutant 0.0.0",
        "Building target platforms: x86_64",
        "Building target platforms: x86_64",
        "Executing(%build): hello-1.0-1",
        "one",
        "two",
        ""
      ].join("\n")
    )
    const state = (files.get("state.log") ?? "")
      .split("\n")
      .map((line) => line.replace(/^[-0-9]{10} [0-9:]{8},[0-9]{3} - /, ""))
    assert.deepStrictEqual(state, [
      "Mock Version: koji-adjutant 0.0.0",
      "Start: chroot init",
      "Start: installing minimal buildroot with dnf",
      "Finish: installing minimal buildroot with dnf",
      "Finish: chroot init",
      "Start: build phase for hello-1.0-1.src.rpm",
      "Start: build setup for hello-1.0-1.src.rpm",
      "Finish: build setup for hello-1.0-1.src.rpm",
      "Start: rpmbuild hello-1.0-1.src.rpm",
      "Start: Outputting list of installed packages",
      "Finish: Outputting list of installed packages",
      "Finish: rpmbuild hello-1.0-1.src.rpm",
      "Finish: build phase for hello-1.0-1.src.rpm",
      "Finish: run",
      ""
    ])
    const installed = (files.get("installed_pkgs.log") ?? "").split("\n").map((line) => line.split(" ")[0])
    assert.include(installed, "zlib-devel-1.0-1.x86_64")
    assert.match(files.get("root.log") ?? "", /Executing command: dnf\S* .* install @build/)
    assert.match(files.get("mock_config.log") ?? "", /# Koji buildroot name: model-build-1-1/)
  })

  it("goes on installing while the build finds more that it requires", async () => {
    const told = await building({ ...hello, generated: [["compiler"], ["zlib"]] })
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual(
      told.containers.filter((step) => !step.startsWith("init/")),
      [
        ...["build/1", "install/1/resolve", "install/1/install"],
        ...["build/2", "install/2/resolve", "install/2/install"],
        ...["build/3", "install/3/resolve", "install/3/install", "build/4"]
      ]
    )
    assert.include(told.calls, "host.updateBuildRootList 1 [7 structs]")
  })

  it("uploads hashes of noarch packages, and no source unless it is to keep it", async () => {
    const doc: Recipe = {
      name: "hello",
      packages: [
        { name: "hello", arch: "target" },
        { name: "hello-doc", arch: "noarch" }
      ]
    }
    const told = await building(doc, {
      before: (world) => [world.source(doc), tag.build, "x86_64", false, repo]
    })
    const { rpms, srpms, logs } = Object(told.result)
    assert.deepStrictEqual(rpms, ["tasks/1/1/hello-1.0-1.x86_64.rpm", "tasks/1/1/hello-doc-1.0-1.noarch.rpm"])
    assert.deepStrictEqual(srpms, [])
    assert.include(logs, "tasks/1/1/noarch_rpmdiff.json")
    assert.match(
      told.files.get("noarch_rpmdiff.json") ?? "",
      /^\{\n {2}"1": \{\n {4}"hello-doc-1.0-1.noarch.rpm": "[0-9a-f]{64}"\n/
    )
    assert.isFalse(told.files.has("hello-1.0-1.src.rpm"))
  })

  it("uses the images that an earlier task has made, and tells their making in its own logs", async () => {
    const told = await building(hello, {
      meanwhile: (world, task) =>
        Effect.gen(function* () {
          yield* world.until(() => world.hub.state(task) === "CLOSED")
          const again = world.hub.makeTask("buildArch", [world.source(hello), tag.build, "x86_64", true, repo], making)
          yield* world.until(() => world.hub.state(again) === "CLOSED")
        })
    })
    assert.deepStrictEqual(told.containers.slice(-2), ["build/1", "build/2"])
    assert.lengthOf(told.containers, 8)
  })
})

describe("buildArch fails with kojid's words", () => {
  const params = (first: (world: World) => string, rest: ReadonlyArray<string | boolean | object>, plot: Plot = {}) =>
    tell("buildArch", [], { making, before: (world) => [first(world), ...(rest as ReadonlyArray<string>)], ...plot })
  const source = (world: World) => world.source(hello)

  it("without a repository", async () => {
    assertFailed(await params(source, [tag.build, "x86_64", true, {}]), "BuildError", "A repo id must be provided")
    assertFailed(await params(source, [tag.build, "x86_64", true]), "BuildError", "A repo id must be provided")
  })

  it("without a source package", async () => {
    const missing = await params(() => "cli-build/none.src.rpm", [tag.build, "x86_64", true, repo])
    assertFailed(missing, "BuildError", "SRPM file missing: cli-build/none.src.rpm")
    assert.deepStrictEqual(missing.containers, [])
    assert.deepStrictEqual(missing.buildroots, [])
    const [binary] = builtFor(hello, "x86_64")
    const other = await params(
      (world) => world.hub.place("cli-build/hello.rpm", binary === undefined ? "" : bytesOf(binary)),
      [tag.build, "x86_64", true, repo]
    )
    assertFailed(other, "BuildError", "not a source package")
  })

  it("when the repository is not this tag's, or not ready", async () => {
    const mismatch = await params(source, [tag.destination, "x86_64", true, repo])
    assertFailed(mismatch, "BuildrootError", "tag/repo mismatch: model vs model-build")
    const unready = await tell("buildArch", [], {
      making,
      before: (world) => {
        const [id] = Array.from(Object(world.hub.puppet("host.repoInit", [tag.build])), Number)
        return [world.source(hello), tag.build, "x86_64", true, { repo_id: id ?? 0 }]
      }
    })
    assertFailed(unready, "BuildrootError", "Requested repo (2) is INIT")
    assert.deepStrictEqual(unready.buildroots, [])
  })

  it("when a noarch package finds no arch of the tag's", async () => {
    const told = await tell("buildArch", [], {
      before: (world) => {
        world.hub.admin("createTag", ["archless"])
        const [id] = Array.from(Object(world.hub.puppet("host.repoInit", ["archless"])), Number)
        return [world.source(hello), "archless", "noarch", true, { repo_id: id ?? 0 }]
      }
    })
    assertFailed(told, "BuildError", "No arch list for tag: archless")
  })

  it("when the root cannot be made; its buildroot is expired", async () => {
    const told = await building(hello, { steps: { "init/populate": exits(30) } })
    assertFailed(
      told,
      "BuildrootError",
      "could not init mock buildroot, mock exited with status 30; see root.log for more information"
    )
    assert.deepStrictEqual(told.buildroots, ["EXPIRED"])
    assert.deepStrictEqual(from(told.events, "begin init"), [
      "begin init",
      "container init/populate intended, created, started, Exited 30, removed",
      "fail init",
      "step expire",
      ...["hw_info", "mock_config", "mock_output", "root", "state"].map((name) => `uploaded ${name}.log`),
      "decided Fault",
      "concluded failed"
    ])
  })

  it("when the build fails; the hub hears what was installed, and the logs are there", async () => {
    const told = await building({ ...hello, lines: ["cc: error"], end: { exit: 1 } })
    const text =
      "error building package (arch x86_64), mock exited with status 1; see build.log or root.log for more information"
    assertFailed(told, "BuildError", text)
    assert.include(told.calls, "host.updateBuildRootList 1 [5 structs]")
    assert.deepStrictEqual(told.buildroots, ["EXPIRED"])
    assert.match(told.files.get("build.log") ?? "", /cc: error\n$/)
    assert.isFalse([...told.files.keys()].some((name) => name.endsWith(".rpm")))
  })

  it("when a requirement is not to be had", async () => {
    const told = await building({ name: "hello", requires: ["no-such-thing"] })
    assertFailed(
      told,
      "BuildError",
      "error building package (arch x86_64), mock exited with status 30; see root.log for more information"
    )
    assert.match(told.files.get("root.log") ?? "", /No matching package to install: 'no-such-thing'/)
    assert.include(told.calls, "host.updateBuildRootList 1 [4 structs]")
  })

  it("when generating requirements fails", async () => {
    const told = await building(
      { name: "hello", generated: [["compiler"]] },
      { steps: { "build/1": (program) => ({ ...program, exit: 1 }) } }
    )
    const text = "error building package (arch x86_64), mock exited with status 10; see build.log for more information"
    assertFailed(told, "BuildError", text)
  })

  it("when the kernel, a limit or a signal ends the build", async () => {
    const memory = await building({ name: "hello", end: "out of memory" })
    assertFailed(
      memory,
      "BuildError",
      "error building package (arch x86_64), mock was killed by signal 9; see root.log for more information (memory limit of 4294967296 bytes reached)"
    )
    const signal = await building({ name: "hello", end: { signal: 11 } })
    assertFailed(
      signal,
      "BuildError",
      "error building package (arch x86_64), mock was killed by signal 11; see root.log for more information"
    )
    const time = await building(hung, { daemon: { settings: { rpmbuildTimeoutSeconds: 100 } } })
    assertFailed(
      time,
      "BuildError",
      "error building package (arch x86_64), mock exited with status 11; see root.log for more information (time limit of 100 seconds reached)"
    )
    assert.match(time.files.get("build.log") ?? "", /ERROR adjutant: {2}time limit of 100 seconds reached\n$/)
  })

  it("when the source package is not what a build may leave", async () => {
    assertFailed(await building({ name: "hello", sources: 0 }), "BuildError", "no srpm files found for task 1")
    assertFailed(
      await building({ name: "hello", sources: 2 }),
      "BuildError",
      "multiple srpm files found for task 1: ['hello-1.0-1.1.src.rpm', 'hello-1.0-1.src.rpm']"
    )
    for (const member of ["packager", "vendor", "distribution"] as const) {
      const told = await building({ name: "hello", lacks: [member] })
      assertFailed(told, "BuildError", `The build system failed to set the ${member} tag`)
    }
  })

  it("when what is installed is not what the repository lists", async () => {
    const told = await building(hello, {
      before: (world) => {
        const list = `${world.hub.top}/repos/model-build/1/x86_64/rpmlist.jsonl`
        const forging = Effect.sync(() => forge(list))
        world.interfere((step, program) =>
          step === "init/check" ? { ...program, work: Effect.andThen(program.work ?? Effect.void, forging) } : program
        )
        return [world.source(hello), tag.build, "x86_64", true, repo]
      }
    })
    assert.strictEqual(told.state, "FAILED")
    assert.match(
      String(Object(told.result)[1]),
      /^RPM: basics-1.0-1.noarch: payloadhash: [0-9a-f]{32} mismatch expected 0{32} in rpmlist.jsonl$/
    )
    assert.strictEqual(Object(told.result)[0], faultCodes.BuildrootError)
  })
})

const forge = (list: string) => {
  const { name, version, release, arch } = { name: "basics", version: "1.0", release: "1", arch: "noarch" }
  writeFileSync(list, `${JSON.stringify({ id: 1, name, version, release, arch, payloadhash: "0".repeat(32) })}\n`)
}

describe("buildArch is given back", () => {
  it("when the daemon is told to stop", async () => {
    const told = await building(
      hung,
      stoppedWhen((world) => world.isRunning("build/1"))
    )
    assertFreed(told)
    assert.deepStrictEqual(from(told.events, "container build/1"), [
      "container build/1 intended, created, started",
      "stop shutdown",
      "container build/1 removed",
      "decided Freed",
      "concluded freed"
    ])
    assert.deepStrictEqual(
      told.seen.slice(-4).map(({ method }) => method),
      ["host.freeTasks", "logout", "host.updateHost", "logout"]
    )
    assert.deepInclude(told.seen.at(-2)?.keywords, { ready: false })
  })

  it("when somebody else kills its container each time: nobody knows how it would have ended", async () => {
    const killEachRun = (world: World) =>
      Effect.gen(function* () {
        for (let run = 1; run <= 3; run++) {
          yield* world.until(() => world.isRunning("build/1"))
          yield* world.engine.kill("adjutant-b1b1b1b1b1b1-1-1-build.1")
          yield* world.until(() => !world.isRunning("build/1"))
        }
      })
    const told = await whenHung(killEachRun, { ends: "given back" })
    assertFreed(told)
    assert.deepStrictEqual(told.result, null)
    assert.lengthOf(
      from(told.events, "container build/1")
        .join()
        .match(/intended/g) ?? [],
      3
    )
  })

  it("when the engine stays away", async () => {
    const told = await whenHung(
      (world) =>
        Effect.gen(function* () {
          yield* world.engine.goAway("go on")
          yield* world.until(() => world.hub.calls.some(({ method }) => method === "host.freeTasks"))
          yield* world.engine.comeBack
          yield* world.until(() => !world.isRunning("build/1"))
        }),
      { ends: "given back" }
    )
    assertFreed(told)
  })

  it("when its session is gone: the daemon frees it at the second look", async () => {
    const told = await whenHung(
      (world) => Effect.sync(() => void world.hub.admin("logout", [world.hub.sessionOf("builder1", 1) ?? 0])),
      { ends: "given back", daemon: { settings: { rpmbuildTimeoutSeconds: 60 } } }
    )
    assert.strictEqual(told.state, "FREE")
    assert.match(told.events.at(-1) ?? "", /^concluded freed: host.freeTasks: Invalid session or bad credentials/)
    assert.deepStrictEqual(reports(told), ["host.freeTasks [1]", "host.freeTasks [1]"])
  })
})

describe("buildArch ends", () => {
  it("when it is canceled, and reports nothing", async () => {
    const told = await building(
      hung,
      canceledWhen((world) => world.isRunning("build/1"))
    )
    assertCanceled(told)
    assert.deepStrictEqual(from(told.events, "container build/1"), [
      "container build/1 intended, created, started",
      "stop canceled",
      "container build/1 removed",
      "decided Canceled",
      "concluded canceled"
    ])
  })

  it("when it has become another host's, and reports nothing", async () => {
    const told = await whenHung((world, task) =>
      Effect.sync(() => {
        world.hub.admin("freeTask", [task])
        world.hub.puppet("host.openTask", [task])
        world.hub.puppet("host.failTask", [
          task,
          "<?xml version='1.0'?><methodResponse><params><param><value><nil/></value></param></params></methodResponse>"
        ])
      })
    )
    assert.strictEqual(told.events.at(-1), "concluded lost")
    assert.deepStrictEqual(reports(told), [])
  })

  it("in a refusal where there is no tools image", async () => {
    const told = await building(hello, {
      ends: "given back",
      daemon: { settings: { toolsImage: "localhost/none:1", pullPolicy: "never" } }
    })
    assert.strictEqual(told.state, "FREE")
    assert.deepStrictEqual(reports(told), [
      "host.refuseTask 1 {soft: true, msg: container engine: pull localhost/none:1: not on this host, and the policy is never to pull}"
    ])
    assert.strictEqual(told.events.at(-1), "concluded refused")
  })
})
