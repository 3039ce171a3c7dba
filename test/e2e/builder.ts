/** A build host of the hub: its configuration, its directories, its daemon whenever it runs, and what is left of it. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, Layer, type Scope } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import * as DockerEngine from "../../src/engine/DockerEngine.ts"
import { type ContainerSummary, Engine } from "../../src/engine/Engine.ts"
import { label, ownerLabels } from "../../src/engine/Labels.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { scanJournal } from "../../src/inspect/ScanJournal.ts"
import { verify } from "../../src/inspect/Verify.ts"
import type { EngineName } from "../engines.ts"
import { type DaemonProcess, startDaemon } from "./daemonProcess.ts"
import { until } from "./until.ts"

type Options = Readonly<Record<string, string | number>>

export interface BuilderPlan {
  readonly name: string
  readonly engine: EngineName
  /** The engine's own socket, whatever the daemon is told. */
  readonly socket: string
  readonly directory: string
  readonly topdir: string
  readonly kojid: Options
  readonly adjutant?: Options
  readonly stateDirectory?: string
}

export interface Builder {
  readonly name: string
  readonly configFile: string
  readonly stateDirectory: string
  readonly logDirectory: string
  /** Starts its daemon, for as long as the scope lives. */
  readonly start: Effect.Effect<DaemonProcess, never, Scope.Scope>
  /** Starts it, to be killed at this failpoint. */
  startTill(failpoint: string): Effect.Effect<DaemonProcess, never, Scope.Scope>
  /** How many attempts of a task it has recorded. */
  attempts(task: number): Effect.Effect<number>
  /** What the newest attempt's journal holds, or that of the one given. */
  events(task: number, attempt?: number): Effect.Effect<ReadonlyArray<AttemptEvent>>
  /** Containers of it that are on the engine: all, or those of a task. */
  containers(task?: number): Effect.Effect<ReadonlyArray<ContainerSummary>>
  /** Makes a file in `/builddir` of whatever attempt of the task is waiting here, once for each. */
  touch(task: number, name: string): Effect.Effect<void>
  /** Directories of attempts that have not been removed. */
  readonly workspaces: Effect.Effect<ReadonlyArray<string>>
  /** What is wrong with its journals, one line a journal. */
  readonly problems: Effect.Effect<ReadonlyArray<string>>
}

const section = (name: string, options: Options) => [
  `[${name}]`,
  ...Object.entries(options).map(([option, value]) => `${option} = ${value}`),
  ""
]

