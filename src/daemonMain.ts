/**
 * The daemon, put together: which adapters stand behind which services, what signals mean, how it ends.
 *
 * Like `main.ts` a composition root; apart from it, so that the other commands load nothing of this.
 */

import { mkdir, readFile } from "node:fs/promises"
import { hostname } from "node:os"
import { Effect, Layer, Logger, Queue, References } from "effect"
import { BuilderSettings } from "./buildroot/BuilderSettings.ts"
import { DaemonControl } from "./buildroot/DaemonControl.ts"
import { FailedRoots } from "./buildroot/FailedRoots.ts"
import { ImageStore } from "./buildroot/ImageStore.ts"
import { failure } from "./cli/CommandFailed.ts"
import type { DaemonRequest as CommandRequest } from "./cli/DaemonCommand.ts"
import { daemonLogLevel } from "./cli/DaemonLogLevel.ts"
import { formatJournald, isJournal } from "./cli/JournaldLog.ts"
import { DaemonConfig, type DaemonConfigValues, idleText } from "./config/DaemonConfig.ts"
import { told } from "./core/DaemonEvent.ts"
import { silence } from "./daemon/Alive.ts"
import { Attempts } from "./daemon/Attempts.ts"
import { authorityMounts } from "./daemon/Authorities.ts"
import { type DaemonRequest, DaemonRequests, runDaemon } from "./daemon/Daemon.ts"
import { DaemonJournal } from "./daemon/DaemonJournal.ts"
import { adviceOn } from "./daemon/HubAdvice.ts"
import { hubLayer } from "./daemon/HubLayer.ts"
import { reap } from "./daemon/Reaping.ts"
import { ServiceManager, systemd } from "./daemon/ServiceManager.ts"
import { builderSettings, daemonOptions, mailOptions } from "./daemon/Settings.ts"
import { usage } from "./engine/DiskBudget.ts"
import * as DockerEngine from "./engine/DockerEngine.ts"
import { Engine, type EngineInfo } from "./engine/Engine.ts"
import { ownerLabels } from "./engine/Labels.ts"
import { findEngine } from "./findEngine.ts"
import { LogsCalls } from "./hub/Exchange.ts"
import { HubFault } from "./hub/HubError.ts"
import { TaskAlerts } from "./hub/TaskAlerts.ts"
import * as FileJournalStore from "./journal/FileJournalStore.ts"
import { StateDirectoryRefused } from "./journal/JournalError.ts"
import { JournalStore } from "./journal/JournalStore.ts"
import * as NodeDisk from "./journal/NodeDisk.ts"
import { StateDirectory } from "./journal/StateDirectory.ts"
import { holderOf } from "./journal/StateLock.ts"
import { withoutPassword } from "./koji/ScmUrl.ts"
import * as Smtp from "./mail/Smtp.ts"

export const daemon = (version: string) =>
  Effect.fn("daemon")(function* (request: CommandRequest) {
    const inputs = { file: request.configFile, environment: process.env, commandLine: request.commandLine }
    const config = yield* Effect.flatMap(DaemonConfig, (values) => Effect.succeed(values)).pipe(
      Effect.provide(DaemonConfig.layer(inputs), { local: true }),
      Effect.mapError((error) => failure(error.message))
    )
    const logging = Logger.layer([logger(config)])
    const level = daemonLogLevel(config.kojid.log_level, request.logLevel)
    const end = yield* started(version, config, request).pipe(
      Effect.provide(logging),
      Effect.provideService(LogsCalls, request.debugHub),
      Effect.provideService(References.MinimumLogLevel, level)
    )
    if (end === "restart") reexecute()
  })

