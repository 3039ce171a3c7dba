/** `build` and `buildArch` tasks, and children of theirs that another builder takes, as a story tells it. */
import { Effect } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { encodeAnswer } from "../../src/hub/XmlRpcEncoder.ts"
import { rpmName } from "../hubsim/RpmFile.ts"
import { tag } from "../model/HubTemplate.ts"
import { builtFor, bytesOf, type Recipe, sourceName, sourceOf } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { type Plot, tell } from "./telling.ts"

export const hello: Recipe = { name: "hello", requires: ["make", "zlib-devel >= 1"] }
export type Options = Readonly<Record<string, Value>>

export const building = (recipe: Recipe, options: Options = {}, plot: Plot = {}) =>
  tell("build", [], { before: (world) => [world.source(recipe), tag.target, options], ...plot })

/** A host that runs the parent alone: what becomes of its children is the story's. */
export const alone: NonNullable<Plot["daemon"]> = { options: { maxJobs: 1 } }

/** The second builder takes the child of this label, and ends it so. */
export const child = (world: World, task: number, label: string, end: (id: number) => void) =>
  Effect.gen(function* () {
    const { hub } = world
    const found = () => hub.children(task).find((row) => row["label"] === label)
    yield* world.until(() => found() !== undefined)
    hub.puppet("host.updateHost", [0, true], { data: { maxjobs: 10 } })
    yield* world.until(() => {
      hub.puppet("host.getTasks")
      return hub.state(Number(found()?.["id"])) === "ASSIGNED"
    })
    const id = Number(found()?.["id"])
    hub.puppet("host.openTask", [id])
    end(id)
  })

export const closes = ({ hub }: World, id: number, value: Value) =>
  hub.puppet("host.closeTask", [id, encodeAnswer({ _tag: "Success", value })])
export const fails = ({ hub }: World, id: number, code: number, message: string) =>
  hub.puppet("host.failTask", [id, encodeAnswer({ _tag: "Fault", code, message })])

/** What a buildArch child uploads and returns. */
export const built = (world: World, id: number, arch: string, keep: boolean, recipe = hello): Value => {
  const { hub } = world
  const at = (name: string, bytes: Uint8Array | string) => hub.place(`tasks/${id}/${id}/${name}`, bytes)
  const root = Number(hub.puppet("host.newBuildRoot", [1, "x86_64"], { task_id: id }))
  return {
    rpms: builtFor(recipe, arch).map((rpm) => at(rpmName(rpm), bytesOf(rpm))),
    srpms: keep ? [at(sourceName(recipe), bytesOf(sourceOf(recipe, true)))] : [],
    logs: [at("build.log", "it went well\n")],
    brootid: root
  }
}

export const noRebuild: Options = { scratch: true, rebuild_srpm: false }

export const repo = { repo_id: 1 }
export const making = { arch: "x86_64" }

/** The task that builds this source package for x86_64, keeping its source. */
export const ofArch = (recipe: Recipe, plot: Plot = {}) =>
  tell("buildArch", [], { making, before: (world) => [world.source(recipe), tag.build, "x86_64", true, repo], ...plot })

export const hung: Recipe = { name: "hello", end: "never" }
