/**
 * A whole Koji for one benchmark: the embedded hub and the daemon as they are installed (the bundle), each a process of
 * its own, in a directory that is gone afterwards, as are the images that the daemon has made.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { createWriteStream, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { TaskId } from "../../src/core/Ids.ts"
import { label } from "../../src/engine/Labels.ts"
import { engine, engineCli, socketPath } from "./Figures.ts"
import { type AttemptRecord, recordOf } from "./Record.ts"

const project = join(import.meta.dirname, "../..")
const packages = process.env["ADJUTANT_DEMO_RPMS"] ?? ""
const sources = process.env["ADJUTANT_BENCH_SRPMS"] ?? ""
/** The source packages of `spec/`. */
export const trivial = join(sources, "trivial-1.0-1.src.rpm")
export const minute = join(sources, "minute-2.10-1.src.rpm")
export const ticking = join(sources, "ticking-1.0-1.src.rpm")

/** How long a process may take until it is ready. */
const readySeconds = 60

/** An empty directory for as long as the scope lives. */
export const temporary = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(process.env["ADJUTANT_BENCH_DIR"] ?? tmpdir(), "adjutant-bench-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

/** Runs a command to its end and gives what it wrote to stdout. */
export const run = (program: string, args: ReadonlyArray<string>) =>
  Effect.callback<string>((resume) => {
    const child = spawn(program, args, { cwd: project, stdio: ["ignore", "pipe", "pipe"] })
    const [out, err]: [Array<string>, Array<string>] = [[], []]
    child.stdout.on("data", (bytes) => out.push(String(bytes)))
    child.stderr.on("data", (bytes) => err.push(String(bytes)))
    child.on("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(out.join(""))
          : Effect.die(new Error(`${program} ${args.join(" ")} left with ${code}: ${err.join("")}${out.join("")}`))
      )
    )
    return Effect.sync(() => child.kill())
  })

/** The one file that is installed on a builder, made of the sources as they are now. */
export const bundle = Effect.gen(function* () {
  const file = join(yield* temporary, "adjutant.mjs")
  yield* run(process.execPath, [join(project, "scripts/bundle.ts"), file])
  return file
})

/** A process that runs until the scope closes; returns once `ready` finds what it looks for in the output. */
const running = (args: ReadonlyArray<string>, log: string, ready: RegExp) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly child: ChildProcess; readonly output: string }>((resume) => {
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] })
      const file = createWriteStream(log)
      let output = ""
      const failed = (why: string) => resume(Effect.die(new Error(`${args.join(" ")} ${why}: ${output}`)))
      const timer = setTimeout(() => failed("was not ready in time"), 1000 * readySeconds)
      for (const stream of [child.stdout, child.stderr]) {
        stream.pipe(file, { end: false })
        stream.on("data", (bytes) => {
          if (ready.test(output)) return
          output += String(bytes)
          if (!ready.test(output)) return
          clearTimeout(timer)
          resume(Effect.succeed({ child, output }))
        })
      }
      child.on("close", (code) => failed(`left with ${code}`))
    }),
    ({ child }) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.on("close", () => resume(Effect.void))
        child.kill()
      })
  )

const HubAnswer = Schema.fromJsonString(
  Schema.Struct({
    url: Schema.String,
    demonstration: Schema.Struct({ passwordFile: Schema.String, target: Schema.String, builderConfig: Schema.String })
  })
)

export interface Hub {
  readonly adjutant: string
  readonly directory: string
  readonly url: string
  readonly passwordFile: string
  readonly target: string
  /** The `[kojid]` section of a builder of this hub. */
  readonly builder: string
}

/** A hub with the demonstration's packages. */
export const hub = Effect.gen(function* () {
  const adjutant = yield* bundle
  const directory = yield* temporary
  const args = ["hub", "--topdir", join(directory, "top"), "--port", "0", "--demo-rpms", packages, "--json"]
  const { output } = yield* running([adjutant, ...args], join(directory, "hub.log"), /filesUrl.*\n/)
  const { url, demonstration } = yield* Schema.decodeEffect(HubAnswer)(output).pipe(Effect.orDie)
  const { passwordFile, target, builderConfig } = demonstration
  const builder = readFileSync(builderConfig, "utf8")
  return { adjutant, directory, url, passwordFile, target, builder } satisfies Hub
})

export interface Daemon {
  readonly pid: number
  readonly state: string
}

export interface Place {
  readonly directory: string
  readonly state: string
  /** The file with everything that a daemon is told. */
  readonly config: string
}

/** Where a daemon that has made nothing yet will be; `configuration` is the whole of its `[kojid]` section. */
export const place = Effect.fnUntraced(function* (configuration: string) {
  const directory = yield* temporary
  const state = join(directory, "state")
  mkdirSync(state, { mode: 0o700 })
  const own = {
    engine,
    engine_socket: socketPath,
    state_dir: state,
    log_dir: join(directory, "log"),
    log_format: "text",
    // A busy machine makes a benchmark slow, not impossible.
    load_average_max: "1000"
  }
  const lines = Object.entries(own).map(([name, value]) => `${name} = ${value}\n`)
  const config = join(directory, "kojid.conf")
  writeFileSync(config, `${configuration}\n[adjutant]\n${lines.join("")}`, { mode: 0o600 })
  yield* Effect.addFinalizer(() => Effect.sync(() => removeImages(state)))
  return { directory, state, config } satisfies Place
})

/** A daemon of this place, from its first look at the hub on. */
export const daemonAt = Effect.fnUntraced(function* (hub: Hub, { directory, state, config }: Place) {
  const args = [hub.adjutant, "daemon", "--config", config, "--force-lock"]
  const { child } = yield* running(args, join(directory, "daemon.log"), /status: ready/)
  return { pid: child.pid ?? 0, state } satisfies Daemon
})

/** One that has made nothing yet. */
export const daemon = (hub: Hub, configuration: string) =>
  Effect.flatMap(place(configuration), (where) => daemonAt(hub, where))

const removeImages = (state: string): void => {
  const file = join(state, "instance")
  if (!existsSync(file)) return
  const instance = readFileSync(file, "utf8").trim()
  const listed = engineCli("images", "--quiet", "--filter", `label=${label.instance}=${instance}`)
  const images = [...new Set(listed.split("\n").filter((id) => id !== ""))]
  if (images.length > 0) engineCli("rmi", "--force", ...images)
}

const Report = Schema.fromJsonString(
  Schema.Struct({ tasks: Schema.Array(Schema.Struct({ id: TaskId, method: Schema.String })) })
)

/** Has the hub build a source package, keeping nothing; returns when that is done, with its tasks. */
export const submit = Effect.fnUntraced(function* (hub: Hub, srpm: string) {
  const login = ["--server", hub.url, "--user", "demo", "--password-file", hub.passwordFile]
  const what = ["--target", hub.target, "--scratch", "--poll", "1", "--json", srpm]
  const said = yield* run(process.execPath, [hub.adjutant, "build", ...login, ...what])
  return (yield* Schema.decodeEffect(Report)(said).pipe(Effect.orDie)).tasks
})

/** The same; gives what the daemon recorded, by the tasks' methods. */
export const build = Effect.fnUntraced(function* (hub: Hub, { state }: Pick<Daemon, "state">, srpm: string) {
  const tasks = yield* submit(hub, srpm)
  const records = yield* Effect.forEach(tasks, ({ id }) => recordOf(state, id))
  return (method: string): AttemptRecord => {
    const record = records.find(({ timeline }) => timeline.method === method)
    if (record === undefined) throw new Error(`the build had no task ${method}`)
    return record
  }
})