const started = (version: string, config: DaemonConfigValues, request: CommandRequest) =>
  Effect.gen(function* () {
    const idle = idleText([...config.idle, ...request.ignored])
    for (const warning of [...config.warnings, ...idle]) yield* Effect.logWarning(warning)
    yield* Effect.tryPromise({
      try: () => mkdir(config.adjutant.log_dir, { recursive: true, mode: 0o755 }),
      catch: (cause) => failure(`log_dir ${config.adjutant.log_dir}: ${String(cause)}`)
    })
    const { socketPath, info } = yield* findEngine(config.adjutant)
    yield* Effect.log(`container engine: ${info.kind} ${info.version} on ${socketPath}`)
    if (!info.limitsEnforced) yield* Effect.logWarning("this engine does not enforce memory and process limits")
    const atTheHub = yield* hubLayer(config, request.forceLock, process.env).pipe(
      Effect.mapError(({ message }) => failure(message))
    )
    const settings = yield* settingsLayer(version, config, info)
    const engine = DockerEngine.layer({ socketPath })
    const hub = Layer.mergeAll(atTheHub, TaskAlerts.layer)
    const below = Layer.mergeAll(hub, engine, Smtp.layer(mailOptions(config))).pipe(Layer.provideMerge(settings))
    const services = Attempts.layer.pipe(
      Layer.provideMerge(
        Layer.mergeAll(ImageStore.layer, failedRoots, DaemonJournal.layer, DaemonControl.layer, requests)
      ),
      Layer.provideMerge(below)
    )
    return yield* served(config, request, `${info.kind} ${info.version}`).pipe(
      Effect.provide(services, { local: true }),
      Effect.provideService(ServiceManager, yield* serviceManager),
      Effect.scoped,
      Effect.catch((error) => Effect.fail(failure(inWords(config, error))))
    )
  })

/** The state directory, held, and what follows from it and the configuration. */
const settingsLayer = Effect.fnUntraced(function* (version: string, config: DaemonConfigValues, engine: EngineInfo) {
  const bootId = (yield* Effect.promise(() =>
    readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "")
  )).trim()
  return Layer.effect(
    BuilderSettings,
    Effect.gen(function* () {
      const { instance } = yield* StateDirectory
      const settings = builderSettings(config, { instance, bootId, version, hostName: hostname(), engine })
      const trust = yield* authorityMounts(config.kojid, settings)
      return BuilderSettings.of({ ...settings, installMounts: [...settings.installMounts, ...trust] })
    })
  ).pipe(Layer.provideMerge(FileJournalStore.layer({ directory: config.adjutant.state_dir })))
})

/** Sweeps in place of a daemon that is not there; one that is sweeps by itself. */
export const reaping = (version: string) => (config: DaemonConfigValues, dryRun: boolean) =>
  Effect.gen(function* () {
    const { state_dir: stateDirectory, reap_lease: leaseSeconds } = config.adjutant
    const holder = yield* holderOf(stateDirectory).pipe(Effect.provide(NodeDisk.layer))
    if (holder !== undefined) {
      const silentSeconds = yield* silence(stateDirectory)
      return { _tag: "DaemonRuns", pid: holder.pid, silentSeconds } as const
    }
    const { socketPath, info } = yield* findEngine(config.adjutant)
    const services = Layer.mergeAll(ImageStore.layer, failedRoots, DaemonJournal.layer).pipe(
      Layer.provideMerge(DockerEngine.layer({ socketPath })),
      Layer.provideMerge(yield* settingsLayer(version, config, info))
    )
    const swept = yield* Effect.flatMap(BuilderSettings, ({ instance }) =>
      reap({ instance, stateDirectory, leaseSeconds, dryRun })
    ).pipe(Effect.provide(services, { local: true }))
    return { _tag: "Reaped", ...swept } as const
  }).pipe(Effect.mapError((error) => failure(error.message)))

/** systemd, if it is there and wants to know. The variables are its own; children of ours are not given them. */
const serviceManager = Effect.suspend(() => {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog = "" } = process.env
  if (socket === undefined || socket === "") return ServiceManager
  const watchdogMicros = /^[0-9]{1,15}$/.test(watchdog) ? Number(watchdog) : null
  return systemd({ socket, watchdogMicros, monotonicMicros: () => process.hrtime.bigint() / 1000n })
})

const failedRoots = FailedRoots.layer((directory) => usage([directory]))

