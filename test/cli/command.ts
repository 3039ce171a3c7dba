/** Runs the real command, as a process of its own. */
import { execFile, spawn } from "node:child_process"
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

/** Runs the command beside the test, until the scope closes; returns what it had put out when `said` matched it. */
export const running = (args: ReadonlyArray<string>, said: RegExp) =>
  Effect.gen(function* () {
    const child = yield* Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [main, ...args], { env: {}, stdio: ["ignore", "pipe", "inherit"] })),
      (process) =>
        Effect.callback<void>((resume) => {
          if (process.exitCode !== null) return resume(Effect.void)
          process.once("exit", () => resume(Effect.void))
          process.kill("SIGTERM")
        })
    )
    return yield* Effect.callback<string>((resume) => {
      let out = ""
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        out += text
        if (said.test(out)) resume(Effect.succeed(out))
      })
      child.once("exit", (code) => resume(Effect.die(new Error(`it ended with ${code} after: ${out}`))))
    })
  })
