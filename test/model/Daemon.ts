/**
 * A daemon of the model: the real one, put together as `daemonMain.ts` does it, over the model's hub, engine and disk.
 *
 * It is started, told to stop, or killed; started again it finds what its disks hold and the engine still runs.
 */
import { mkdirSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { Deferred, Effect, type Exit, Fiber, Layer, Queue, Redacted, Schema } from "effect"
import { BuilderSettings } from "../../src/buildroot/BuilderSettings.ts"
import { DaemonControl } from "../../src/buildroot/DaemonControl.ts"
import { FailedRoots } from "../../src/buildroot/FailedRoots.ts"
import { ImageStore } from "../../src/buildroot/ImageStore.ts"
import { AttemptEvent, type StepValue } from "../../src/core/AttemptEvent.ts"
import { DaemonEvent, told } from "../../src/core/DaemonEvent.ts"
import { InstanceId, TaskId } from "../../src/core/Ids.ts"
import { Attempts } from "../../src/daemon/Attempts.ts"
import { type DaemonOptions, type DaemonRequest, DaemonRequests, runDaemon } from "../../src/daemon/Daemon.ts"
import { DaemonJournal } from "../../src/daemon/DaemonJournal.ts"
import { reap } from "../../src/daemon/Reaping.ts"
import { ServiceManager, type ServiceNotice } from "../../src/daemon/ServiceManager.ts"
import { Engine } from "../../src/engine/Engine.ts"
import type { Through } from "../../src/engine/MemoryClient.ts"
import type { RetryRules } from "../../src/hub/Exchange.ts"
import { HubFiles } from "../../src/hub/HubFiles.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { HubTransport } from "../../src/hub/HubTransport.ts"
import { passwordLogin } from "../../src/hub/Login.ts"
import { TaskAlerts } from "../../src/hub/TaskAlerts.ts"
import { Disk } from "../../src/journal/Disk.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import * as MemoryDisk from "../../src/journal/MemoryDisk.ts"
import { daemonStream } from "../../src/journal/StreamName.ts"
import type { ModelHub } from "./Hub.ts"
import type { ModelPost } from "./Post.ts"
import { Process, type Time } from "./Time.ts"

/** What daemons share. */
export interface Surroundings {
  readonly time: Time
  readonly hub: ModelHub
  readonly post: ModelPost
  readonly connect: (through: Through, bootId: string) => Effect.Effect<Engine["Service"]>
  /** Where each daemon has a directory of its own. */
  readonly directory: string
}

export interface DaemonChoices {
  readonly name: "builder1" | "builder2"
  readonly options?: Partial<DaemonOptions>
  readonly settings?: Partial<BuilderSettings["Service"]>
  readonly retries?: Partial<RetryRules>
  /** What lies between the daemon and the engine, and between it and its journal. */
  readonly through?: Through
  readonly disk?: (disk: Disk["Service"]) => Disk["Service"]
  readonly seed?: number
}

interface Life {
  readonly process: Process
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly requests: Queue.Queue<DaemonRequest>
  /** Done when it was killed, which its fiber never knows. */
  readonly killed: Deferred.Deferred<void>
}

const decodeTold = Schema.decodeUnknownSync(DaemonEvent)
const decodeEvent = Schema.decodeUnknownSync(AttemptEvent)

export const toolsImage = "localhost/tools:1"
const direct: Through = (_, call) => call

export class ModelDaemon {
  readonly name: string
  readonly disk: MemoryDisk.MemoryDisk["Service"]
  readonly settings: BuilderSettings["Service"]
  bootId = "boot-1"
  lives = 0
  /** What systemd has been told, by all lives. */
  readonly notices: Array<ServiceNotice> = []
  #life: Life | undefined
  readonly #around: Surroundings
  readonly #choices: DaemonChoices

  private constructor(around: Surroundings, choices: DaemonChoices, disk: MemoryDisk.MemoryDisk["Service"]) {
    this.name = choices.name
    this.disk = disk
    this.#around = around
    this.#choices = choices
    this.settings = { ...settingsOf(around, choices.name), ...choices.settings }
    mkdirSync(this.settings.stateDirectory, { recursive: true })
    mkdirSync(this.settings.logDirectory, { recursive: true })
  }

  static readonly make = (around: Surroundings, choices: DaemonChoices) =>
    Effect.map(MemoryDisk.make, (disk) => new ModelDaemon(around, choices, disk))

  get running(): boolean {
    return this.#life?.process.alive === true && this.#life.fiber.pollUnsafe() === undefined
  }

  /** How the last life ended; undefined while it goes on, or when it was killed. */
  get exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.#life?.fiber.pollUnsafe()
  }

  /** A new process of this daemon. */
  readonly start = Effect.suspend(() => {
    if (this.running) return Effect.die(new Error(`${this.name} runs already`))
    const { time } = this.#around
    this.lives++
    const process = new Process(`${this.name}/${this.lives}`)
    const context = time.contextOf(process, (this.#choices.seed ?? 0) + this.lives)
    const requests = Effect.runSyncWith(context)(Queue.unbounded<DaemonRequest>())
    const fiber = Effect.runForkWith(context)(this.#program(requests))
    this.#life = { process, fiber, requests, killed: Deferred.makeUnsafe() }
    return Effect.void
  })

  /** As SIGKILL: nothing of the process takes another step. Its files stay, its containers go on. */
  readonly kill = Effect.sync(() => this.#die())

  /** As a loss of power: what was not synced is lost too. The engine's containers are the caller's business. */
  readonly losePower = Effect.suspend(() => {
    this.#die()
    return this.disk.crash()
  })

  /** As SIGTERM; returns when the process has left, or was killed meanwhile. */
  readonly terminate = Effect.suspend(() => {
    if (this.#life === undefined) return Effect.void
    const { fiber, killed } = this.#life
    return Effect.raceFirst(Fiber.interrupt(fiber), Deferred.await(killed))
  })

  /** As SIGUSR1. */
  readonly drain = Effect.suspend(() =>
    this.#life === undefined ? Effect.void : Queue.offer(this.#life.requests, { _tag: "Drain", why: "SIGUSR1" })
  )

  /** As SIGUSR2: the process leaves its attempts to the next one. */
  readonly handOver = Effect.suspend(() =>
    this.#life === undefined ? Effect.void : Queue.offer(this.#life.requests, { _tag: "HandOver", why: "SIGUSR2" })
  )

  /** Returns when the process has left by itself, or was killed. */
  readonly ended = Effect.suspend(() => {
    if (this.#life === undefined) return Effect.void
    const { fiber, killed } = this.#life
    return Effect.raceFirst(Effect.asVoid(Fiber.await(fiber)), Deferred.await(killed))
  })

  /** As the timer's `adjutant reap`, which does nothing beside a daemon that runs. */
  readonly reap = Effect.suspend(() => {
    if (this.running) return Effect.void
    const { instance, stateDirectory } = this.settings
    const process = new Process(`${this.name}/reap`)
    const context = this.#around.time.contextOf(process, this.lives)
    const work = reap({ instance, stateDirectory, leaseSeconds: 900, dryRun: false }).pipe(
      Effect.provide(this.#own()),
      Effect.scoped,
      Effect.tapCause((cause) => Effect.logError("the reaper leaves", cause))
    )
    return Effect.asVoid(Fiber.await(Effect.runForkWith(context)(work)))
  })

  /** The attempts that there are journals of. */
  readonly attempts = Effect.suspend(() =>
    FileJournalStore.make({ directory: "/", visible: false }).pipe(
      Effect.flatMap((store) => store.list),
      Effect.map((names) => names.flatMap((name) => (name.kind === "attempt" ? [name] : []))),
      Effect.provideService(Disk, this.disk.disk),
      Effect.orDie
    )
  )

  /** What an attempt's journal holds by now; of the last attempt, unless told. */
  history(task: number, attempt?: number) {
    return Effect.gen(function* () {
      const store = yield* FileJournalStore.make({ directory: "/", visible: false })
      const attempts = (yield* store.list).flatMap((name) =>
        name.kind === "attempt" && name.task === task ? [name.attempt] : []
      )
      const chosen = attempt ?? attempts.at(-1)
      const stream = attempts.find((one) => one === chosen)
      if (stream === undefined) return []
      const stored = yield* store.read({ kind: "attempt", task: TaskId.make(task), attempt: stream })
      return stored.map(({ event }) => decodeEvent(event))
    }).pipe(Effect.provideService(Disk, this.disk.disk), Effect.orDie)
  }

  /** What the daemon's own journal holds by now. */
  readonly told = Effect.gen(function* () {
    const store = yield* FileJournalStore.make({ directory: "/", visible: false })
    return (yield* store.read(daemonStream)).map(({ event }) => decodeTold(event))
  }).pipe((read) => Effect.suspend(() => Effect.provideService(read, Disk, this.disk.disk)), Effect.orDie)

  /** The value of a step, wherever the journal keeps it. */
  value(value: StepValue): Effect.Effect<Schema.Json> {
    if (value._tag === "Inline") return Effect.succeed(value.value)
    return Effect.gen(function* () {
      const store = yield* FileJournalStore.make({ directory: "/", visible: false })
      const bytes = yield* store.getBlob(value.digest)
      return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))(new TextDecoder().decode(bytes))
    }).pipe(Effect.provideService(Disk, this.disk.disk), Effect.orDie)
  }

  /** Whether an attempt of the task has a journal that is not at its end. */
  isWorking(task: number): boolean {
    return this.running && Effect.runSync(this.history(task)).at(-1)?._tag !== "Concluded"
  }

  #die() {
    if (this.#life === undefined) return
    this.#life.process.kill()
    Deferred.doneUnsafe(this.#life.killed, Effect.void)
  }

  /** What there is without the hub. */
  #own() {
    const { through = direct, disk: over = (disk) => disk } = this.#choices
    const store = Layer.effect(JournalStore, FileJournalStore.make({ directory: "/", visible: false })).pipe(
      Layer.provide(Layer.succeed(Disk, over(this.disk.disk)))
    )
    const engine = Layer.effect(Engine, this.#around.connect(through, this.bootId))
    const settings = Layer.succeed(BuilderSettings, { ...this.settings, bootId: this.bootId })
    return Layer.mergeAll(ImageStore.layer, FailedRoots.layer(bytesBelow), DaemonJournal.layer).pipe(
      Layer.provideMerge(Layer.mergeAll(store, engine, settings))
    )
  }

  #services(requests: Queue.Queue<DaemonRequest>) {
    const { hub, post } = this.#around
    const session = HubSession.layerLogin(passwordLogin(this.name, Redacted.make(this.name)), {
      exclusive: "force",
      retries: { ...patience, ...this.#choices.retries }
    }).pipe(Layer.provide(Layer.succeed(HubTransport, hub.transport(this.name))))
    return Attempts.layer.pipe(
      Layer.provideMerge(this.#own()),
      Layer.provideMerge(
        Layer.mergeAll(
          session,
          HubFiles.layerMounted(hub.top),
          TaskAlerts.layer,
          DaemonControl.layer,
          post.layer,
          Layer.succeed(DaemonRequests, requests)
        )
      )
    )
  }

  #program(requests: Queue.Queue<DaemonRequest>) {
    const { bootId, lives: pid } = this
    const options = {
      sleepSeconds: 15,
      pollSeconds: 3,
      maxJobs: 10,
      minSpaceMebibytes: 0,
      loadAverageMax: 1000,
      taskAvailDelaySeconds: 300,
      journalAgeSeconds: 7_776_000,
      ...this.#choices.options
    }
    const { instance, version } = this.settings
    const served = Effect.gen(function* () {
      const journal = yield* DaemonJournal
      const kept = yield* JournalStore
      yield* journal.record(told.Started.make({ instance, bootId, version, pid, engine: "model", hub: "model" }))
      const poisoned = Effect.flatMap(kept.awaitPoisoned, (poison) => Effect.fail(poison))
      return yield* Effect.raceFirst(runDaemon(options), poisoned)
    })
    return served.pipe(
      Effect.provide(this.#services(requests)),
      Effect.provideService(ServiceManager, { tell: (notice) => Effect.sync(() => void this.notices.push(notice)) }),
      Effect.scoped,
      Effect.tapCause((cause) => Effect.logError("the daemon leaves", cause))
    )
  }
}

/** As `du` counts, but at once. */
const bytesBelow = (directory: string) =>
  Effect.sync(() => {
    const sizes = readdirSync(directory, { recursive: true, encoding: "utf8" }).map(
      (name) => statSync(join(directory, name)).size
    )
    return sizes.reduce((sum, size) => sum + size, 0)
  })

/** kojid's. */
const patience: RetryRules = {
  retriesMax: 120,
  intervalSeconds: 60,
  offlineIntervalSeconds: 120,
  timeoutSeconds: 43_200
}

const gibibyte = 1024 ** 3

const settingsOf = ({ hub, directory }: Surroundings, name: string): BuilderSettings["Service"] => ({
  instance: InstanceId.make(name === "builder1" ? "b1b1b1b1b1b1" : "b2b2b2b2b2b2"),
  bootId: "boot-1",
  version: "0.0.0",
  hostName: `${name}.example.org`,
  workerId: name,
  stateDirectory: `${directory}/${name}/state`,
  logDirectory: `${directory}/${name}/log`,
  topUrls: [],
  topDirectory: hub.top,
  toolsImage,
  toolsImages: [],
  baseImages: [],
  pullPolicy: "if-not-present",
  pullTimeoutSeconds: 600,
  pullInactivitySeconds: 60,
  installNetwork: "host",
  installMounts: [],
  labels: {},
  limits: {
    memoryBytes: 4 * gibibyte,
    cpus: 2,
    processes: 1000,
    openFiles: 1000,
    wallSeconds: 86_400,
    silenceSeconds: 86_400,
    outputBytes: gibibyte,
    diskBytes: 100 * gibibyte
  },
  relabel: false,
  imageCacheBytesMax: 100 * gibibyte,
  imageCacheAgeSecondsMax: 30 * 86_400,
  failedRootBytesMax: 100 * 1024 ** 3,
  failedRootAgeSecondsMax: 14_400,
  packager: "Koji",
  vendor: "Koji",
  distribution: "Koji",
  mockHost: "koji-linux-gnu",
  mockDirectory: "/var/lib/mock",
  yumProxy: null,
  rpmbuildTimeoutSeconds: 86_400,
  chrootTmpdir: "/chroot_tmpdir",
  mockBootstrapImage: false,
  literalTaskArches: [],
  buildArchCanFail: false,
  useCreaterepoC: true,
  createrepoSkipStat: true,
  createrepoUpdate: true,
  logTimestamps: false
})
