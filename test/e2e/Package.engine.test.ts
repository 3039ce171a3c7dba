/** What is installed on a builder: the package that `scripts/service/rpm` makes, and the units in it. */
import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }

const run = promisify(execFile)
const project = join(import.meta.dirname, "../..")
const directory = mkdtempSync(join(tmpdir(), "adjutant-package-"))
afterAll(() => rmSync(directory, { recursive: true }))

const service = join(project, "scripts/service")
const units = readdirSync(service).filter((name) => /\.(service|timer)$/.test(name))

describe("the package", () => {
  it("holds the bundle, its units, an example and the licence, and needs Node and systemd", async () => {
    const { stdout } = await run(join(service, "rpm"), [directory])
    const file = stdout.trim()
    assert.strictEqual(file, join(directory, `koji-adjutant-${manifest.version}-1.noarch.rpm`))
    const query = async (...what: ReadonlyArray<string>) =>
      (await run("rpm", ["-qp", ...what, file])).stdout.split("\n")
    const held = await query("--qf", "[%{FILEMODES:perms} %{FILENAMES}\n]")
    for (const one of [
      "-rwxr-xr-x /usr/lib/koji-adjutant/adjutant.mjs",
      "lrwxrwxrwx /usr/bin/adjutant",
      "drwx------ /var/lib/koji-adjutant",
      "-rw-r--r-- /usr/share/licenses/koji-adjutant/LICENSE",
      "-rw-r--r-- /usr/share/doc/koji-adjutant/kojid.conf.example",
      ...units.map((unit) => `-rw-r--r-- /usr/lib/systemd/system/${unit}`)
    ]) {
      assert.include(held, one)
    }
    const needed = await query("--requires")
    assert.include(needed, `nodejs ${manifest.engines.node.replace(">=", ">= ")}`)
    assert.include(needed, "systemd")
    // An upgrade ends no build.
    assert.include((await query("--scripts")).join("\n"), "adjutant handover")
  })

  it("has units that systemd takes", async () => {
    const copies = units.map((unit) => join(directory, unit))
    for (const [at, copy] of copies.entries()) {
      // The program of a package that is not installed here.
      const text = readFileSync(join(service, units[at] ?? ""), "utf8").replaceAll("/usr/bin/adjutant", "/bin/true")
      writeFileSync(copy, text)
    }
    const { stdout, stderr } = await run("systemd-analyze", ["verify", "--man=no", ...copies])
    assert.deepStrictEqual([stdout, stderr], ["", ""])
  })
})
