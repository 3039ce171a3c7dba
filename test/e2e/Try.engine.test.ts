/** The whole system as a newcomer meets it: `scripts/try`, on each engine, from submission to packages. */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const project = join(import.meta.dirname, "../..")

/** Not `spawnSync`: it would stop the test runner from answering its own watchdog for minutes. */
const run = (command: string, args: ReadonlyArray<string>) =>
  new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
    const child = spawn(command, args, { cwd: project, stdio: ["ignore", "pipe", "pipe"] })
    const pieces: Array<string> = []
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (bytes) => pieces.push(String(bytes)))
    child.on("close", (code) => resolve({ code, output: pieces.join("") }))
  })

describe("scripts/try", () => {
  it.each(["docker", "podman"])(
    "builds two packages, the second with the first, and leaves no container (%s)",
    async (engine) => {
      const { code, output } = await run(join(project, "scripts/try"), [engine])
      assert.strictEqual(code, 0, output)
      for (const file of [
        "hello-2.10-1.x86_64.rpm",
        "hello-doc-2.10-1.noarch.rpm",
        "hello-debuginfo-2.10-1.x86_64.rpm",
        "hello-2.10-1.src.rpm",
        "greeter-1.0-1.x86_64.rpm"
      ]) {
        assert.include(output, `/${file}\n`)
      }
      // hello's texinfo is in no group: static requirements were seen, resolved and installed.
      assert.match(output, /install\/1/)
      assert.include(output, "Containers left: 0")
    },
    900_000
  )
})
