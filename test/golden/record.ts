/**
 * Records the golden journals of this version: `node test/golden/record.ts DIRECTORY [NAME...]` writes one file for each
 * story, with what it adds up to beside it.
 *
 * Done once for each version of the schema, by hand, and never again for an older one: what old programs wrote must be
 * read for ever. A kind of task that is new since is recorded by its name. A story is a task of one kind that ends in one way, in the model of hub, engine and machine.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { argv } from "node:process"
import { Effect } from "effect"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Value } from "../../src/hub/Value.ts"
import type { DaemonChoices, ModelDaemon } from "../model/Daemon.ts"
import { tag } from "../model/HubTemplate.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World } from "../model/World.ts"
import { read } from "./reading.ts"

interface Plot {
  readonly method: string
  readonly params: (world: World) => ReadonlyArray<Value>
  readonly making?: { readonly arch: string }
  readonly daemon?: Partial<DaemonChoices>
  /** What happens while it runs. */
  readonly meanwhile?: (world: World, daemon: ModelDaemon, task: number) => Effect.Effect<void>
}

const hello: Recipe = { name: "hello", requires: ["make", "zlib-devel >= 1"] }
const buildArch = (recipe: Recipe, more: Partial<Plot> = {}): Plot => ({
  method: "buildArch",
  params: (world) => [world.source(recipe), tag.build, "x86_64", true, { repo_id: 1 }],
  making: { arch: "x86_64" },
  ...more
})
const hung: Recipe = { name: "hello", end: "never" }
const building = (world: World) => world.until(() => world.isRunning("build/1"))

const plots: Readonly<Record<string, Plot>> = {
  "build.closed": { method: "build", params: (world) => [world.source(hello), tag.target, {}] },
  "build.failed": { method: "build", params: () => ["nowhere/none-1-1.src.rpm", tag.target, {}] },
  "buildArch.closed": buildArch(hello),
  "buildArch.failed": buildArch({ ...hello, end: { exit: 1 } }),
  "buildArch.refused": buildArch(hello, { daemon: { settings: { toolsImage: "localhost/none:1" } } }),
  "buildArch.canceled": buildArch(hung, {
    meanwhile: (world, _, task) =>
      Effect.andThen(
        building(world),
        Effect.sync(() => void world.hub.admin("cancelTask", [task]))
      )
  }),
  "buildArch.lost": buildArch(hung, {
    meanwhile: (world, daemon, task) =>
      Effect.andThen(
        building(world),
        Effect.sync(() => {
          // Or the hub would give it to us again.
          world.hub.admin("disableHost", [daemon.name])
          world.hub.admin("freeTask", [task])
        })
      )
  }),
  "buildArch.freed": buildArch(hung, {
    meanwhile: (world, daemon) => Effect.andThen(building(world), daemon.terminate)
  }),
  "buildArch.resumed": buildArch(
    { name: "hello", lines: ["one", "two", "three", "four"], lineMillis: 20_000 },
    {
      meanwhile: (world, daemon) =>
        Effect.gen(function* () {
          yield* building(world)
          yield* daemon.handOver
          yield* world.until(() => !daemon.running)
          yield* daemon.start
        })
    }
  ),
  "rebuildSRPM.closed": {
    method: "rebuildSRPM",
    params: (world) => [world.source(hello), tag.build, { repo_id: 1 }]
  },
  "tagBuild.failed": { method: "tagBuild", params: () => [tag.build, "none-1-1", false, null, true] },
  "waitrepo.closed": { method: "waitrepo", params: () => [tag.build, null, [], null] },
  "newRepo.closed": { method: "newRepo", params: () => [tag.build] },
  "tagNotification.closed": {
    method: "tagNotification",
    params: () => [["packager@example.org"], true, tag.build, tag.destination, "zlib-1.0-1", 1]
  },
  "buildNotification.closed": {
    method: "buildNotification",
    params: ({ hub }) => {
      // Of a task that nobody here runs.
      const task_id = hub.makeTask("distRepo", [tag.build, 1, [], {}])
      const build = hub.admin("getBuild", ["zlib-1.0-1"])
      return [
        ["packager@example.org"],
        { ...(isStruct(build) ? build : {}), task_id },
        null,
        "https://koji.example.org"
      ]
    }
  },
  "sleep.closed": { method: "sleep", params: () => [5] },
  "fork.closed": { method: "fork", params: () => [2, 60] },
  "subtask.closed": { method: "subtask", params: () => [0] },
  "waittest.closed": { method: "waittest", params: () => [1, 2] },
  "someMethod.closed": { method: "someMethod", params: () => ["given"] },
  "default.failed": { method: "default", params: () => ["given"] },
  "dependantTask.closed": {
    method: "dependantTask",
    params: () => [
      [4711],
      [
        ["sleep", [1]],
        ["sleep", [1]]
      ]
    ]
  },
  "restart.closed": { method: "restart", params: ({ hub }) => [hub.admin("getHost", ["builder1"])] },
  "restartVerify.failed": { method: "restartVerify", params: ({ hub }) => [4711, hub.admin("getHost", ["builder1"])] },
  // It gives itself back so that this host may restart.
  "restartHosts.freed": { method: "restartHosts", params: () => [] },
  "shutdown.freed": { method: "shutdown", params: () => [] }
}

const ended = new Set(["CLOSED", "FAILED", "CANCELED", "FREE"])

const record = (directory: string, name: string, plot: Plot) =>
  story((world) =>
    Effect.gen(function* () {
      const files: Array<string> = []
      const daemon = yield* world.daemon(plot.daemon)
      const task = world.hub.makeTask(plot.method, plot.params(world), plot.making ?? {})
      yield* daemon.start
      yield* world.until(() => world.hub.calls.some(({ method }) => method === "host.openTask"))
      yield* plot.meanwhile?.(world, daemon, task) ?? Effect.void
      yield* world.until(() => ended.has(world.hub.state(task) ?? "") || !daemon.running)
      yield* world.until(() => !daemon.isWorking(task))
      for (const id of new Set((yield* daemon.attempts).map((attempt) => Number(attempt.task)))) {
        const { method } = world.hub.task(id)
        const file = id === task ? name : `${method}.child-of-${name}`
        const bytes = yield* daemon.disk.disk.read(`/tasks/${id}/1.jsonl`, 1 << 26).pipe(Effect.orDie)
        writeFileSync(`${directory}/${file}.jsonl`, bytes)
        files.push(`${directory}/${file}`)
      }
      yield* daemon.terminate
      return files
    })
  )

const [, , directory = "", ...names] = argv
mkdirSync(directory, { recursive: true })
for (const [name, plot] of Object.entries(plots)) {
  if (names.length > 0 && !names.includes(name)) continue
  for (const file of await record(directory, name, plot)) {
    const { state } = await Effect.runPromise(read(`${file}.jsonl`))
    writeFileSync(`${file}.state.json`, `${JSON.stringify(state, null, 1)}\n`)
  }
}
