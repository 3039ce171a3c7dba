/** `adjutant build`: hands a source package to a hub, and stays to see what becomes of it. */

import { realpath } from "node:fs/promises"
import { basename } from "node:path"
import { Clock, Console, Effect, Layer, Option, Random } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { readRpmHeader } from "../buildroot/SourceFile.ts"
import { submitBuild } from "../hub/calls/tasks.ts"
import { uploadFile } from "../hub/Upload.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import { reportOf, reportText } from "./BuildReport.ts"
import { alreadyTold, exitCodes, failure } from "./CommandFailed.ts"
import { type HubFlags, hubFailed, hubFlags, layerHub } from "./HubLogin.ts"
import { jsonFlag, screen } from "./Screen.ts"
import type { Environment } from "./StateDirectoryFlag.ts"
import { layerStderrLog } from "./StderrLog.ts"
import { pollSecondsDefault, tellingOf, watchTask } from "./TaskWatch.ts"

const pollSecondsMax = 3600

export const buildCommand = (environment: Environment) =>
  Command.make(
    "build",
    {
      source: Argument.String("source").pipe(
        Argument.withDescription("A source package, or the URL of sources for the hub to fetch")
      ),
      ...hubFlags,
      target: Flag.String("target").pipe(
        Flag.withAlias("t"),
        Flag.withDescription("Build target: where packages come from and where the build is tagged"),
        Flag.withMetavar("NAME")
      ),
      scratch: Flag.Boolean("scratch").pipe(
        Flag.withDescription("Build without keeping: no build is recorded, nothing is tagged"),
        Flag.withDefault(false),
        Flag.withoutNegation
      ),
      archOverride: Flag.String("arch-override").pipe(
        Flag.withDescription("Build for these arches only, apart by blanks; for scratch builds"),
        Flag.withMetavar("ARCHES"),
        Flag.optional
      ),
      waitBuild: Flag.String("wait-build").pipe(
        Flag.withDescription("A build that must be in the buildroot's repository first: name-version-release"),
        Flag.withMetavar("NVR"),
        Flag.optional
      ),
      wait: Flag.Boolean("nowait").pipe(
        Flag.withDescription("Do not stay: print the task's number and leave"),
        Flag.withDefault(false),
        Flag.withoutNegation,
        Flag.map((nowait) => !nowait)
      ),
      fetch: Flag.String("fetch").pipe(
        Flag.withDescription("Copy packages and logs into this directory when it is over"),
        Flag.withMetavar("DIR"),
        Flag.optional
      ),
      topUrl: Flag.String("topurl").pipe(
        Flag.withDescription("Where the hub's files are served, to say where logs are"),
        Flag.withMetavar("URL"),
        Flag.optional
      ),
      pollSeconds: Flag.Int("poll").pipe(
        Flag.withDescription("Seconds between two looks at the hub"),
        Flag.withMetavar("SECONDS"),
        Flag.filter(
          (seconds) => seconds >= 1 && seconds <= pollSecondsMax,
          () => `must be from 1 to ${pollSecondsMax}`
        ),
        Flag.withDefault(pollSecondsDefault)
      ),
      json: jsonFlag
    },
    Effect.fn("buildCommand")(function* (given) {
      // A wrong file is found out before anyone is asked for a password.
      const source = isUrl(given.source) ? given.source : yield* sourcePackage(given.source)
      yield* submitAndWatch(source, given).pipe(
        Effect.provide(layerHub(given, environment).pipe(Layer.provideMerge(layerStderrLog))),
        Effect.catchTag(["HubFault", "HubUnavailable", "HubNonsense"], (error) => Effect.fail(hubFailed(error)))
      )
    })
  ).pipe(
    Command.withDescription(
      "Have a hub build a source package, and watch: every task with its state, what it is at, its last\n" +
        "  line of output; then the packages, or the task to blame and its last words.\n" +
        "  Leaves with 0 for a build that is closed, 1 for one that failed, 2 for one that was canceled.\n" +
        "  Logs in by --cert, --keytab or --user; with the Kerberos tickets that are there, if none of them is given."
    ),
    Command.withShortDescription("Have a hub build a source package, and watch"),
    Command.withExamples([
      { command: "adjutant build --target demo hello-2.12-1.src.rpm" },
      {
        command: "adjutant build --target demo --scratch --fetch out hello-2.12-1.src.rpm",
        description: "Try it, and keep what it makes here"
      }
    ])
  )

