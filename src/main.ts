/** The composition root: the only file that knows which adapter is used, and the only one that sees the process. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Layer, Stdio } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { FetchHttpClient } from "effect/http"
import manifest from "../package.json" with { type: "json" }
import { adjutant } from "./cli/Adjutant.ts"
import { failure } from "./cli/CommandFailed.ts"

const main = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  const args = yield* stdio.args
  yield* adjutant(
    {
      version: manifest.version,
      daemon: () => Effect.fail(failure("the daemon is not put together yet"))
    },
    args
  )
})

const layer = Layer.mergeAll(TerminalCapabilities.layer, FetchHttpClient.layer).pipe(
  Layer.provideMerge(NodeServices.layer)
)

NodeRuntime.runMain(Effect.provide(main, layer))