/** What a hub refused is told with its address and the call: nothing else says which server was meant. */
const inWords = ({ kojid }: DaemonConfigValues, error: { readonly _tag: string; readonly message: string }): string => {
  if (error instanceof StateDirectoryRefused) return `state_dir ${error.path}: ${error.message}`
  const place = "method" in error ? `${withoutPassword(kojid.server)}: ${error.method}: ` : ""
  const advice = error instanceof HubFault ? adviceOn(error) : undefined
  return `${place}${error.message}${advice === undefined ? "" : ` (${advice})`}`
}

const served = (config: DaemonConfigValues, request: CommandRequest, engine: string) =>
  Effect.gen(function* () {
    const journal = yield* DaemonJournal
    const store = yield* JournalStore
    const { instance, bootId, version } = yield* BuilderSettings
    yield* journal.record(
      told.Started.make({
        instance,
        bootId,
        version,
        pid: process.pid,
        engine,
        hub: withoutPassword(config.kojid.server)
      })
    )
    if (request.skipMain) return "stopped" as const
    yield* hurryOnSecondSignal
    const poisoned = Effect.flatMap(store.awaitPoisoned, (poison) =>
      Effect.fail(failure(`the journal cannot be written (${poison.message}): nothing more can be promised, leaving`))
    )
    return yield* Effect.raceFirst(runDaemon(daemonOptions(config)), poisoned)
  })

/** SIGUSR1 asks to drain and start again, SIGUSR2 to hand over; SIGTERM and SIGINT interrupt us (see `main.ts`). */
const requests = Layer.effect(
  DaemonRequests,
  Effect.gen(function* () {
    const queue = yield* Queue.unbounded<DaemonRequest>()
    const drain = () => void Queue.offerUnsafe(queue, { _tag: "Drain", why: "SIGUSR1" })
    const handOver = () => void Queue.offerUnsafe(queue, { _tag: "HandOver", why: "SIGUSR2" })
    yield* Effect.acquireRelease(
      Effect.sync(() => process.on("SIGUSR1", drain).on("SIGUSR2", handOver)),
      () => Effect.sync(() => process.off("SIGUSR1", drain).off("SIGUSR2", handOver))
    )
    return queue
  })
)

/** How long a hurried end may take before the process is gone whatever is left. */
const hurrySeconds = 15

/** The first SIGTERM ends things in order. The second one removes our containers and leaves. */
const hurryOnSecondSignal = Effect.gen(function* () {
  const engine = yield* Engine
  const { instance } = yield* BuilderSettings
  const services = yield* Effect.context<never>()
  let signals = 0
  const hurry = () => {
    signals++
    if (signals !== 2) return
    const sweep = Effect.gen(function* () {
      yield* Effect.logWarning("told twice: removing containers and leaving at once")
      const left = yield* engine.list(ownerLabels(instance))
      yield* Effect.forEach(left, ({ name }) => Effect.ignore(engine.remove(name)), {
        concurrency: "unbounded",
        discard: true
      })
    }).pipe(Effect.timeout(`${hurrySeconds} seconds`), Effect.ignoreCause)
    Effect.runForkWith(services)(sweep).addObserver(() => process.exit(1))
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      process.on("SIGTERM", hurry)
      process.on("SIGINT", hurry)
    }),
    () =>
      Effect.sync(() => {
        process.off("SIGTERM", hurry)
        process.off("SIGINT", hurry)
      })
  )
})

/** Becomes a new process of the same command: a new session, the exclusive one by force (daemon.md 4.11). */
const reexecute = (): void => {
  const [program = process.execPath, ...rest] = process.argv
  const args = rest.includes("--force-lock") ? rest : [...rest, "--force-lock"]
  process.execve?.(process.execPath, [program, ...process.execArgv, ...args], process.env)
}

const logger = (config: DaemonConfigValues) => {
  const { log_format: format } = config.adjutant
  if (format === "auto" && isJournal(process.env["JOURNAL_STREAM"], process.stdout.fd)) {
    return Logger.withConsoleLog(formatJournald)
  }
  const json = format === "json" || (format === "auto" && !process.stdout.isTTY)
  return json ? Logger.consoleJson : Logger.consolePretty({ colors: "auto" })
}
