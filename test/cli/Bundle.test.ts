/** The bundle is what is installed: it must stand alone. */
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, describe, it } from "@effect/vitest"
import manifest from "../../package.json" with { type: "json" }

const run = promisify(execFile)
const project = join(import.meta.dirname, "../..")
// Outside the project, so that nothing is found in its node_modules.
const directory = mkdtempSync(join(tmpdir(), "adjutant-bundle-"))
afterAll(() => rmSync(directory, { recursive: true }))

describe("the bundle", () => {
  it("runs where there is nothing but Node", async () => {
    const bundle = join(directory, "adjutant.mjs")
    await run(process.execPath, [join(project, "scripts/bundle.ts"), bundle])
    assert.strictEqual(statSync(bundle).mode & 0o111, 0o111)
    const { stdout, stderr } = await run(process.execPath, [bundle, "--version"], { cwd: directory, env: {} })
    assert.deepStrictEqual([stdout, stderr], [`adjutant ${manifest.version}\n`, ""])
    const help = await run(process.execPath, [bundle, "daemon", "--help"], { cwd: directory, env: {} })
    assert.include(help.stdout, "--force-lock")
  })

  it("or its sources are started by the launcher, from anywhere", async () => {
    const { stdout } = await run(join(project, "scripts/adjutant"), ["--version"], { cwd: directory })
    assert.strictEqual(stdout, `adjutant ${manifest.version}\n`)
  })
})
