import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { buildEnvironment, buildrootMacros, renderRpmMacros } from "../../src/koji/Macros.ts"
import { mockCommandOptions } from "../../src/koji/MockConfig.ts"
import type { PythonValue } from "../../src/koji/PythonRepr.ts"
import { moduleCommands, readTagExtras } from "../../src/koji/TagExtras.ts"

const extrasOf = (extra: { readonly [key: string]: PythonValue }) => Result.getOrThrow(readTagExtras(extra))
const site = { packager: "Koji", vendor: "Koji", distribution: "Koji", mockHost: "koji-linux-gnu" }

describe("a tag's extras", () => {
  it("choose nothing when there are none", () => {
    const extras = extrasOf({})
    assert.isNull(extras.packageManager)
    assert.isTrue(extras.rebuildSrpm)
    assert.isFalse(extras.forcearch)
    assert.deepStrictEqual(mockCommandOptions(extras), [])
    assert.deepStrictEqual(Result.getOrThrow(moduleCommands(extras)), [])
  })

  it("are read by Python's truth", () => {
    const extras = extrasOf({
      "mock.new_chroot": 0,
      "mock.bootstrap_image_ready": "0",
      rebuild_srpm: false,
      "mock.package_manager": "",
      "mock.yum.best": "1"
    })
    assert.deepStrictEqual(mockCommandOptions(extras), ["--old-chroot", "--bootstrap-image-ready"])
    assert.isFalse(extras.rebuildSrpm)
    assert.isNull(extras.packageManager)
    assert.strictEqual(extras.yumBest, 1)
    assert.deepStrictEqual(extrasOf({ "repo.oldrepo_hint": ["a", 3] }).oldrepoHint, ["a", 3])
    assert.deepStrictEqual(extrasOf({ "repo.oldrepo_hint": "a" }).oldrepoHint, ["a"])
  })

  it("are refused where nothing can be made of them", () => {
    const refused: ReadonlyArray<{ readonly [key: string]: PythonValue }> = [
      { "mock.yum.best": "yes" },
      { "mock.yum.best": null },
      { "mock.plugin_conf.sign_enable": true },
      { "rpm.env.": "x" },
      { "rpm.env.A=B": "x" },
      { "rpm.env.A": "\0" }
    ]
    for (const extra of refused) assert.isTrue(Result.isFailure(readTagExtras(extra)), JSON.stringify(extra))
  })

  it("hold module commands, which are no options of the package manager", () => {
    const commands = (value: PythonValue) => moduleCommands(extrasOf({ "mock.module_setup_commands": value }))
    assert.deepStrictEqual(
      Result.getOrThrow(
        commands([
          ["enable", "a:1, b:2"],
          ["disable", "*"]
        ])
      ),
      [
        { action: "enable", modules: ["a:1", "b:2"] },
        { action: "disable", modules: ["*"] }
      ]
    )
    for (const wrong of [
      "enable a",
      [["enable"]],
      [["enable", 1]],
      [["--setopt=x", "a"]],
      [["enable", "--config=/etc/passwd"]]
    ]) {
      assert.isTrue(Result.isFailure(commands(wrong)), JSON.stringify(wrong))
    }
  })
})

describe("rpm in a buildroot", () => {
  it("has the macros of the configuration and mock's own", () => {
    const macros = buildrootMacros({
      ...site,
      targetArch: "i686",
      tagMacros: { "%dist": ".fc40", "%_host": "no" }
    })
    assert.strictEqual(
      renderRpmMacros(macros, "builder.example.org", false),
      "%_buildhost builder.example.org\n%_host i686-koji-linux-gnu\n%_host_cpu i686\n%_platform_multiplier 1\n" +
        "%_rpmfilename %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm\n%_topdir /builddir/build\n%dist .fc40\n" +
        "%distribution Koji\n%packager Koji\n%vendor Koji\n"
    )
    assert.include(
      renderRpmMacros({ "%_buildhost": "mine" }, "b", true),
      "%_buildhost mine\n%_platform_multiplier 10\n"
    )
  })

  it("has mock's environment, and what the tag adds", () => {
    const environment = buildEnvironment({ CC: "gcc", PATH: "/opt/bin" })
    assert.strictEqual(environment["HOME"], "/builddir")
    assert.strictEqual(environment["PATH"], "/opt/bin")
    assert.strictEqual(environment["CC"], "gcc")
    assert.isUndefined(environment["LD_PRELOAD"])
  })
})
