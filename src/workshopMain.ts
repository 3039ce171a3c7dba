/** What people do with a build on a real engine, put together; apart from `main.ts`, so that other commands load nothing of it. */
import { cp, mkdir, readdir } from "node:fs/promises"
import { hostname, userInfo } from "node:os"
import { join, resolve } from "node:path"
import { Effect } from "effect"
import { buildUser } from "./buildroot/Workspace.ts"
import { failure } from "./cli/CommandFailed.ts"
import { isUrl } from "./cli/RemoteJournal.ts"
import type { RerunRun } from "./cli/RerunCommand.ts"
import type { ShellRun } from "./cli/ShellCommand.ts"
import { layerStderrLog } from "./cli/StderrLog.ts"
import type { DaemonConfigValues } from "./config/DaemonConfig.ts"
import { InstanceId } from "./core/Ids.ts"
import { builderSettings } from "./daemon/Settings.ts"
import * as DockerEngine from "./engine/DockerEngine.ts"
import type { OutputSink } from "./engine/Engine.ts"
import { findEngine } from "./findEngine.ts"
import { localTerminal } from "./workshop/LocalTerminal.ts"
import { lookInto } from "./workshop/Look.ts"
import { placesFor, readRecord, stateDirectoryOf } from "./workshop/ReadRecord.ts"
import { rerun, type Stop } from "./workshop/Rerun.ts"
import { firstLine } from "./workshop/RerunPlace.ts"
import { shellIn } from "./workshop/Shell.ts"

/** See `adjutant shell`. `sudoer` is who became root for it. */
export const shell = (sudoer: string | undefined) => (config: DaemonConfigValues, run: ShellRun) =>
  Effect.gen(function* () {
    const { socketPath } = yield* findEngine(config.adjutant)
    const { root, asRoot, command } = run
    const request = {
      ...{ root, asRoot, stateDirectory: config.adjutant.state_dir },
      by: sudoer ?? userInfo().username
    }
    const shown = Effect.gen(function* () {
      if (command !== null) return yield* shellIn({ ...request, what: { command, output: ownStreams } })
      const terminal = yield* localTerminal
      if (terminal === undefined) {
        return yield* failure("this is no terminal; --command runs something without one")
      }
      return yield* shellIn({ ...request, what: { terminal } })
    })
    return yield* shown.pipe(
      Effect.scoped,
      Effect.raceFirst(hungUp),
      Effect.provide(DockerEngine.layer({ socketPath })),
      Effect.catch((error) => Effect.fail(failure(error.message)))
    )
  })

/** See `adjutant rerun`. */
export const rerunning = (version: string) => (config: DaemonConfigValues, run: RerunRun) =>
  Effect.gen(function* () {
    const { until, keep, against, source } = run
    const uid = process.getuid?.() ?? 0
    if (uid !== 0 && uid !== buildUser.uid) {
      return yield* failure(
        "builds write as a user of their own, whose directories root alone can make: run it as root"
      )
    }
    const tree = run.tree === null || isUrl(run.tree) ? run.tree : resolve(run.tree)
    const { recorded, type } = yield* readRecord(run.journal, until?.step ?? null)
    const { socketPath, info } = yield* findEngine(config.adjutant)
    const bootId = yield* firstLine("/proc/sys/kernel/random/boot_id")
    const unowned = { instance: InstanceId.make(""), bootId, version, hostName: hostname(), engine: info }
    if (until?.command === null && keep === null && !(process.stdin.isTTY && process.stdout.isTTY)) {
      return yield* failure("this is no terminal; --command runs something there, --keep leaves /builddir")
    }
    if (keep !== null) yield* emptyDirectory(keep)
    yield* run.begins(recorded)
    let looked: number | null = null
    const look = (command: string | null) =>
      Effect.fnUntraced(function* (at: Stop) {
        yield* run.stops(at)
        if (keep !== null) yield* keptBuilddir(at, keep)
        const terminal = command === null ? yield* localTerminal : undefined
        const how = command !== null ? { command, output: ownStreams } : terminal === undefined ? null : { terminal }
        if (how === null) return
        if (at.spec === null) return yield* failure(`no container runs before ${at.path}: there is none to look into`)
        looked = yield* lookInto(at.spec, how)
      }, Effect.scoped)
    const report = yield* rerun({
      ...{ recorded, type, tree, against, keep, tell: run.tell },
      below: resolve(run.workDirectory),
      ...{ local: builderSettings(config, unowned), serverca: config.kojid.serverca },
      stateDirectory: stateDirectoryOf(run.journal.source.name),
      placesOf: yield* placesFor(recorded, { journal: run.journal.source.name, source, tree }),
      until: until === null ? null : { step: until.step, look: look(until.command) }
    }).pipe(Effect.raceFirst(hungUp), Effect.provide(DockerEngine.layer({ socketPath })))
    return { recorded, report, looked }
  }).pipe(
    Effect.catch((error) => Effect.fail(failure(error.message))),
    Effect.provide(layerStderrLog)
  )

/** Makes it, if it is not there; what is in it already would be taken for results. */
const emptyDirectory = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      await mkdir(path, { recursive: true })
      if ((await readdir(path)).length > 0) throw new Error("there is something in it already")
    },
    catch: (cause) => failure(`--keep ${path}: ${cause instanceof Error ? cause.message : String(cause)}`)
  })

const keptBuilddir = ({ builddir }: Stop, keep: string) =>
  Effect.promise(() => cp(builddir, join(keep, "builddir"), { recursive: true, verbatimSymlinks: true }))

/** The terminal that we run in has been closed: whoever sat there is gone, and so is what they began. */
const hungUp = Effect.callback<never>((resume) => {
  const leave = () => resume(Effect.interrupt)
  process.once("SIGHUP", leave)
  return Effect.sync(() => process.off("SIGHUP", leave))
})

/** What the command says, where we would say it. */
const ownStreams: OutputSink = {
  write: (from, bytes) => Effect.callback<void>((resume) => void process[from].write(bytes, () => resume(Effect.void)))
}
