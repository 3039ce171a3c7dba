/** A recorded build on a machine of its own: the record is a real daemon's, the engine is in memory, the programs are the model's. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert } from "@effect/vitest"
import { Effect, type Schema } from "effect"
import { FetchHttpClient, type HttpClient } from "effect/http"
import type { AttemptEvent, StepValue } from "../../src/core/AttemptEvent.ts"
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { type Engine, EngineError } from "../../src/engine/Engine.ts"
import { label } from "../../src/engine/Labels.ts"
import { layerMemory, MemoryEngine, type MemoryProgram } from "../../src/engine/MemoryEngine.ts"
import { ValueMissing } from "../../src/journal/ReplayDoor.ts"
import { taskType } from "../../src/tasks/Registry.ts"
import { type RecordedBuild, recordedBuild } from "../../src/workshop/RecordedBuild.ts"
import type { RerunReport, RerunRequest } from "../../src/workshop/Rerun.ts"
import { placesInTree } from "../../src/workshop/SourceSearch.ts"
import { builderSettings } from "../buildroot/settings.ts"
import { toolsImage } from "../model/Daemon.ts"
import { tag } from "../model/HubTemplate.ts"
import type { Recipe } from "../model/Packages.ts"
import { programOf, Recipes } from "../model/Programs.ts"
import { ofArch, repo } from "../tasks/building.ts"
import { type Plot, tell } from "../tasks/telling.ts"

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()

/** The story of one build, told once: its events, and the hub's tree as it was then. */
const record = async (method: Method, recipe: Recipe, directory: string) => {
  const after: Plot["after"] = ({ hub }) =>
    cpSync(hub.top, join(directory, "top"), { recursive: true, verbatimSymlinks: true })
  const before: Plot["before"] = (world) => [world.source(recipe), tag.build, repo]
  const { history } =
    method === "buildArch" ? await ofArch(recipe, { after }) : await tell(method, [], { after, before })
  return recordOf(history)
}
type Method = "buildArch" | "rebuildSRPM"

const recordOf = (history: ReadonlyArray<AttemptEvent>): RecordedBuild => {
  const reading = recordedBuild()
  for (const event of history) reading.add(event, 0)
  return reading.found(value) ?? assert.fail("there is no beginning")
}

const value = (value: StepValue): Effect.Effect<Schema.Json, ValueMissing> =>
  value._tag === "Inline"
    ? Effect.succeed(value.value)
    : Effect.fail(new ValueMissing({ digest: value.digest, bytes: value.bytes, message: "not here" }))

export const away = (subject: string) =>
  new EngineError({ operation: "run", subject, reason: "unreachable", message: "nothing answers" })

interface Scene {
  readonly directory: string
  readonly recorded: RecordedBuild
  readonly request: RerunRequest
  /** What was run, by place, and what was said. */
  readonly ran: Array<string>
  readonly said: Array<string>
  /** What the engine was asked for. */
  readonly asked: Map<string, ContainerSpec>
}

/** Nobody waits for a model. */
const atOnce = ({ output, afterMillis, ...rest }: MemoryProgram): MemoryProgram => ({
  ...rest,
  ...(afterMillis === "never" ? { afterMillis } : {}),
  output: output.map(({ afterMillis: _, ...chunk }) => chunk)
})

/** Builds `then` on record, and sets the scene for a machine on which the sources build as `now` says. */
export const inScene = (
  then: Recipe,
  now: Recipe,
  play: (scene: Scene) => Effect.Effect<void, unknown, Engine | MemoryEngine | HttpClient.HttpClient>,
  method: Method = "buildArch"
) =>
  Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-rerun-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const recorded = yield* Effect.promise(() => record(method, then, directory))
    const top = join(directory, "top")
    const [ran, said]: [Array<string>, Array<string>] = [[], []]
    const asked = new Map<string, ContainerSpec>()
    const recipes = new Recipes([now])
    const keep = join(directory, "kept")
    mkdirSync(keep)
    const scene: Scene = {
      ...{ directory, recorded, ran, said, asked },
      request: {
        type: taskType(method) ?? assert.fail(),
        recorded,
        below: join(directory, "reruns"),
        local: builderSettings({ directory, instance: "", image: toolsImage, bootId }, {}),
        serverca: null,
        stateDirectory: null,
        tree: top,
        placesOf: (relative) => placesInTree(top, relative),
        against: join(top, "work/tasks", `${recorded.accepted.task}`, `${recorded.accepted.task}`),
        until: null,
        keep,
        tell: (progress) =>
          Effect.sync(() => {
            if (progress._tag === "Began") ran.push(progress.place)
            if (progress._tag === "Source") said.push(`source ${progress.place}`)
            if (progress._tag === "Remark") said.push(progress.text)
            if (progress._tag === "Output") said.push(progress.text)
          })
      }
    }
    const engine = layerMemory({
      bootId,
      images: [{ reference: toolsImage }],
      program: (spec, root) => {
        asked.set(spec.labels[label.step] ?? "", spec)
        return atOnce(programOf(spec, root, recipes))
      }
    })
    yield* play(scene).pipe(Effect.andThen(nothingLeft(scene)), Effect.provide([engine, FetchHttpClient.layer]))
  }).pipe(Effect.scoped)

/** Of what was made for it nothing is left: no container, no image, no directory. */
const nothingLeft = ({ directory }: Scene) =>
  Effect.gen(function* () {
    const engine = yield* MemoryEngine
    assert.deepStrictEqual(yield* engine.containers, [])
    assert.deepStrictEqual(
      (yield* engine.images).map(({ references }) => references[0]),
      [toolsImage]
    )
    const left = readdirSync(join(directory, "reruns")).filter((name) => !name.startsWith("lock"))
    assert.deepStrictEqual(left, [])
  })

export const verdicts = ({ files }: RerunReport) => files.map(({ name, verdict }) => `${name}: ${verdict._tag}`)

export const everything = [
  ...["init/populate", "init/check", "build/1", "install/1/resolve", "install/1/install", "build/2"]
]
