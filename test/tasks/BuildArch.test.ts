import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { before134 } from "../model/OlderHub.ts"
import type { Recipe } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { ofArch as building, hello, hung, making, repo } from "./building.ts"
import { assertCanceled, assertFreed, canceledWhen, from, type Plot, reports, stoppedWhen } from "./telling.ts"

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

describe("buildArch, where others fill the builder's disk,", () => {
  const message = "fewer than 1073741824 bytes were left on the builder's disk"
  const refusal = `host.refuseTask 1 {soft: true, msg: no room for build/1: ${message}}`
  /** So many attempts find no room. */
  const roomless = (times: number): Plot => {
    let left = times
    return { steps: { "build/1": (program) => (left-- > 0 ? { ...program, exit: "out of space" } : program) } }
  }

  it("is left to other builders, and is this one's again in a while", async () => {
    const told = await building(hello, roomless(1))
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual(reports(told).slice(0, -1), [refusal])
  })

  it("is freed on a hub before 1.34, which takes no refusals, and left alone there for as long", async () => {
    const told = await building(hello, {
      ...roomless(1),
      before: (world) => {
        world.hub.fateOf = before134
        return [world.source(hello), tag.build, "x86_64", true, { repo_id: 1 }]
      }
    })
    assert.strictEqual(told.state, "CLOSED")
    assert.deepStrictEqual(reports(told).slice(0, -1), [refusal, "host.freeTasks [1]"])
    const [first, second] = told.seen.filter(({ method }) => method === "host.openTask").map(({ at }) => at)
    assert.isAtLeast((second ?? 0) - (first ?? 0), 15 * 60 * 1000, "what the hub cannot be told is kept in mind here")
  })

  it("fails in the third attempt: it wants more than there is", async () => {
    const told = await building(hello, roomless(9))
    assert.deepStrictEqual(reports(told), [refusal, refusal, "host.failTask 1 <document>"])
    assert.strictEqual(told.state, "FAILED")
    assert.include(JSON.stringify(told.result), message)
  })
})

describe("buildArch, where the disk cannot be read,", () => {
  for (const operation of ["lstat", "open", "readdir"]) {
    it(`fails at ${operation}, and never takes a package that it cannot read for none`, async () => {
      const isResult = (path: string) => /\/build\/RPMS(\/hello[^/]*)?$/.test(path)
      const told = await building(hello, {
        world: { files: (what, path) => (what === operation && isResult(path) ? { code: "EIO" } : "done") }
      })
      assert.strictEqual(told.state, "FAILED")
      assert.include(JSON.stringify(told.result), `EIO: injected, ${operation}`)
    })
  }
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
      "host.refuseTask 1 {soft: true, msg: container engine: pull localhost/none:1: not on this host, and the policy is never to pull (tools_image in [adjutant])}"
    ])
    assert.strictEqual(told.events.at(-1), "concluded refused")
  })

  it("shows certificates of the host to steps that fetch packages, and to no others; and labels every container", async () => {
    const mount = { source: "/etc/pki/site", target: "/etc/pki/entitlement", readOnly: true, relabel: "none" } as const
    const labels = { "org.example.rack": "12", "io.koji.adjutant.task_id": "999" }
    const told = await building(hello, { daemon: { settings: { installMounts: [mount], labels } } })
    const specs = told.history.flatMap((event) => (event._tag === "ContainerIntended" ? [Object(event.spec)] : []))
    assert.isAbove(specs.length, 4)
    for (const spec of specs) {
      const sees = JSON.stringify(spec.mounts).includes("/etc/pki")
      assert.strictEqual(sees, spec.network !== "none", spec.name)
      assert.strictEqual(spec.labels["org.example.rack"], "12")
      assert.strictEqual(spec.labels["io.koji.adjutant.task_id"], "1")
    }
  })
})
