/** `adjutant hub`: the embedded hub, for one machine and one person. */
import { join, resolve } from "node:path"
import { Console, Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { serve } from "../hubsim/HubSim.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import { failure } from "./CommandFailed.ts"
import { demo, demoSeed, passwordIn, secretsDirectory, writeBuilderConfig } from "./Demonstration.ts"
import { applySeed, readSeed } from "./HubSeed.ts"
import { jsonFlag } from "./Screen.ts"
import { layerStderrLog } from "./StderrLog.ts"

/** Beside the daemon's monitor, and fixed, so that a builder finds the hub again. */
const portDefault = 8718
const portMax = 65_535

export const hubCommand = Command.make(
  "hub",
  {
    topdir: Flag.String("topdir").pipe(
      Flag.withDescription("The hub's file tree and state; made if it is not there, gone on with if it is"),
      Flag.withMetavar("DIR")
    ),
    host: Flag.String("host").pipe(
      Flag.withDescription("Address to listen on; anyone who reaches it can read all files"),
      Flag.withMetavar("ADDRESS"),
      Flag.withDefault("127.0.0.1")
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription(`Port to listen on, ${portDefault} unless given; 0 for any that is free`),
      Flag.filter(
        (port) => port >= 0 && port <= portMax,
        () => `must be from 0 to ${portMax}`
      ),
      Flag.withDefault(portDefault)
    ),
    seeds: Flag.String("seed").pipe(
      Flag.withDescription("Users, builders, tags, targets and builds to set up, as JSON (repeatable)"),
      Flag.withMetavar("FILE"),
      Flag.atLeast(0)
    ),
    demoRpms: Flag.String("demo-rpms").pipe(
      Flag.withDescription("Set up a demonstration with the packages of this directory (RPMS/*, groups.json)"),
      Flag.withMetavar("DIR"),
      Flag.optional
    ),
    demoPackages: Flag.String("demo-package").pipe(
      Flag.withDescription("A package that the demonstration may build and tag (repeatable)"),
      Flag.withMetavar("NAME"),
      Flag.atLeast(0)
    ),
    secrets: Flag.String("secrets").pipe(
      Flag.withDescription("Where the demonstration's passwords are kept; TOPDIR-secrets unless given"),
      Flag.withMetavar("DIR"),
      Flag.optional
    ),
    json: jsonFlag
  },
  Effect.fn("hubCommand")(
    function* (given) {
      const topdir = resolve(given.topdir)
      const seeds = yield* Effect.forEach(given.seeds, readSeed)
      const hub = yield* serve({ topdir, host: given.host, port: given.port })
      for (const seed of seeds) yield* applySeed(hub.hub, seed)
      const { url, filesUrl } = hub
      const demonstration = Option.isNone(given.demoRpms)
        ? null
        : yield* demonstrate(hub, {
            topdir,
            directory: resolve(given.demoRpms.value),
            packages: given.demoPackages,
            secrets: resolve(Option.getOrElse(given.secrets, () => `${topdir}-secrets`))
          })
      yield* Console.log(
        given.json
          ? harmlessJson({ url, filesUrl, topdir, demonstration })
          : hubText({ url, filesUrl, topdir, demonstration }).join("\n")
      )
      return yield* Effect.never
    },
    Effect.scoped,
    Effect.provide(layerStderrLog),
    Effect.catchTag(["TopdirError", "ListenError"], ({ message }) => Effect.fail(failure(message)))
  )
).pipe(
  Command.withDescription(
    "Run a small Koji hub on this machine, to build, test and try things on. It speaks as a hub does,\n" +
      "  over HTTP and without encryption, and keeps all it knows below one directory."
  ),
  Command.withShortDescription("Run a small Koji hub on this machine"),
  Command.withExamples([
    { command: "adjutant hub --topdir /srv/koji --demo-rpms ~/rpms --demo-package hello" },
    {
      command: "adjutant hub --topdir /srv/koji --seed site.json",
      description: "With users, tags and targets of one's own"
    }
  ])
)

interface Demonstration {
  readonly user: string
  readonly passwordFile: string
  readonly target: string
  readonly builderConfig: string
}

const demonstrate = Effect.fnUntraced(function* (
  hub: Effect.Success<ReturnType<typeof serve>>,
  options: {
    readonly topdir: string
    readonly directory: string
    readonly packages: ReadonlyArray<string>
    readonly secrets: string
  }
) {
  yield* secretsDirectory(options.secrets)
  const passwordFile = join(options.secrets, `${demo.user}.password`)
  const builderConfig = join(options.secrets, "kojid.conf")
  const user = yield* passwordIn(passwordFile)
  const builder = yield* passwordIn(join(options.secrets, `${demo.builder}.password`))
  yield* applySeed(hub.hub, yield* demoSeed(options.directory, options.packages, { user, builder }))
  const { url, filesUrl } = hub
  yield* writeBuilderConfig(builderConfig, { url, filesUrl, topdir: options.topdir, password: builder })
  return { user: demo.user, passwordFile, target: demo.target, builderConfig } satisfies Demonstration
})

const hubText = (facts: {
  readonly url: string
  readonly filesUrl: string
  readonly topdir: string
  readonly demonstration: Demonstration | null
}): ReadonlyArray<string> => {
  const { demonstration } = facts
  const lines = [
    `The hub is at     ${facts.url}`,
    `Its files are at  ${facts.filesUrl}`,
    `It keeps them in  ${facts.topdir}`
  ]
  if (demonstration !== null) {
    const { user, passwordFile, target, builderConfig } = demonstration
    lines.push(
      "",
      "A builder for it: adjutant daemon --config " + builderConfig,
      `A build on it:    adjutant build --server ${facts.url} --user ${user} --password-file ${passwordFile} \\`,
      `                    --topurl ${facts.filesUrl} --target ${target} PACKAGE.src.rpm`
    )
  }
  return [...lines.map(harmless), "", "It runs until it is interrupted."]
}
