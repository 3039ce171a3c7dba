import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { Effect, type Scope } from "effect"

/** A second real daemon with the state directory of a test; killed with the scope at the latest. */
export interface JournalProcess {
  readonly pid: number
  /** The next thing it says; undefined when it has ended. */
  readonly line: Effect.Effect<string | undefined>
  /** Kills it without a word, and gives what it had said before that nobody has read. */
  readonly kill: Effect.Effect<ReadonlyArray<string>>
}

export const journalProcess = (
  directory: string,
  work: "hold" | "append"
): Effect.Effect<JournalProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const daemon = join(import.meta.dirname, "journalDaemon.ts")
      const args = work === "append" ? [daemon, directory, "append"] : ["--expose-gc", daemon, directory]
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const line = Effect.promise(() => lines.next()).pipe(
        Effect.map(({ done, value }) => (done === true ? undefined : String(value)))
      )
      const kill = Effect.gen(function* () {
        if (child.exitCode === null && child.signalCode === null) {
          const ended = once(child, "exit")
          child.kill("SIGKILL")
          yield* Effect.promise(() => ended)
        }
        const rest: Array<string> = []
        for (let next = yield* line; next !== undefined; next = yield* line) rest.push(next)
        return rest
      })
      return { pid: child.pid ?? 0, line, kill }
    }),
    ({ kill }) => kill
  )
