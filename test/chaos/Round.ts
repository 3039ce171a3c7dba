/**
 * One round: a real build by a real daemon on a real engine, a disaster in the middle of it, and what must be so in the
 * end: the task ended once, with the results of an undisturbed build; its logs are whole; nothing is left.
 */
import { execFile } from "node:child_process"
import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { taskPath } from "../../src/koji/Paths.ts"
import type { Builder } from "../e2e/builder.ts"
import { behaving } from "../e2e/packages.ts"
import { System } from "../e2e/system.ts"
import { until } from "../e2e/until.ts"
import { callEngine, engineSocket } from "../engines.ts"
import { type Disaster, disasterText } from "./Disasters.ts"

const execute = promisify(execFile)
const project = join(import.meta.dirname, "../..")

/** What a build came to. */
export interface Outcome {
  readonly millis: number
  readonly state: string
  readonly attempts: number
  /** The events of the last attempt. */
  readonly events: ReadonlyArray<AttemptEvent>
  /** Digests of what is in the packages, by name. */
  readonly packages: Readonly<Record<string, string>>
  readonly buildLog: string
}

export interface Verdict {
  readonly disaster: string
  readonly outcome: Outcome
  readonly logs: "whole" | "step repeated" | "differ"
  readonly problems: ReadonlyArray<string>
}

/** A package that takes its time. */
export const storm = (directory: string) =>
  behaving(
    directory,
    "storm",
    'count=0\nwhile [ "$count" -lt 60 ]; do count=$((count + 1)); echo "line $count"; sleep 0.05; done',
    ["make"]
  )

const disturbed = Effect.fnUntraced(function* (
  builder: Builder,
  disaster: Disaster | undefined,
  begin: Effect.Effect<number>
) {
  const system = yield* System
  const failpoint = disaster?.what === "daemon killed at failpoint" ? disaster.failpoint : undefined
  const daemon = yield* failpoint === undefined ? builder.start : builder.startTill(failpoint)
  yield* daemon.hasSaid("takes")
  const task = yield* begin
  if (disaster === undefined) return { task, daemon }
  const pause = Effect.sleep(`${disaster.awayMillis} millis`)
  switch (disaster.what) {
    case "daemon killed at failpoint": {
      // One that is not reached, because the task ends before, has not killed it.
      const over = yield* Effect.raceFirst(Effect.as(daemon.exit, false), Effect.as(system.ended(task), true))
      if (over) return { task, daemon }
      yield* pause
      return { task, daemon: yield* builder.start }
    }
    case "daemon killed":
    case "daemon hands over":
      yield* Effect.sleep(`${disaster.atMillis} millis`)
      yield* daemon.signal(disaster.what === "daemon killed" ? "SIGKILL" : "SIGUSR2")
      yield* daemon.exit
      yield* pause
      return { task, daemon: yield* builder.start }
    case "engine killed":
      yield* Effect.sleep(`${disaster.atMillis} millis`)
      yield* killEngine(system.engine)
      yield* pause
      yield* Effect.promise(() => execute(join(project, "scripts/engine"), ["start", system.engine]))
      return { task, daemon }
    case "hub stopped": {
      yield* Effect.sleep(`${disaster.atMillis} millis`)
      yield* system.disturb(() => ({ _tag: "Status", status: 503 }))
      yield* pause
      yield* system.disturb(() => ({ _tag: "None" }))
      return { task, daemon }
    }
  }
})

/** SIGKILL, to the process that listens on the engine's socket. */
const killEngine = (engine: string) =>
  Effect.promise(async () => {
    const pid = Number(await readFile(`/run/koji-adjutant/${engine}.pid`, "utf8").catch(() => ""))
    if (!Number.isSafeInteger(pid) || pid < 2) throw new Error(`${engine} was not started by scripts/engine`)
    process.kill(pid, "SIGKILL")
  })

