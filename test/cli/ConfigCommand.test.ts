import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { adjutant } from "./here.ts"

const directory = mkdtempSync(join(tmpdir(), "adjutant-config-"))
afterAll(() => rmSync(directory, { recursive: true }))
const file = join(directory, "kojid.conf")
writeFileSync(
  file,
  "[kojid]\nserver = https://hub.example.org/kojihub\ntopurl = https://hub.example.org/files\npassword = opensesame\n"
)

describe("config", () => {
  it.effect("shows what is set and where, and no password", () =>
    Effect.gen(function* () {
      const { code, out, err } = yield* adjutant(["config", "-c", file], { environment: { KOJI_ADJUTANT_CPUS: "2" } })
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

  it.effect("shows no password of a URL, of a host, or of a line that is indented by mistake", () =>
    Effect.gen(function* () {
      const lines = [
        "[kojid]",
        "server = https://u:opensesame@hub.example.org/kojihub",
        "topurl = https://u:opensesame@a.example.org/files https://u:opensesame@b.example.org/files",
        "yum_proxy = u:opensesame@proxy.example.org:3128",
        "packager = Builders",
        "  password = opensesame",
        "[adjutant]",
        "tools_image = u:opensesame@registry.example.org:5000/tools:40@sha256:ab",
        "tools_images = f40/x86_64=https://u:opensesame@registry.example.org/tools:40",
        ""
      ]
      const urls = join(directory, "urls.conf")
      writeFileSync(urls, lines.join("\n"))
      const { out } = yield* adjutant(["config", "-c", urls])
      for (const line of [
        "server = https://u:[hidden]@hub.example.org/kojihub",
        "topurl = https://u:[hidden]@a.example.org/files https://u:[hidden]@b.example.org/files",
        "yum_proxy = u:[hidden]@proxy.example.org:3128",
        "packager = Builders\\npassword = [hidden]",
        "tools_image = u:[hidden]@registry.example.org:5000/tools:40@sha256:ab",
        "tools_images = f40/x86_64=https://u:[hidden]@registry.example.org/tools:40"
      ]) {
        assert.include(out, `\n${line}\n`)
      }
      for (const more of [[], ["--all"], ["--json"]]) {
        assert.notInclude((yield* adjutant(["config", "-c", urls, ...more])).out, "opensesame")
      }
    })
  )

  it.effect("shows the proxies of the environment as what they are, and no password", () =>
    Effect.gen(function* () {
      const environment = { https_proxy: "http://we:opensesame@proxy.example.org:3128", NO_PROXY: "example.com" }
      const { out } = yield* adjutant(["config", "-c", file], { environment })
      assert.include(
        out,
        "\n# The environment has proxies:\n# https_proxy = http://[hidden]@proxy.example.org:3128\n# NO_PROXY = example.com\n"
      )
      const json = (yield* adjutant(["config", "-c", file, "--json"], { environment })).out
      assert.include(json, "http://[hidden]@proxy.example.org:3128")
      assert.notInclude(json, "opensesame")
    })
  )

  it.effect("tells everything that is wrong, and leaves as kojid does", () =>
    Effect.gen(function* () {
      writeFileSync(join(directory, "bad.conf"), "[kojid]\nserver = x\ntopurl = y\nmaxjobs = many\nsleptime = 3\n")
      const { code, out, err } = yield* adjutant(["config", "-c", join(directory, "bad.conf")])
      assert.strictEqual(code, 1)
      assert.strictEqual(out, "")
      assert.include(err, "line 4: value for maxjobs option must be")
      assert.include(err, "line 5: unknown config option: sleptime (did you mean sleeptime?)")
      writeFileSync(join(directory, "empty.conf"), "")
      assert.strictEqual((yield* adjutant(["config", "-c", join(directory, "empty.conf")])).code, 2)
    })
  )

  it.effect("says what does nothing here", () =>
    Effect.gen(function* () {
      const idle = join(directory, "idle.conf")
      writeFileSync(idle, "[kojid]\nserver = x\ntopurl = y\nmockuser = me\nrlimit_core = 0\n")
      const { code, err } = yield* adjutant(["config", "-c", idle])
      assert.strictEqual(code, 0)
      assert.strictEqual(err, "adjutant: set, and without effect here: mockuser, RLIMIT_CORE\n")
      assert.deepInclude(JSON.parse((yield* adjutant(["config", "-c", idle, "--json"])).out), {
        idle: ["mockuser", "RLIMIT_CORE"]
      })
    })
  )

  it.effect("says that there is no such file, and so do the commands that read the same one", () =>
    Effect.gen(function* () {
      const nothing = join(directory, "nothing.conf")
      for (const command of ["config", "check", "handover"]) {
        const { code, err } = yield* adjutant([command, "-c", nothing])
        assert.strictEqual(code, 1)
        assert.include(err, `${nothing}: there is no such file, nor directory`)
      }
    })
  )
})
