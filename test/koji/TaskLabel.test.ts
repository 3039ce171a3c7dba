import { assert, describe, it } from "@effect/vitest"
import type { PythonValue } from "../../src/koji/PythonRepr.ts"
import { taskLabel } from "../../src/koji/TaskLabel.ts"

const host = { id: 3, name: "builder1" }
const target = { id: 9, name: "f40" }
const build = { package_name: "foo", version: "1", release: "2" }

describe("a task's label", () => {
  const table: ReadonlyArray<readonly [label: string, method: string, request: ReadonlyArray<PythonValue>]> = [
    ["build (f40, foo-1-1.src.rpm)", "build", ["cli-build/1/foo-1-1.src.rpm", "f40"]],
    ["build (f40, /rpms/foo:main)", "build", ["git+https://u@h:8/rpms/foo#main", target]],
    ["build (None, /rpms/foo:sub:main)", "build", ["git://h/rpms/foo?sub#main", null]],
    ["maven (f40, /m:1)", "maven", ["svn://h/m#1", "f40", {}]],
    ["buildSRPMFromSCM (/rpms/foo:main)", "buildSRPMFromSCM", ["git://h/rpms/foo#main", 4]],
    ["buildArch (foo-1-1.src.rpm, i686)", "buildArch", ["x/foo-1-1.src.rpm", 4, "i686", true, { repo_id: 1 }]],
    ["buildMaven (f40-build)", "buildMaven", ["u", { name: "f40-build" }]],
    ["wrapperRPM (f40, foo-1-2)", "wrapperRPM", ["u", target, build, null]],
    ["wrapperRPM (f40)", "wrapperRPM", ["u", target, null, null]],
    ["buildNotification (foo-1-2)", "buildNotification", [[], build, target, "http://w"]],
    [
      "newRepo (f40-build)",
      "newRepo",
      [
        { id: 1, name: "f40-build" },
        { opts: {}, __starstar: true }
      ]
    ],
    ["newRepo (7)", "newRepo", [7]],
    ["distRepo (t)", "distRepo", ["t", 1, [], {}]],
    ["createrepo (x86_64)", "createrepo", [1, "x86_64", null]],
    ["createdistrepo (5, x86_64)", "createdistrepo", ["t", 5, "x86_64", [], {}]],
    ["waitrepo (t)", "waitrepo", ["t"]],
    ["waitrepo (t, a-1-1, b-1-1)", "waitrepo", [{ name: "t" }, null, ["a-1-1", "b-1-1"]]],
    ["chainbuild (f40)", "chainbuild", [[], "f40"]],
    [
      "dependantTask (build, tagBuild)",
      "dependantTask",
      [
        [1],
        [
          ["build", []],
          ["tagBuild", []]
        ]
      ]
    ],
    ["image (['x86_64'], a-1, ks)", "image", ["a", "1", ["x86_64"], "t", "ks"]],
    ["createImage (f40, a-1-2, tree, x86_64)", "createImage", ["a", "1", "2", "x86_64", target, 1, {}, "tree"]],
    ["indirectionimage (a, 1, 2)", "indirectionimage", [{ name: "a", version: "1", release: "2" }]],
    ["winbuild (f40, /w:1)", "winbuild", ["n", "git://h/w#1", "f40", {}]],
    ["vmExec (vm)", "vmExec", ["vm", {}, {}]],
    ["restart (builder1)", "restart", [host]],
    ["restartVerify (builder1)", "restartVerify", [1, host]],
    ["tagBuild (noarch)", "tagBuild", [1, 2]],
    ["rebuildSRPM (noarch)", "rebuildSRPM", ["a", 1]],
    ["somePlugin (noarch)", "somePlugin", []],
    ["createrepo (noarch, unknown args)", "createrepo", [1]],
    ["tagBuild (noarch, unknown args)", "tagBuild", [1]],
    ["malformed task", "build", [5, "f40"]],
    ["malformed task", "restart", ["builder1"]],
    ["malformed task", "buildMaven", ["u", "tag"]]
  ]
  for (const [label, method, request] of table) {
    it(label, () => assert.strictEqual(taskLabel({ method, arch: "noarch", request }), label))
  }
})
