/** `adjutant check`: whether a builder of this configuration would work, and what to do where it would not. */
import { Console, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import { paint, type Tone } from "../inspect/Columns.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import type { Finding, Verdict } from "../preflight/Finding.ts"
import { alreadyTold, type CommandFailed } from "./CommandFailed.ts"
import { jsonFlag, screen } from "./Screen.ts"
import { configFlag, configuration, type Environment } from "./StateDirectoryFlag.ts"

export type RunCheck<R> = (
  config: DaemonConfigValues,
  pull: boolean
) => Effect.Effect<ReadonlyArray<Finding>, CommandFailed, R>

export const checkCommand = <R>(environment: Environment, check: RunCheck<R>) =>
  Command.make(
    "check",
    {
      config: configFlag,
      pull: Flag.Boolean("pull").pipe(
        Flag.withDescription("Fetch the tools image if it is not here, to see whether it can be had"),
        Flag.withDefault(false),
        Flag.withoutNegation
      ),
      json: jsonFlag
    },
    Effect.fn("checkCommand")(function* ({ config: file, pull, json }) {
      const { colours } = yield* screen
      const config = yield* configuration(file, environment)
      const findings = yield* check(config, pull)
      const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
      const problems = count("problem")
      if (json) yield* Console.log(harmlessJson({ findings, problems, warnings: count("warning") }, 2))
      else {
        for (const finding of findings) yield* Console.log(findingText(finding, colours))
        if (problems > 0) yield* Console.error(`adjutant: ${problems} ${problems === 1 ? "problem" : "problems"}`)
      }
      if (problems > 0) return yield* alreadyTold()
    })
  ).pipe(
    Command.withDescription(
      "Look at engine, images, hub, directories, disk and secrets before the daemon does, and say what to do.\n" +
        "  Takes no session from a daemon that runs. Leaves with 1 when there is a problem; warnings are none."
    ),
    Command.withShortDescription("Look whether a builder of this configuration would work, and say what to do")
  )

const tones: Readonly<Record<Verdict, Tone>> = { ok: "good", warning: "warn", problem: "bad" }
const verdictWidth = "problem".length

/** One line: `problem  disk: 12 MiB free …; make room`. */
export const findingText = ({ verdict, subject, found, advice }: Finding, colours: boolean): string => {
  const text = `${subject}: ${found}${advice === null ? "" : `; ${advice}`}`
  return `${paint(colours)(tones[verdict], verdict.padEnd(verdictWidth))}  ${harmless(text)}`
}