/** Builds once, with this disaster in it; waits until the builder has nothing to do, and stops its daemon. */
export const build = Effect.fnUntraced(function* (builder: Builder, source: string, disaster?: Disaster) {
  const system = yield* System
  const start = Date.now()
  const { task, daemon, millis } = yield* Effect.scoped(
    Effect.gen(function* () {
      const { task, daemon } = yield* disturbed(builder, disaster, system.buildArch(source, builder.name))
      yield* system.ended(task)
      yield* until(
        `the journal of task ${task} to end`,
        daemon.said,
        Effect.map(builder.events(task), (all) => (all.at(-1)?._tag === "Concluded" ? true : undefined))
      )
      const millis = Date.now() - start
      yield* daemon.signal("SIGTERM")
      yield* daemon.exit
      return { task, daemon, millis }
    })
  )
  const { state } = yield* system.ended(task)
  const directory = join(system.topdir, "work", taskPath(task))
  const packages: Record<string, string> = {}
  for (const name of yield* system.files(task)) {
    if (name.endsWith(".rpm")) packages[name] = yield* contentOf(join(directory, name))
  }
  return {
    task,
    said: daemon.said(),
    outcome: {
      ...{ millis, state, packages, attempts: yield* builder.attempts(task) },
      events: yield* builder.events(task),
      buildLog: plain(yield* system.output(task, "build.log"))
    } satisfies Outcome
  }
})

const digestOf = (path: string) =>
  Effect.promise(async () =>
    createHash("sha256")
      .update(await readFile(path))
      .digest("hex")
  )

/** Everything of a package but the times. */
const contentOf = (path: string) =>
  Effect.promise(async () => {
    const files = "[%{FILENAMES} %{FILEDIGESTS} %{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILELINKTOS}\\n]"
    const format = `%{NEVRA}\\n${files}[%{REQUIRENEVRS}\\n][%{PROVIDENEVRS}\\n]`
    const { stdout } = await execute("rpm", ["-qp", "--queryformat", format, path])
    return createHash("sha256").update(stdout).digest("hex")
  })

/** Without what differs from build to build whatever befalls it. */
const plain = (log: string): string => log.replaceAll(/rpm-tmp\.\w+/g, "rpm-tmp")

/** What is wrong, in the end, with a build that was to come to the same as the undisturbed one. */
export const judge = Effect.fnUntraced(function* (
  builder: Builder,
  disaster: Disaster,
  built: Effect.Success<ReturnType<typeof build>>,
  undisturbed: Outcome
) {
  const system = yield* System
  const { outcome, task } = built
  const problems: Array<string> = []
  if (outcome.state !== "CLOSED") problems.push(`the task is ${outcome.state}`)
  if (JSON.stringify(outcome.packages) !== JSON.stringify(undisturbed.packages)) {
    problems.push(`other packages: ${JSON.stringify(outcome.packages)}`)
  }
  const runs = outcome.events.filter((event) => event._tag === "ContainerIntended" && event.step.startsWith("build/"))
  const same = outcome.buildLog === undisturbed.buildLog
  const repeated = new Set(runs.map((event) => ("container" in event ? event.container : ""))).size < runs.length
  const logs = same ? "whole" : repeated || outcome.attempts > 1 ? "step repeated" : "differ"
  if (logs === "differ") problems.push("build.log differs")
  for (const event of outcome.events) {
    if (event._tag !== "FileUploaded") continue
    const later = outcome.events.findLast((other) => other._tag === "FileUploaded" && other.name === event.name)
    if (later !== event) continue
    const found = yield* digestOf(join(system.topdir, "work", taskPath(task), event.name))
    if (found !== event.sha256) problems.push(`${event.name} at the hub is not what was uploaded`)
  }
  for (const { name } of yield* builder.containers()) problems.push(`container ${name} is left`)
  for (const name of yield* builder.workspaces) problems.push(`directory ${name} is left`)
  problems.push(...(yield* builder.problems))
  problems.push(...(yield* leftovers(builder)))
  return { disaster: disasterText(disaster), outcome, logs, problems } satisfies Verdict
})

/** What `adjutant reap` would remove, and volumes, which nothing of ours has. */
const leftovers = Effect.fnUntraced(function* ({ configFile }: Builder) {
  const { engine } = yield* System
  const args = [join(project, "src/main.ts"), "reap", "--dry-run", "--json", "--config", configFile]
  const { stdout } = yield* Effect.promise(() => execute(process.execPath, args))
  const { reaped = [], left = [] } = Object(JSON.parse(stdout))
  const { text } = yield* Effect.promise(() => callEngine(engineSocket(engine), "GET", "/volumes"))
  const volumes: unknown = Object(JSON.parse(text)).Volumes ?? []
  return [
    ...[reaped].flat().map((thing) => `${Object(thing).kind} ${Object(thing).name} is left`),
    ...[left].flat().map((name) => `container ${name} is left to nobody`),
    ...[volumes].flat().map((volume) => `volume ${Object(volume).Name} is left`)
  ]
})
