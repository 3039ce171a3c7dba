/** Runs the real command, as a process of its own. */
import { execFile } from "node:child_process"
import { join } from "node:path"
import { Effect } from "effect"

const main = join(import.meta.dirname, "../../src/main.ts")

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Ends with the exit code and all output; the environment is what is given here and nothing else. */
export const adjutant = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) =>
  Effect.callback<Ended>((resume) => {
    const child = execFile(
      process.execPath,
      [main, ...args],
      { env: environment, maxBuffer: 64 * 1024 * 1024 },
      (_, out, err) => resume(Effect.succeed({ code: child.exitCode, out, err }))
    )
    return Effect.sync(() => child.kill("SIGKILL"))
  })
