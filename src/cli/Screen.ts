/** What is known of the place that output goes to: its width, whether it takes colours, whether somebody is watching. */
import { Config, Effect, Option, Stdio, Terminal } from "effect"
import { Flag, TerminalCapabilities } from "effect/cli"
import { widthDefault, widthMin } from "../inspect/Columns.ts"

export interface Screen {
  readonly width: number
  readonly colours: boolean
  /** Standard output is a terminal on which lines can be written over. */
  readonly live: boolean
}

/** Longer lines are hard to read, however wide the terminal is. */
const widthMax = 160

/** Asks terminal and environment (`COLUMNS`, `NO_COLOR`, `FORCE_COLOR`, `TERM`). */
export const screen: Effect.Effect<Screen, never, Stdio.Stdio | Terminal.Terminal> = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  const terminal = yield* Terminal.Terminal
  const { canColor, canAnimate } = yield* TerminalCapabilities.TerminalCapabilities
  const isTerminal = yield* stdio.stdoutIsTerminal
  const wanted = yield* Config.Int("COLUMNS").pipe(
    Config.option,
    Effect.orElseSucceed(() => Option.none<number>())
  )
  const own = isTerminal ? yield* terminal.columns : 0
  const columns = Option.getOrElse(wanted, () => (own > 0 ? own : widthDefault))
  return {
    width: Math.min(Math.max(columns, widthMin), widthMax),
    colours: canColor,
    live: isTerminal && canAnimate
  }
})

/** Shared by every command that has something to say to programs. */
export const jsonFlag = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON for programs instead of text for people"),
  Flag.withDefault(false),
  Flag.withoutNegation
)