export const makeBuilder = Effect.fnUntraced(function* (plan: BuilderPlan) {
  const home = join(plan.directory, plan.name)
  const stateDirectory = plan.stateDirectory ?? join(home, "state")
  const logDirectory = join(home, "log")
  const configFile = join(home, "kojid.conf")
  yield* Effect.promise(async () => {
    await mkdir(home, { recursive: true })
    const text = [
      ...section("kojid", {
        ...{ user: plan.name, topdir: plan.topdir, sleeptime: 1, maxjobs: 100, retry_interval: 1, minspace: 100 },
        ...plan.kojid
      }),
      ...section("adjutant", {
        ...{ engine: plan.engine, engine_socket: plan.socket, log_format: "text" },
        // A machine that is busy with other tests is no reason to stand idle.
        ...{ state_dir: stateDirectory, log_dir: logDirectory, load_average_max: 4096, ...plan.adjutant }
      })
    ]
    await writeFile(configFile, text.join("\n"), { mode: 0o600 })
  })

  const engine = yield* Layer.build(DockerEngine.layer({ socketPath: plan.socket }))
  const instance = Effect.promise(() =>
    readFile(join(stateDirectory, "instance"), "utf8").then(
      (text) => text.trim(),
      () => undefined
    )
  )
  yield* Effect.addFinalizer(() => Effect.flatMap(instance, (id) => (id === undefined ? Effect.void : cleared(id))))
  /** Images are made of each other: the last comes first, and once more round until none is left. */
  const cleared = (id: string) =>
    Effect.gen(function* () {
      const { list, remove, listImages, removeImage } = yield* Engine
      for (const { name } of yield* list(ownerLabels(id))) yield* remove(name)
      for (let round = 0; round < imageRounds; round++) {
        const images = yield* listImages({ [label.instance]: id })
        for (const image of images) yield* Effect.ignore(removeImage(image.references[0] ?? image.id))
        if (images.length === 0) return
      }
    }).pipe(Effect.provide(engine), Effect.ignore)

  const tasks = join(stateDirectory, "tasks")
  const work = join(stateDirectory, "work")
  const touched = new Set<string>()
  const attempts = (task: number) =>
    Effect.promise(() =>
      readdir(join(tasks, String(task))).then(
        (names) => names.filter((name) => name.endsWith(".jsonl")).length,
        () => 0
      )
    )
  return {
    ...{ name: plan.name, configFile, stateDirectory, logDirectory, attempts },
    start: startDaemon(configFile),
    startTill: (failpoint) => startDaemon(configFile, failpoint),
    events: (task, attempt) =>
      Effect.gen(function* () {
        const number = attempt ?? (yield* attempts(task))
        const events: Array<AttemptEvent> = []
        const file = join(tasks, String(task), `${number}.jsonl`)
        yield* Effect.ignore(scanJournal(fileSource(file), { attempt: (event) => events.push(event) }))
        return events
      }),
    containers: (task) =>
      Effect.gen(function* () {
        const id = yield* instance
        if (id === undefined) return []
        const { list } = yield* Engine
        return yield* list({ ...ownerLabels(id), ...(task === undefined ? {} : { [label.taskId]: String(task) }) })
      }).pipe(Effect.provide(engine), Effect.orDie),
    touch: (task, name) =>
      Effect.promise(async () => {
        for (const attempt of await readdir(work).catch(() => [])) {
          if (!attempt.startsWith(`${task}-`) || touched.has(`${attempt} ${name}`)) continue
          // Before that its directory is not its own yet; after that it may end, and be removed, at any moment.
          const log = await readFile(join(work, attempt, "logs/build.log"), "utf8").catch(() => "")
          if (!log.includes("\nwaiting\n")) continue
          touched.add(`${attempt} ${name}`)
          await writeFile(join(work, attempt, "builddir", name), "")
        }
      }),
    workspaces: Effect.promise(() => readdir(work).catch(() => [])),
    problems: Effect.gen(function* () {
      const names = yield* Effect.promise(() => readdir(tasks, { recursive: true }).catch(() => []))
      const files = names.filter((name) => name.endsWith(".jsonl")).map((name) => join(tasks, name))
      const found: Array<string> = []
      for (const file of [...files, join(stateDirectory, "daemon.jsonl")]) {
        const verdict = yield* Effect.orDie(verify(fileSource(file)))
        if (verdict.problem !== null) found.push(`${file}:${verdict.problem.line}: ${verdict.problem.message}`)
      }
      return found
    })
  } satisfies Builder
})

const imageRounds = 5

/** The task has ended here, and nothing is left of it but its journal, whose events these are. */
export const isOver = Effect.fnUntraced(function* (builder: Builder, task: number, how: string) {
  // The hub hears of the end a moment before the journal does.
  const events = yield* until(
    `the journal of task ${task} to end`,
    () => "",
    Effect.map(builder.events(task), (all) => (all.at(-1)?._tag === "Concluded" ? all : undefined))
  )
  const last = events.at(-1)
  assert.strictEqual(last?._tag === "Concluded" ? last.how : "", how)
  assert.deepStrictEqual(yield* builder.containers(task), [])
  // What the attempt had on disk goes once its journal has ended.
  yield* until(
    `the directory of task ${task} to go`,
    () => "",
    Effect.map(builder.workspaces, (names) => !names.some((name) => name.startsWith(`${task}-`)) || undefined)
  )
  return events
})
