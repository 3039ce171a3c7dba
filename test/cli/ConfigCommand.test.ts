import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { adjutant } from "./command.ts"

const directory = mkdtempSync(join(tmpdir(), "adjutant-config-"))
afterAll(() => rmSync(directory, { recursive: true }))
const file = join(directory, "kojid.conf")
writeFileSync(
  file,
  "[kojid]\nserver = https://hub.example.org/kojihub\ntopurl = https://hub.example.org/files\npassword = opensesame\n"
)

describe("config", () => {
  it.live("shows what is set and where, and no password", () =>
    Effect.gen(function* () {
      const { code, out, err } = yield* adjutant(["config", "-c", file], { KOJI_ADJUTANT_CPUS: "2" })
      assert.strictEqual(err, "")
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(out.split("\n"), [
        "[kojid]",
        `# ${file}, line 2`,
        "server = https://hub.example.org/kojihub",
        `# ${file}, line 3`,
        "topurl = https://hub.example.org/files",
        `# ${file}, line 4`,
        "# password is set and not shown",
        "",
        "[adjutant]",
        "# KOJI_ADJUTANT_CPUS",
        "cpus = 2",
        ""
      ])
      for (const more of [["--all"], ["--json"]]) {
        const shown = yield* adjutant(["config", "-c", file, ...more])
        assert.strictEqual(shown.code, 0)
        assert.include(shown.out, "maxjobs")
        assert.notInclude(shown.out, "opensesame")
      }
    })
  )

  it.live("shows the proxies of the environment as what they are, and no password", () =>
    Effect.gen(function* () {
      const environment = { https_proxy: "http://we:opensesame@proxy.example.org:3128", NO_PROXY: "example.com" }
      const { out } = yield* adjutant(["config", "-c", file], environment)
      assert.include(
        out,
        "\n# The environment has proxies:\n# https_proxy = http://[hidden]@proxy.example.org:3128\n# NO_PROXY = example.com\n"
      )
      const json = (yield* adjutant(["config", "-c", file, "--json"], environment)).out
      assert.include(json, "http://[hidden]@proxy.example.org:3128")
      assert.notInclude(json, "opensesame")
    })
  )

  it.live("tells everything that is wrong, and leaves as kojid does", () =>
    Effect.gen(function* () {
      writeFileSync(join(directory, "bad.conf"), "[kojid]\nserver = x\ntopurl = y\nmaxjobs = many\nsleptime = 3\n")
      const { code, out, err } = yield* adjutant(["config", "-c", join(directory, "bad.conf")])
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.include(err, "line 4: value for maxjobs option must be")
      assert.include(err, "line 5: unknown config option: sleptime (did you mean sleeptime?)")
      assert.strictEqual((yield* adjutant(["config", "-c", join(directory, "nothing")])).code, 2)
    })
  )
})
