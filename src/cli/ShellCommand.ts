/** `adjutant shell`: into the root that a build failed in. */
import { Clock, Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { FailedRoot } from "../buildroot/FailedRoot.ts"
import type { DaemonConfigValues } from "../config/DaemonConfig.ts"
import { TaskId } from "../core/Ids.ts"
import { cut, paint } from "../inspect/Columns.ts"
import { harmless, harmlessJson, harmlessLines } from "../inspect/Harmless.ts"
import { amount, bytes, duration, wallClock } from "../inspect/Units.ts"
import { keptRoot, keptRoots, lastOutput, onHost } from "../workshop/KeptRoot.ts"
import { alreadyTold, type CommandFailed, failure, misuse } from "./CommandFailed.ts"
import { jsonFlag, type Screen, screen } from "./Screen.ts"
import { configFlag, configuration, type Environment } from "./StateDirectoryFlag.ts"

/** What the command line asks for; `command` null is a terminal. */
export interface ShellRun {
  readonly root: FailedRoot
  readonly asRoot: boolean
  readonly command: string | null
}

/** Runs a shell or a command in a kept root; its exit code. */
export type RunShell<R> = (config: DaemonConfigValues, run: ShellRun) => Effect.Effect<number, CommandFailed, R>

/** Enough to recognise what one was at. */
const outputLines = 8

export const shellCommand = <R>(environment: Environment, run: RunShell<R>) =>
  Command.make(
    "shell",
    {
      task: Argument.Int("task").pipe(
        Argument.withDescription("The number of a failed build's task; without it kept roots are listed"),
        Argument.optional
      ),
      attempt: Flag.Int("attempt").pipe(
        Flag.withDescription("Which attempt of the task; the last that failed if not given"),
        Flag.optional
      ),
      root: Flag.Boolean("root").pipe(
        Flag.withDescription("As root, with the rights that installing packages has"),
        Flag.withDefault(false),
        Flag.withoutNegation
      ),
      command: Flag.String("command").pipe(
        Flag.withDescription("Run this instead of a shell at the terminal, and leave with its exit code"),
        Flag.withMetavar("TEXT"),
        Flag.optional
      ),
      config: configFlag,
      json: jsonFlag
    },
    Effect.fn("shellCommand")(function* ({ task, attempt, root: asRoot, command, config: file, json }) {
      const display = yield* screen
      const config = yield* configuration(file, environment)
      const stateDirectory = config.adjutant.state_dir
      if (Option.isNone(task)) {
        if (Option.isSome(command) || Option.isSome(attempt) || asRoot) return yield* misuse("of which task?")
        return yield* listed(yield* keptRoots(stateDirectory), config.kojid.failed_buildroot_lifetime, json)
      }
      if (json) return yield* misuse("--json lists kept roots: it goes with no task")
      const found = yield* keptRoot(stateDirectory, TaskId.make(task.value), Option.getOrNull(attempt)).pipe(
        Effect.mapError(({ message }) => failure(message))
      )
      const lines = Option.isSome(command) ? [] : yield* lastOutput(stateDirectory, found, outputLines)
      yield* Console.error(whereText(found, asRoot, lines, display))
      const code = yield* run(config, { root: found, asRoot, command: Option.getOrNull(command) })
      return code === 0 ? undefined : yield* alreadyTold(code)
    })
  ).pipe(
    Command.withDescription(
      "Go into the root that a build failed in: as the step left it, as the user and with the environment that it\n" +
        "  ran with, in /builddir, without a network. What is changed in /builddir stays as long as the root is kept;\n" +
        "  the rest goes when you leave. Without a task, list the roots that are kept."
    ),
    Command.withShortDescription("Go into the root that a build failed in"),
    Command.withExamples([
      { command: "adjutant shell", description: "The roots that are kept" },
      { command: "adjutant shell 4711" },
      { command: "adjutant shell 4711 --command 'cat build/BUILD/hello-*/config.log'" },
      { command: "adjutant shell --root 4711" }
    ])
  )

/** What failed there, and where one is. */
const whereText = (root: FailedRoot, asRoot: boolean, output: ReadonlyArray<string>, display: Screen): string => {
  const tinted = paint(display.colours)
  const user = asRoot ? "root" : root.spec.user === "0:0" ? "root" : "the build user"
  const builddir = onHost(root, "/builddir")
  return [
    `Task ${root.task}, attempt ${root.attempt} (${harmless(`${root.method}, ${root.arch}`)}) failed in ${tinted("strong", harmless(root.step))}, ${wallClock(root.keptAt)}:`,
    ...harmlessLines(root.failure).map((line) => `  ${line}`),
    ...output.map((line) => `  ${tinted("quiet", "|")} ${cut(line, display.width - indented)}`),
    `You are ${user} in ${root.image.slice(0, shortId)}, without a network${builddir === undefined ? "" : `; /builddir is ${builddir}`}.`
  ].join("\n")
}

const indented = 4
/** `sha256:` and twelve digits. */
const shortId = 19

const listed = Effect.fnUntraced(function* (roots: ReadonlyArray<FailedRoot>, ageSeconds: number, json: boolean) {
  if (json) return yield* Console.log(harmlessJson(roots, 2))
  if (roots.length === 0) return yield* Console.log("No root of a failed build is kept.")
  const now = yield* Clock.currentTimeMillis
  const rows = roots.map((root) => {
    const left = root.keptAt + 1000 * ageSeconds - now
    const size = root.bytes === null ? "" : bytes(root.bytes)
    const until = left > 0 ? `${duration(left)} more` : "about to go"
    return [`${root.task}`, `${root.attempt}`, root.method, root.arch, root.step, wallClock(root.keptAt), size, until]
  })
  const table = [["TASK", "ATTEMPT", "METHOD", "ARCH", "FAILED IN", "WHEN", "SIZE", "KEPT FOR"], ...rows].map((row) =>
    row.map((cell) => harmless(cell))
  )
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  const lines = table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
  yield* Console.log(lines.join("\n"))
  yield* Console.error(`${amount(roots.length, "root")}; adjutant shell TASK goes into one`)
})
