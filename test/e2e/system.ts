/**
 * The whole system on one engine: the embedded hub over real HTTP, real daemon processes, a person who submits.
 *
 * The hub and its packages are made once; every builder is a host of the hub with a channel of its own besides the
 * common ones, so that a test can have a task run on the very daemon that it is about to kill. When the scope closes,
 * daemons are killed and what is left of their images is removed.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { Context, Effect, Layer, Redacted, Schema, Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import { demo, demoSeed } from "../../src/cli/Demonstration.ts"
import { applySeed } from "../../src/cli/HubSeed.ts"
import { call } from "../../src/hub/calls/call.ts"
import { cancelTask, getTaskDescendents, getTaskInfo, getTaskResult } from "../../src/hub/calls/tasks.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import type { TaskInfo } from "../../src/hub/shapes/Task.ts"
import { uploadFile } from "../../src/hub/Upload.ts"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { rowOf } from "../../src/hubsim/Database.ts"
import type { Disturb } from "../../src/hubsim/HubServer.ts"
import { type RunningHub, serve } from "../../src/hubsim/HubSim.ts"
import { seedBuilder } from "../../src/hubsim/Seed.ts"
import { taskPath } from "../../src/koji/Paths.ts"
import { taskStateName, taskStates } from "../../src/koji/TaskState.ts"
import { type EngineName, engineSocket } from "../engines.ts"
import { type Builder, makeBuilder } from "./builder.ts"
import type { DaemonProcess } from "./daemonProcess.ts"
import { until } from "./until.ts"

/** How a task ended at the hub. */
export interface Ended {
  readonly id: number
  readonly state: string
  /** The fault of a failed task. */
  readonly code: number | null
  readonly message: string
  readonly result: Schema.Json
}

export interface BuilderOptions {
  readonly name: string
  /** Options of `[kojid]` and `[adjutant]` beyond the usual. */
  readonly kojid?: Readonly<Record<string, string | number>>
  readonly adjutant?: Readonly<Record<string, string | number>>
  /** Only tasks of its own channel come to it. */
  readonly apart?: boolean
  readonly stateDirectory?: string
}

export class System extends Context.Service<
  System,
  {
    readonly engine: EngineName
    /** A directory for whatever a test makes. */
    readonly directory: string
    readonly topdir: string
    readonly hub: RunningHub
    /** The builder that takes what nobody else is asked for, and its daemon. */
    readonly main: Builder
    readonly daemon: DaemonProcess
    /** The repository of the demonstration's build tag. */
    readonly repo: number
    /** A tag with a small root, for builders of their own, and its repository. */
    readonly small: { readonly tag: string; readonly repo: number }
    /** What becomes of each exchange with the hub from now on. */
    disturb(what: Disturb): Effect.Effect<void>
    /** A host of the hub; its daemon is not started yet. */
    builder(options: BuilderOptions): Effect.Effect<Builder>
    /** Uploads a source package and has it built; the number of the task. */
    build(source: string, options?: Struct, channel?: string): Effect.Effect<number>
    /** Uploads a file; its path below the hub's `work`. */
    upload(file: string): Effect.Effect<string>
    /** Makes a task of any kind, as an administrator can. */
    task(method: string, parameters: ReadonlyArray<Value>, options?: Struct): Effect.Effect<number>
    cancel(task: number): Effect.Effect<void>
    info(task: number): Effect.Effect<TaskInfo>
    /** Every task below this one. */
    descendents(task: number): Effect.Effect<ReadonlyArray<TaskInfo>>
    /** The child of this method, once there is one. */
    child(task: number, method: string): Effect.Effect<number>
    /** Returns when the task has ended. */
    ended(task: number): Effect.Effect<Ended>
    /** Makes a repository of a tag; its number. */
    newRepo(tag: string): Effect.Effect<number>
    /** A `buildArch` by itself, as its parent would make it, for hosts of this channel. */
    buildArch(source: string, channel: string, root?: { tag: string; repo: number }): Effect.Effect<number>
    /** What the hub holds of a task's file; empty if there is none. */
    output(task: number, name: string): Effect.Effect<string>
    /** The names of a task's files on the hub. */
    files(task: number): Effect.Effect<ReadonlyArray<string>>
    /** The messages of the hosts that have refused it. */
    refusals(task: number): Effect.Effect<ReadonlyArray<string>>
    /** Waits for a condition; how the task fared is told if it never comes. */
    seen<A>(task: number, what: string, look: Effect.Effect<A | undefined>): Effect.Effect<A>
  }
