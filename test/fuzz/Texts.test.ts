import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parseConfig } from "../../src/koji/ConfigParser.ts"
import { KojiFault } from "../../src/koji/Fault.ts"
import { originLocation, parseOrigins } from "../../src/koji/Origins.ts"
import { PackageListError, parsePackageList } from "../../src/koji/PackageList.ts"
import { safeComponent, safeRelativePath } from "../../src/koji/Paths.ts"
import type { PythonValue } from "../../src/koji/PythonRepr.ts"
import { parseRpmList } from "../../src/koji/RpmList.ts"
import { moduleCommands, readTagExtras } from "../../src/koji/TagExtras.ts"
import { taskLabel } from "../../src/koji/TaskLabel.ts"
import { knownMethods } from "../../src/koji/TaskParameters.ts"
import { numbersFrom } from "../core/generate.ts"

const runs = 10_000
const draw = numbersFrom(12)
const pieces = [
  "\t",
  "\n",
  " ",
  "(none)",
  "0",
  "12",
  "-1",
  "a",
  "bash-5-1.x86_64",
  "{",
  "}",
  '"',
  '"id":1',
  "0f".repeat(16),
  "<data",
  ' type="origin"',
  '<location href="',
  "</data>",
  "http://x",
  "\0",
  "\ud800",
  "é",
  "[",
  "]",
  "__proto__",
  "..",
  "/",
  "%",
  "'",
  "\\"
]
const noise = (length: number) => Array.from({ length: draw(length) }, () => pieces[draw(pieces.length)] ?? "").join("")
const names = ["name", "__starstar", "__method__", "__proto__", "opts", "build", "url", "src", "tag", "constructor"]
const value = (depth: number): PythonValue => {
  const kind = draw(depth > 0 ? 9 : 6)
  if (kind === 6 || kind === 7) return Array.from({ length: draw(4) }, () => value(depth - 1))
  if (kind === 8)
    return Object.fromEntries(
      Array.from({ length: draw(4) }, () => [names[draw(names.length)] ?? "", value(depth - 1)])
    )
  return [null, true, draw(100) / 7, 2n ** 70n, noise(4), new Uint8Array([draw(256)])][kind] ?? null
}

describe("texts that others wrote", () => {
  it("are read or refused, never a surprise", () => {
    let good = 0
    for (let run = 0; run < runs; run++) {
      const text = noise(16)
      const packages = parsePackageList(text)
      if (Result.isFailure(packages)) assert.instanceOf(packages.failure, PackageListError)
      const results: ReadonlyArray<Result.Result<unknown, KojiFault>> = [
        parseOrigins(text),
        parseRpmList(text),
        safeComponent(text),
        safeRelativePath(text)
      ]
      for (const result of results) {
        if (Result.isFailure(result)) assert.instanceOf(result.failure, KojiFault)
        else good += 1
      }
      assert.include(["string", "undefined"], typeof originLocation(text))
      assert.isDefined(parseConfig(text, "f"))
    }
    assert.isAbove(good, runs / 10)
  })

  it("make safe paths or none", () => {
    for (let run = 0; run < runs; run++) {
      const path = safeRelativePath(noise(6))
      if (Result.isFailure(path)) continue
      assert.notMatch(path.success, /^\/|\0|\n/)
      for (const component of path.success.split("/")) assert.notInclude(["", ".", ".."], component)
    }
  })

  it("have a label, whatever the request", () => {
    for (let run = 0; run < runs; run++) {
      const request = Array.from({ length: draw(7) }, () => value(3))
      const label = taskLabel({ method: knownMethods[draw(knownMethods.length)] ?? "", arch: "noarch", request })
      assert.isAbove(label.length, 0)
    }
  })

  it("are a tag's extras or a fault", () => {
    const keys = [
      "mock.yum.best",
      "mock.releasever",
      "mock.module_setup_commands",
      "rpm.macro.x",
      "rpm.env.X",
      "rpm.env.",
      "rpm.macro.__proto__",
      "__proto__",
      "mock.plugin_conf.sign_enable",
      "repo.oldrepo_hint",
      "noarch_arches",
      "rebuild_srpm",
      "mock.forcearch"
    ]
    for (let run = 0; run < runs; run++) {
      const extra = Object.fromEntries(Array.from({ length: draw(6) }, () => [keys[draw(keys.length)] ?? "", value(3)]))
      const extras = readTagExtras(extra)
      const commands = Result.flatMap(extras, moduleCommands)
      if (Result.isFailure(commands)) assert.instanceOf(commands.failure, KojiFault)
    }
  })
})
