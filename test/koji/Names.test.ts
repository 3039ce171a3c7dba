import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import type { KojiFault } from "../../src/koji/Fault.ts"
import { formatNvr, formatNvra, parseNvr, parseNvra } from "../../src/koji/Nvr.ts"
import {
  buildrootName,
  pathInfo,
  rpmPath,
  safeComponent,
  safeRelativePath,
  signatureHeaderPath,
  signedRpmPath,
  taskPath
} from "../../src/koji/Paths.ts"
import {
  buildrootStateName,
  buildStateName,
  isFinished,
  repoStateName,
  taskStateName,
  taskStates
} from "../../src/koji/TaskState.ts"
import { buildArchWeight, taskWeight } from "../../src/koji/Weights.ts"

const told = <A>(result: Result.Result<A, KojiFault>): A | string =>
  Result.match(result, {
    onSuccess: (value): A | string => value,
    onFailure: ({ code, message }) => `${code}: ${message}`
  })

describe("an NVR", () => {
  it("is split at its last two hyphens", () => {
    assert.deepStrictEqual(told(parseNvr("a-b-c-1.0-2.fc40")), {
      name: "a-b-c",
      version: "1.0",
      release: "2.fc40",
      epoch: null
    })
    assert.deepStrictEqual(told(parseNvr("1:bash-5-1")), { name: "bash", version: "5", release: "1", epoch: "1" })
    for (const wrong of ["", "a", "a-1", "a-1-", "a--1"])
      assert.strictEqual(told(parseNvr(wrong)), `1000: invalid format: ${wrong}`)
  })

  it("has an arch after its last dot, perhaps .rpm, perhaps a location", () => {
    const bash = { name: "bash", version: "5.2", release: "1.fc40", epoch: null, arch: "x86_64", location: null }
    assert.deepStrictEqual(told(parseNvra("bash-5.2-1.fc40.x86_64.rpm")), bash)
    assert.deepStrictEqual(told(parseNvra("bash-5.2-1.fc40.x86_64")), bash)
    assert.deepStrictEqual(told(parseNvra("0:bash-5.2-1.fc40.x86_64@centos")), {
      ...bash,
      epoch: "0",
      location: "centos"
    })
    assert.strictEqual(told(parseNvra("bash")), "1000: invalid format: bash")
    assert.strictEqual(told(parseNvra("bash-5-1.")), "1000: invalid format: bash-5-1.")
  })

  it("is written as it is read", () => {
    const nvra = Result.getOrThrow(parseNvra("a-b-1-2.noarch"))
    assert.strictEqual(formatNvr(nvra), "a-b-1-2")
    assert.strictEqual(formatNvra(nvra), "a-b-1-2.noarch")
  })
})

describe("a path in Koji's tree", () => {
  const tree = pathInfo("/mnt/koji")
  const build = { name: "foo", version: "1.0", release: "2" }

  it("follows the formulas (daemon.md 6)", () => {
    assert.strictEqual(tree.build(build), "/mnt/koji/packages/foo/1.0/2")
    assert.strictEqual(tree.build({ ...build, volume_name: "DEFAULT" }), "/mnt/koji/packages/foo/1.0/2")
    assert.strictEqual(tree.build({ ...build, volume_name: "big" }), "/mnt/koji/vol/big/packages/foo/1.0/2")
    assert.strictEqual(tree.typed(build, "maven"), "/mnt/koji/packages/foo/1.0/2/maven")
    assert.strictEqual(tree.typed(build, "image"), "/mnt/koji/packages/foo/1.0/2/images")
    assert.strictEqual(tree.typed(build, "constructor"), "/mnt/koji/packages/foo/1.0/2/files/constructor")
    assert.strictEqual(tree.buildLogs(build), "/mnt/koji/packages/foo/1.0/2/data/logs")
    assert.strictEqual(tree.repo(7, "f40-build"), "/mnt/koji/repos/f40-build/7")
    assert.strictEqual(tree.distRepo(7, "f40", "big"), "/mnt/koji/vol/big/repos-dist/f40/7")
    assert.strictEqual(tree.task(1_234_567), "/mnt/koji/work/tasks/4567/1234567")
    assert.strictEqual(tree.scratch(), "/mnt/koji/scratch")
    assert.strictEqual(pathInfo("https://x.example.org").repo(7, "t"), "https://x.example.org/repos/t/7")
    assert.strictEqual(rpmPath({ ...build, arch: "src" }), "src/foo-1.0-2.src.rpm")
    assert.strictEqual(
      signedRpmPath({ ...build, arch: "noarch" }, "abcd"),
      "data/signed/abcd/noarch/foo-1.0-2.noarch.rpm"
    )
    assert.strictEqual(
      signatureHeaderPath({ ...build, arch: "noarch" }, "abcd"),
      "data/sigcache/abcd/noarch/foo-1.0-2.noarch.rpm.sig"
    )
    assert.strictEqual(buildrootName("f40-build", 77, 6178041), "f40-build-77-6178041")
  })

  it("has a task's number modulo 10000, not padded", () => {
    assert.strictEqual(taskPath(30_001), "tasks/1/30001")
    assert.strictEqual(taskPath(20_000), "tasks/0/20000")
    assert.strictEqual(taskPath(7), "tasks/7/7")
  })

  it("is made of names that are one component and nothing else", () => {
    for (const name of ["a", "f40-build", "a..b", "...", ".hidden", "é", "a b", "x".repeat(255)]) {
      assert.strictEqual(told(safeComponent(name)), name)
    }
    for (const name of [
      "",
      ".",
      "..",
      "a/b",
      "/",
      "a\nb",
      "a\0",
      "-rf",
      "\ud800",
      "\x1b[2J",
      "\x85",
      "x".repeat(256),
      "é".repeat(128)
    ]) {
      assert.isTrue(Result.isFailure(safeComponent(name)), JSON.stringify(name))
    }
  })

  it("is made of safe components below a directory", () => {
    assert.strictEqual(told(safeRelativePath("cli-build/1.2/a.src.rpm")), "cli-build/1.2/a.src.rpm")
    for (const path of ["", "/etc/passwd", "a//b", "a/", "a/../b", "..", "a/./b", "a/-b", `${"a/".repeat(4000)}a`]) {
      assert.isTrue(Result.isFailure(safeRelativePath(path)), path)
    }
  })
})

describe("states and weights", () => {
  it("have kojid's numbers", () => {
    assert.strictEqual(taskStateName(4), "ASSIGNED")
    assert.strictEqual(taskStateName(5), "FAILED")
    assert.strictEqual(buildStateName(1), "COMPLETE")
    assert.strictEqual(buildrootStateName(3), "EXPIRED")
    assert.strictEqual(repoStateName(4), "PROBLEM")
    assert.isUndefined(taskStateName(6))
    assert.isTrue(isFinished(taskStates.CANCELED))
    assert.isFalse(isFinished(taskStates.ASSIGNED))
  })

  it("rise with the time a package takes, up to a limit", () => {
    assert.strictEqual(taskWeight("createrepo"), 1.5)
    assert.strictEqual(taskWeight("someoneElses"), 1)
    assert.strictEqual(buildArchWeight(4800), 2.5)
    assert.strictEqual(buildArchWeight(1e9), 19.5)
    for (const none of [null, 0, -5, Number.NaN]) assert.isNull(buildArchWeight(none))
  })
})
