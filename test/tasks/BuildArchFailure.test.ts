import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { faultCodes } from "../../src/koji/Fault.ts"
import { tag } from "../model/HubTemplate.ts"
import { builtFor, bytesOf } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { ofArch as building, hello, hung, making, repo } from "./building.ts"
import { assertFailed, exits, from, type Plot, tell } from "./telling.ts"

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

  it("when rpmbuild still misses something after all that dnf could do", async () => {
    const told = await building({ ...hello, lines: ["error: Failed build dependencies:"], end: { exit: 11 } })
    assertFailed(
      told,
      "BuildError",
      "error building package (arch x86_64), mock exited with status 11; see root.log for more information"
    )
    assert.match(told.files.get("root.log") ?? "", /rpmbuild misses requirements, .* build.log says which\n$/)
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
    const told = await whenChecked((list) =>
      writeFileSync(list, `${JSON.stringify({ ...basics, payloadhash: "0".repeat(32) })}\n`)
    )
    assert.match(
      String(Object(told.result)[1]),
      /^RPM: basics-1.0-1.noarch: payloadhash: [0-9a-f]{32} mismatch expected 0{32} in rpmlist.jsonl$/
    )
    assert.strictEqual(Object(told.result)[0], faultCodes.BuildrootError)
  })

  it("when the hub does not know a package that is installed", async () => {
    const told = await whenChecked((list) => {
      writeFileSync(list, readFileSync(list, "utf8").replace(/^.*"basics".*\n/m, ""))
    }, true)
    assert.match(String(Object(told.result)[1]), /^No such rpm: .*'basics'/)
    assert.strictEqual(told.state, "FAILED")
  })

  it("when a package of a merged repository comes from nowhere, or from somewhere strange", async () => {
    const merged = (origins: string) =>
      tell("buildArch", [], {
        making,
        before: (world) => [
          world.source({ name: "hello" }),
          tag.build,
          "x86_64",
          true,
          { repo_id: mergedRepo(world, origins) }
        ]
      })
    assertFailed(await merged(""), "BuildError", "No origin for basics-1.0-1.noarch")
    const lines = ["basics-1.0-1.noarch", "make-1.0-1.x86_64", "rpm-build-1.0-1.x86_64", "shell-1.0-1.x86_64"]
    const from = (url: string) => lines.map((nvra) => `0:${nvra}\t${url}\n`).join("")
    const strange = await merged(from("http://elsewhere.example.org/"))
    assertFailed(strange, "BuildError", "Unknown origin for basics-1.0-1.noarch: http://elsewhere.example.org/")
    const own = await merged(from("file:///somewhere/repo_2_premerge/"))
    assert.strictEqual(own.state, "CLOSED")
    const outside = await merged(from("http://example.org/x86_64/"))
    assert.strictEqual(outside.state, "CLOSED")
    assert.isTrue(outside.seen.some(({ params }) => Object(Object(params[1])[0]).location === 1))
  })
})

const basics = { id: 1, name: "basics", version: "1.0", release: "1", arch: "noarch" }

/** A repository merged with an external one, whose packages come from where this list says. */
const mergedRepo = ({ hub }: World, origins: string): number => {
  hub.admin("createExternalRepo", ["outside", "http://example.org/$arch/"])
  hub.admin("addExternalRepoToTag", [tag.build, "outside", 5])
  const [id = 0] = Array.from(Object(hub.puppet("host.repoInit", [tag.build])), Number)
  const repodata = `${hub.top}/repos/model-build/${id}/x86_64/repodata`
  mkdirSync(repodata)
  writeFileSync(`${repodata}/pkgorigins`, origins)
  const entry = '<data type="origin"><location href="repodata/pkgorigins"/></data>'
  writeFileSync(`${repodata}/repomd.xml`, `<repomd>${entry}</repomd>\n`)
  hub.puppet("host.repoDone", [id, {}])
  return id
}

/** A build in a repository whose list of packages changes once its root is made; of another `basics`, if so. */
const whenChecked = (change: (list: string) => void, another = false) =>
  building(hello, {
    before: (world) => {
      const list = `${world.hub.top}/repos/model-build/1/x86_64/rpmlist.jsonl`
      if (another)
        writeFileSync(
          list,
          readFileSync(list, "utf8").replace('"name":"basics","version":"1.0"', '"name":"basics","version":"9"')
        )
      const changing = Effect.sync(() => change(list))
      world.interfere((step, program) =>
        step === "init/check" ? { ...program, work: Effect.andThen(program.work ?? Effect.void, changing) } : program
      )
      return [world.source(hello), tag.build, "x86_64", true, repo]
    }
  })
