/**
 * A command that could not do what it was asked for, or did it and has bad news.
 *
 * A shell script goes by the number, a person by the words; both are decided by the command, and `main` only carries
 * them out. Whoever asked wrongly gets `usage` (sysexits.h), so that a script can tell its own mistake from bad news.
 */
import { Runtime, Schema } from "effect"

export const exitCodes = {
  failed: 1,
  /** `adjutant build`: the task was canceled. */
  canceled: 2,
  /** What kojid's option parser leaves with (daemon.md 7.4). */
  daemonUsage: 2,
  /** `adjutant diff`, as diff itself: 1 is that something differs. */
  diffTrouble: 2,
  usage: 64
} as const

export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  /** Without a line break at its end; empty when everything has been said. */
  message: Schema.String,
  exitCode: Schema.Int
}) {
  override readonly [Runtime.errorReported] = false
  override get [Runtime.errorExitCode](): number {
    return this.exitCode
  }
}

/** Bad news in words. */
export const failure = (message: string) => new CommandFailed({ message, exitCode: exitCodes.failed })

/** The command line asks for something that makes no sense. */
export const misuse = (message: string) => new CommandFailed({ message, exitCode: exitCodes.usage })

/** The bad news has been printed already. */
export const alreadyTold = (exitCode: number = exitCodes.failed) => new CommandFailed({ message: "", exitCode })
