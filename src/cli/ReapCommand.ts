/** `adjutant reap`: sweeps behind a daemon that is gone; what a timer runs. */
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import type { CommandFailed } from "./CommandFailed.ts"
import { jsonFlag } from "./Screen.ts"
import { configFlag, configuration, type Environment } from "./StateDirectoryFlag.ts"

/** What a sweep did or would do; or the daemon that is there to sweep by itself. */
export type ReapReport =
  | { readonly _tag: "DaemonRuns"; readonly pid: number | undefined; readonly silentSeconds: number }
  | {
      readonly _tag: "Reaped"
      readonly reaped: ReadonlyArray<{ readonly kind: string; readonly name: string; readonly reason: string }>
      /** Containers left to a daemon that may come back. */
      readonly left: ReadonlyArray<string>
      readonly silentSeconds: number
    }

export const reapCommand = <R>(
  environment: Environment,
  reap: (config: DaemonConfigValues, dryRun: boolean) => Effect.Effect<ReapReport, CommandFailed, R>
) =>
  Command.make(
    "reap",
    {
      config: configFlag,
      dryRun: Flag.Boolean("dry-run").pipe(
        Flag.withDescription("Say what would be removed and why, and remove nothing"),
        Flag.withDefault(false),
        Flag.withoutNegation
      ),
      json: jsonFlag
    },
    Effect.fn("reapCommand")(function* ({ config: file, dryRun, json }) {
      const config = yield* configuration(file, environment)
      const report = yield* reap(config, dryRun)
      if (json) return yield* Console.log(harmlessJson(report, 2))
      if (report._tag === "DaemonRuns") {
        const who = report.pid === undefined ? "a daemon" : `a daemon (process ${report.pid})`
        yield* Console.log(`${who} holds ${harmless(config.adjutant.state_dir)} and sweeps by itself: nothing to do`)
        if (report.silentSeconds > config.adjutant.reap_lease) {
          yield* Console.error(`adjutant: it has given no sign of life for ${report.silentSeconds} s: look after it`)
        }
        return
      }
      for (const { kind, name, reason } of report.reaped) {
        yield* Console.log(`${dryRun ? "would remove" : "removed"} the ${kind} ${harmless(name)}: ${reason}`)
      }
      for (const name of report.left) {
        yield* Console.log(
          `left the container ${harmless(name)}: its daemon was here ${report.silentSeconds} s ago and may come back`
        )
      }
      if (report.reaped.length + report.left.length === 0) yield* Console.log("nothing is left on the engine")
    })
  ).pipe(
    Command.withDescription(
      "Remove containers and images of this host's daemon that nobody will come back for: those that no open task\n" +
        "  owns, and once the daemon has been silent for reap_lease seconds all of its containers. Never anybody else's."
    ),
    Command.withShortDescription("Remove what a daemon that is gone has left on the engine")
  )
