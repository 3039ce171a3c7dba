/** What a program tells systemd, heard by a real socket of the kind that systemd has. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect, Schema } from "effect"

const decodeLines = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Array(Schema.String)))

/** Until the scope closes: its path, and what it has heard so far, a list of assignments a message. */
export const listener = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-notify-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const socket = join(directory, "notify")
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn("/usr/bin/python3", [join(import.meta.dirname, "listener.py"), socket], {
        stdio: ["ignore", "pipe", "inherit"]
      })
    ),
    (process) => Effect.sync(() => process.kill("SIGKILL"))
  )
  const heard: Array<ReadonlyArray<string>> = []
  yield* Effect.callback<void>((resume) => {
    let listening = false
    createInterface(child.stdout).on("line", (line) => {
      if (listening) heard.push(decodeLines(line))
      listening = true
      resume(Effect.void)
    })
    child.once("exit", (code) => resume(Effect.die(new Error(`the listener ended with ${code}`))))
  })
  return { socket, heard }
})
