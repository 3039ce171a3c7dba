/** What people do with a build on a real engine, put together; apart from `main.ts`, so that other commands load nothing of it. */
import { userInfo } from "node:os"
import { Effect } from "effect"
import { failure } from "./cli/CommandFailed.ts"
import type { ShellRun } from "./cli/ShellCommand.ts"
import type { DaemonConfigValues } from "./config/DaemonConfig.ts"
import * as DockerEngine from "./engine/DockerEngine.ts"
import type { OutputSink } from "./engine/Engine.ts"
import { findEngine } from "./findEngine.ts"
import { localTerminal } from "./workshop/LocalTerminal.ts"
import { shellIn } from "./workshop/Shell.ts"

/** See `adjutant shell`. `sudoer` is who became root for it. */
export const shell = (sudoer: string | undefined) => (config: DaemonConfigValues, run: ShellRun) =>
  Effect.gen(function* () {
    const { socketPath } = yield* findEngine(config.adjutant)
    const { root, asRoot, command } = run
    const request = {
      ...{ root, asRoot, stateDirectory: config.adjutant.state_dir },
      by: sudoer ?? userInfo().username
    }
    const shown = Effect.gen(function* () {
      if (command !== null) return yield* shellIn({ ...request, what: { command, output: ownStreams } })
      const terminal = yield* localTerminal
      if (terminal === undefined) {
        return yield* failure("this is no terminal; --command runs something without one")
      }
      return yield* shellIn({ ...request, what: { terminal } })
    })
    return yield* shown.pipe(
      Effect.scoped,
      Effect.raceFirst(hungUp),
      Effect.provide(DockerEngine.layer({ socketPath })),
      Effect.catch((error) => Effect.fail(failure(error.message)))
    )
  })

/** The terminal that we run in has been closed: whoever sat there is gone, and so is what they began. */
const hungUp = Effect.callback<never>((resume) => {
  const leave = () => resume(Effect.interrupt)
  process.once("SIGHUP", leave)
  return Effect.sync(() => process.off("SIGHUP", leave))
})

/** What the command says, where we would say it. */
const ownStreams: OutputSink = {
  write: (from, bytes) => Effect.callback<void>((resume) => void process[from].write(bytes, () => resume(Effect.void)))
}