>()("test/e2e/System") {
  /**
   * Up and running, with a repository to build from. `packages` are directories of packages that it offers besides the
   * demonstration's.
   */
  static readonly layer = (
    engine: EngineName,
    packages: (directory: string) => Effect.Effect<ReadonlyArray<string>>
  ): Layer.Layer<System> => Layer.effect(System, Effect.orDie(make(engine, packages)))
}

const demoDirectory = (): string => {
  const directory = process.env["ADJUTANT_DEMO_RPMS"]
  if (directory === undefined) throw new Error("set ADJUTANT_DEMO_RPMS to what `scripts/demo-repo` prints")
  return directory
}

const smallTag = "small-build"
/** What a noarch package needs to be built, and no compiler. */
const smallRoot = (most: ReadonlyArray<string>) => ({
  ...{ name: smallTag, arches: "x86_64", parents: ["demo-base"] },
  groups: { build: [...most, "binutils", "debugedit", "elfutils"], "srpm-build": most }
})

/** Names of which builds may be tagged; all others are built as scratch. */
const tagged = ["several", "calculated", "contradicts"]

const make = Effect.fnUntraced(function* (
  engine: EngineName,
  packages: (directory: string) => Effect.Effect<ReadonlyArray<string>>
) {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), `adjutant-e2e-${engine}-`))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const topdir = join(directory, "top")
  let disturbance: Disturb = () => ({ _tag: "None" })
  const hub = yield* serve({ topdir, disturb: (exchange) => disturbance(exchange) })
  const seed = yield* demoSeed(demoDirectory(), tagged, { user: "secret", builder: "secret" })
  const extra = yield* packages(join(directory, "packages"))
  yield* applySeed(hub.hub, {
    ...seed,
    tags: [...seed.tags, smallRoot(seed.tags.at(-1)?.groups?.["srpm-build"] ?? [])],
    builds: [...seed.builds, ...extra.map((made) => ({ directory: made, tag: "demo-base" }))]
  })
  const retries = { retriesMax: 100, intervalSeconds: 1, offlineIntervalSeconds: 1, timeoutSeconds: 60 }
  const person = yield* Layer.build(
    HubSession.layerPassword({
      ...{ server: hub.url, user: demo.user, password: Redacted.make("secret"), exclusive: "none", retries }
    }).pipe(Layer.provide(FetchHttpClient.layer))
  )
  const asked = <A, E>(work: Effect.Effect<A, E, HubSession>) => Effect.orDie(Effect.provide(work, person))
  const scope = yield* Effect.scope

  const builder = Effect.fnUntraced(function* (options: BuilderOptions) {
    const common = options.apart === true ? [] : ["default", "createrepo"]
    yield* seedBuilder(hub.hub, {
      ...{ name: options.name, password: "secret", arches: ["x86_64"], capacity: 4 },
      channels: [options.name, ...common]
    })
    return yield* makeBuilder({
      ...{ ...options, engine, socket: engineSocket(engine), directory, topdir },
      kojid: { server: hub.url, topurl: hub.filesUrl, password: "secret", ...options.kojid }
    })
  })

  let uploads = 0
  const upload = Effect.fnUntraced(function* (file: string) {
    const place = `cli-build/${++uploads}.${process.pid}`
    yield* asked(uploadFile(file, place, basename(file)))
    return `${place}/${basename(file)}`
  })

  const info = (task: number) =>
    asked(getTaskInfo(task)).pipe(
      Effect.flatMap((found) => (found === null ? Effect.die(new Error(`no task ${task}`)) : Effect.succeed(found)))
    )

  const ended = Effect.fnUntraced(function* (task: number) {
    let last = ""
    const state = yield* until(
      `task ${task} to end`,
      () => `${last}\n${daemon.said()}`,
      Effect.map(info(task), (found) => {
        last = `${found.method} ${taskStateName(found.state)}`
        const name = taskStateName(found.state) ?? ""
        return ["CLOSED", "FAILED", "CANCELED"].includes(name) ? name : undefined
      })
    )
    return yield* getTaskResult(task).pipe(
      Effect.map((result): Ended => ({ id: task, state, code: null, message: "", result })),
      Effect.catchTag("HubFault", ({ code, message }) =>
        Effect.succeed<Ended>({ id: task, state, code, message, result: null })
      ),
      asked
    )
  })

  const task = (method: string, parameters: ReadonlyArray<Value>, options: Struct = {}) =>
    asked(call(Schema.Int, "makeTask", [method, parameters], options))
  const newRepo = Effect.fnUntraced(function* (tag: string) {
    const { result, message } = yield* ended(yield* task("newRepo", [tag], { channel: "createrepo" }))
    if (!Array.isArray(result)) return yield* Effect.die(new Error(`no repository of ${tag}: ${message}`))
    return Number(result[0])
  })
  const output = (id: number, name: string) =>
    Effect.promise(() => readFile(join(topdir, "work", taskPath(id), name), "utf8").catch(() => ""))

  const main = yield* builder({ name: "main", adjutant: smallLimits })
  const daemon = yield* main.start
  yield* daemon.hasSaid("status: ready")
  const repo = yield* newRepo("demo-build")
  const small = { tag: smallTag, repo: yield* newRepo(smallTag) }

  const descendents = (id: number) => Effect.map(asked(getTaskDescendents(id)), (found) => Object.values(found).flat())
  const seen = <A>(id: number, what: string, look: Effect.Effect<A | undefined>) =>
    Effect.flatMap(info(id), ({ method }) => until(`${what} (${method} ${id})`, daemon.said, look))

  return System.of({
    ...{ engine, directory, topdir, hub, upload, info, ended, main, daemon, repo, small, task, newRepo, output },
    ...{ descendents, seen },
    child: (id, method) =>
      seen(
        id,
        `a ${method}`,
        Effect.map(descendents(id), (found) => found.find((one) => one.method === method)?.id)
      ),
    disturb: (what) =>
      Effect.sync(() => {
        disturbance = what
      }),
    builder: (options) => builder(options).pipe(Effect.orDie, Effect.provideService(Scope.Scope, scope)),
    build: Effect.fnUntraced(function* (source: string, options: Struct = {}, channel?: string) {
      const place = yield* upload(source)
      const more = channel === undefined ? undefined : { channel }
      return yield* asked(call(Schema.Int, "build", [place, demo.target, options], more))
    }),
    buildArch: Effect.fnUntraced(function* (source, channel, root = small) {
      const parameters = [yield* upload(source), root.tag, "noarch", true, { repo_id: root.repo }]
      return yield* task("buildArch", parameters, { channel, arch: "noarch" })
    }),
    cancel: (id) => asked(cancelTask(id)),
    files: (id) =>
      Effect.promise(() =>
        readdir(join(topdir, "work", taskPath(id))).then(
          (names) => names.sort(),
          () => []
        )
      ),
    refusals: (id) =>
      Effect.sync(() =>
        hub.hub.db
          .all(readRefusal, "SELECT msg FROM scheduler_task_refusals WHERE task_id = ?", id)
          .map(({ msg }) => msg)
      )
  })
})

const readRefusal = rowOf(Schema.Struct({ msg: Schema.String }))

/** So that a build comes to them soon. */
export const smallLimits = { processes: 256, memory_bytes: 1024 ** 3, log_bytes_max: 8 * 1024 ** 2 }

/** A task that nobody has. */
export const free = taskStates.FREE

/** The log of a build on the hub, once it says this. */
export const saying = (task: number, text: string) =>
  Effect.flatMap(System, (system) =>
    system.seen(
      task,
      `its build.log on the hub to say ${JSON.stringify(text)}`,
      Effect.map(system.output(task, "build.log"), (log) => (log.includes(text) ? log : undefined))
    )
  )

/** Lets a waiting build go on, whichever attempt it is by now, until the task has ended. */
export const letEnd = Effect.fnUntraced(function* (builder: Builder, task: number) {
  const system = yield* System
  return yield* Effect.raceFirst(
    system.ended(task),
    Effect.forever(Effect.andThen(builder.touch(task, "go"), Effect.sleep("200 millis")))
  )
})
