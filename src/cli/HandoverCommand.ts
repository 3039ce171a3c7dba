/**
 * `adjutant handover`: has the daemon of this host leave, with its builds running: the next one goes on with them. What
 * an upgrade does between the old program and the new one.
 */
import { Console, Effect, Schedule } from "effect"
import { Command, Flag } from "effect/cli"
import { harmless } from "../inspect/Harmless.ts"
import * as NodeDisk from "../journal/NodeDisk.ts"
import { holderOf } from "../journal/StateLock.ts"
import { failure } from "./CommandFailed.ts"
import { configFlag, configuration, type Environment } from "./StateDirectoryFlag.ts"

const looksEvery = "200 millis"

export const handoverCommand = (environment: Environment) =>
  Command.make(
    "handover",
    {
      config: configFlag,
      timeout: Flag.Int("timeout").pipe(
        Flag.withDescription("Seconds to wait until the daemon has left"),
        Flag.withDefault(60)
      )
    },
    Effect.fn("handoverCommand")(function* ({ config, timeout }) {
      const { adjutant } = yield* configuration(config, environment)
      const holder = holderOf(adjutant.state_dir).pipe(
        Effect.provide(NodeDisk.layer),
        Effect.mapError(({ message }) => failure(`${adjutant.state_dir}: ${message}`))
      )
      const found = yield* holder
      if (found === undefined) return yield* failure(`no daemon holds ${harmless(adjutant.state_dir)}`)
      const { pid } = found
      if (pid === undefined) {
        return yield* failure(`the daemon that holds ${harmless(adjutant.state_dir)} does not say which process it is`)
      }
      yield* Effect.try({
        try: () => process.kill(pid, "SIGUSR2"),
        catch: (cause) => failure(`process ${pid} cannot be told to hand over: ${String(cause)}`)
      })
      yield* holder.pipe(
        Effect.flatMap((now) => (now === undefined ? Effect.void : Effect.fail(failure("")))),
        Effect.retry(Schedule.spaced(looksEvery)),
        Effect.timeoutOrElse({
          duration: `${timeout} seconds`,
          orElse: () =>
            Effect.fail(failure(`process ${pid} has not left within ${timeout} s; its builds go on under it`))
        })
      )
      yield* Console.log(`process ${pid} has left; its builds run on until the next daemon takes them over`)
    })
  ).pipe(
    Command.withDescription(
      "Have the daemon leave without ending its builds: containers run on, and the next daemon adopts them.\n" +
        "  The hub gives tasks to others when it hears of no daemon for 15 minutes."
    ),
    Command.withShortDescription("Have the daemon leave, its builds running on for the next one")
  )
