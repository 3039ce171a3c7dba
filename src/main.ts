/** The composition root: the only file that knows which adapter is used, and the only one that sees the process. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Effect, Exit, Layer, Runtime, Stdio } from "effect"
import { TerminalCapabilities } from "effect/cli"
import { adjutant } from "./cli/Adjutant.ts"
import { version } from "./cli/Version.ts"
import { layerFilesClient } from "./hub/HubClient.ts"
import { readProxies } from "./koji/Proxies.ts"

const main = Effect.gen(function* () {
  const stdio = yield* Stdio.Stdio
  const args = yield* stdio.args
  yield* adjutant(
    {
      version,
      environment: process.env,
      // Loaded when it is wanted: the other commands start without it.
      daemon: (request) =>
        Effect.flatMap(
          Effect.promise(() => import("./daemonMain.ts")),
          ({ daemon }) => daemon(version)(request)
        ),
      reap: (config, dryRun) =>
        Effect.flatMap(
          Effect.promise(() => import("./daemonMain.ts")),
          ({ reaping }) => reaping(version)(config, dryRun)
        ),
      check: (config, pull) =>
        Effect.flatMap(
          Effect.promise(() => import("./checkMain.ts")),
          ({ checking }) => checking(process.env)(config, pull)
        ),
      shell: (config, run) =>
        Effect.flatMap(
          Effect.promise(() => import("./workshopMain.ts")),
          ({ shell }) => shell(process.env["SUDO_USER"])(config, run)
        ),
      rerun: (config, run) =>
        Effect.flatMap(
          Effect.promise(() => import("./workshopMain.ts")),
          ({ rerunning }) => rerunning(version)(config, run)
        )
    },
    args
  )
})

/** For what a person names by its address: journals, and the files that belong to them. */
const files = layerFilesClient({ identity: null, authorities: null, verify: true }, readProxies(process.env))

const layer = Layer.mergeAll(TerminalCapabilities.layer, files).pipe(Layer.provideMerge(NodeServices.layer))

/** A daemon that was told to stop and did so in order leaves with 0, as kojid does (daemon.md 7.4). */
const isDaemon = process.argv[2] === "daemon"
const teardown: Runtime.Teardown = (exit, onExit) =>
  isDaemon && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)
    ? onExit(0)
    : Runtime.defaultTeardown(exit, onExit)

NodeRuntime.runMain(Effect.provide(main, layer), { teardown })