const isUrl = (source: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(source)

/** The path of a package that is one, as the reader named it: the hub would find out much later. */
const sourcePackage = Effect.fnUntraced(function* (source: string) {
  const path = yield* Effect.tryPromise({
    try: () => realpath(source),
    catch: () => failure(`${source}: there is no such file`)
  })
  const header = yield* readRpmHeader(path).pipe(Effect.mapError(({ message }) => failure(`${source}: ${message}`)))
  if (!header.isSource) return yield* failure(`${source}: this is a binary package, not a source package`)
  return path
})

interface Given extends HubFlags {
  readonly source: string
  readonly target: string
  readonly scratch: boolean
  readonly archOverride: Option.Option<string>
  readonly waitBuild: Option.Option<string>
  readonly wait: boolean
  readonly fetch: Option.Option<string>
  readonly topUrl: Option.Option<string>
  readonly pollSeconds: number
  readonly json: boolean
}

const submitAndWatch = Effect.fnUntraced(function* (source: string, given: Given) {
  const display = yield* screen
  const name = basename(given.source)
  const submitted = isUrl(source) ? source : yield* upload(source, name)
  const options = {
    ...(given.scratch ? { scratch: true } : {}),
    ...(Option.isSome(given.archOverride) ? { arch_override: given.archOverride.value } : {}),
    ...(Option.isSome(given.waitBuild) ? { wait_builds: [given.waitBuild.value], wait_repo: true } : {})
  }
  const task = yield* submitBuild(submitted, given.target, options, null)
  if (!given.wait) {
    yield* Console.log(given.json ? harmlessJson({ task }) : `Created task ${task}`)
    return
  }
  if (!given.json) yield* Console.log(`Created task ${task}: ${harmless(name)} for ${harmless(given.target)}`)
  const telling = tellingOf(display, given.json)
  const nodes = yield* watchTask(task, { pollSeconds: given.pollSeconds, telling, display }).pipe(
    Effect.onInterrupt(() => Console.error(`adjutant: task ${task} goes on without us`))
  )
  const report = yield* reportOf(nodes, Option.getOrNull(given.fetch)).pipe(
    Effect.catchTag("FetchFailed", (error) => Effect.fail(failure(`cannot fetch ${error.file}: ${error.message}`)))
  )
  const topUrl = Option.getOrNull(given.topUrl)?.replace(/\/+$/, "") ?? null
  yield* Console.log(given.json ? harmlessJson(report, 2) : `\n${reportText(report, nodes, display, topUrl)}`)
  if (report.state === "closed") return
  return yield* alreadyTold(report.state === "canceled" ? exitCodes.canceled : exitCodes.failed)
})

/** Uploads the package; its path below the hub's `work`. */
const upload = Effect.fnUntraced(function* (path: string, name: string) {
  const directory = yield* uniqueDirectory
  yield* uploadFile(path, directory, name).pipe(
    Effect.catchTag("UploadRefused", (error) => Effect.fail(failure(`${name}: ${error.message}`)))
  )
  return `${directory}/${name}`
})

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
const letterCount = 8

/** As the koji command makes them: the hub gives each directory to whom uploads there first (daemon.md 5.2). */
const uniqueDirectory = Effect.gen(function* () {
  const now = yield* Clock.currentTimeMillis
  let name = ""
  for (let count = 0; count < letterCount; count++) {
    name += letters[yield* Random.nextIntBetween(0, letters.length, { halfOpen: true })] ?? ""
  }
  return `cli-build/${now / 1000}.${name}`
})
