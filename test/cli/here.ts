/**
 * The command in this process, for what needs no process of its own: what it says and leaves with is the same, and it
 * takes a hundredth of the time. `command.ts` runs the real one.
 */
import { NodeHttpClient, NodeServices } from "@effect/platform-node"
import { Cause, ConfigProvider, Console, Effect, Exit, Layer, Option } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { adjutant as command } from "../../src/cli/Adjutant.ts"
import type { RunRerun } from "../../src/cli/RerunCommand.ts"
import { version } from "../../src/cli/Version.ts"
import type { Ended } from "./command.ts"

const never = () => Effect.die(new Error("no daemon here"))

const layer = Layer.mergeAll(TerminalCapabilities.layer, NodeHttpClient.layerNodeHttp).pipe(
  Layer.provideMerge(NodeServices.layer)
)

/** `rerun` stands for running a build again, which needs an engine; `environment` is what options are taken from. */
export const adjutant = (
  args: ReadonlyArray<string>,
  instead: {
    readonly rerun?: RunRerun<never>
    readonly environment?: Readonly<Record<string, string>>
  } = {}
): Effect.Effect<Ended> =>
  Effect.gen(function* () {
    let out = ""
    let err = ""
    const console: Console.Console = Object.assign(Object.create(globalThis.console), {
      log: (text: unknown) => {
        out += `${String(text)}\n`
      },
      error: (text: unknown) => {
        err += `${String(text)}\n`
      }
    })
    const parts = {
      version,
      environment: {},
      daemon: never,
      reap: never,
      check: never,
      shell: never,
      rerun: never,
      ...instead
    }
    const exit = yield* command(parts, args).pipe(
      Effect.provide(layer),
      Effect.provideService(Console.Console, console),
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({})),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) return { code: 0, out, err }
    const failure = Option.getOrThrow(Cause.findErrorOption(exit.cause))
    return { code: failure._tag === "CommandFailed" ? failure.exitCode : null, out, err }
  })
