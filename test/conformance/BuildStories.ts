/** Stories of builds: what phases A, B, C and F to I are about. */
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { type Recipe, sourceFile, sourceName } from "../model/Packages.ts"
import type { World } from "../model/World.ts"
import { building, child, closes, hello, type Options } from "../tasks/building.ts"
import { exits, hangs, type Plot } from "../tasks/telling.ts"
import { look, type Scenario, told } from "./Scenario.ts"

const noarch: Recipe = { ...hello, buildArchs: ["noarch"], packages: [{ name: "hello", arch: "noarch" }] }
const plain: Recipe = { name: "hello" }

/** A build of this package, of which there have been some before: so the hub knows how long they take. */
const usual = (recipe: Recipe, options: Options, plot: Plot = {}, source = (world: World) => world.source(recipe)) =>
  building(recipe, options, {
    ...look,
    before: (world) => {
      world.hub.fateOf = ({ method }) =>
        method === "getAverageBuildDuration"
          ? { _tag: "Says", answer: { _tag: "Success", value: 30.256994 } }
          : { _tag: "Done" }
      return [source(world), tag.target, options]
    },
    ...plot
  })

/** Whoever built it is told of its end, and the mail is out before anybody leaves. */
const noticed = (meanwhile?: Plot["meanwhile"]): Plot => ({
  world: { notifications: true },
  meanwhile: (world, task, daemon) => Effect.andThen(meanwhile?.(world, task, daemon) ?? Effect.void, isMailed(world))
})
const isMailed = (world: World) => {
  const { hub } = world
  const isNotice = (id: number) => hub.task(id)["method"] === "buildNotification"
  return world.until(() => hub.tasks.some((id) => hub.state(id) === "CLOSED" && isNotice(id)))
}

const repository = "git://localhost/hello.git#42ef89bd36e2b02575acbd8fd07a463b61b292cd"

/** The second builder makes the source package, since we do not. */
const fromScm: Plot["meanwhile"] = (world, task) =>
  Effect.andThen(
    child(world, task, "srpm", (id) => {
      const at = (name: string, bytes: Uint8Array | string) => world.hub.place(`tasks/${id}/${id}/${name}`, bytes)
      world.recipes.add(noarch)
      const srpm = at(sourceName(noarch), sourceFile(noarch))
      const logs = [at("build.log", "it went well\n")]
      closes(world, id, { srpm, logs, source: { source: repository, url: repository } })
    }),
    Effect.sync(() => void world.hub.puppet("host.updateHost", [0, false]))
  )

export const buildStories: ReadonlyArray<Scenario> = [
  {
    phase: "A",
    what: "a build for which there is no repository yet, and whose source has no spec file",
    tell: () => {
      const recipe: Recipe = { name: "hello", specs: [] }
      const before = (world: World) => {
        world.hub.admin("repoExpire", [1])
        return [world.source(recipe), tag.target, {}]
      }
      return told(building(recipe, {}, { ...look, before }), "FAILED")
    },
    tasks: { build: "task1", waitrepo: "task2", newRepo: "task3", createrepo: "task4", rebuildSRPM: "task5" },
    daemon: ["main1"]
  },
  {
    phase: "B",
    what: "a build that succeeds",
    tell: () => told(building(noarch, {}, { ...look, ...noticed() }), "CLOSED"),
    tasks: { build: "task6", rebuildSRPM: "task7", buildArch: "task8", tagBuild: "task10", buildNotification: "task9" },
    daemon: ["main2"]
  },
  {
    phase: "C",
    what: "a build from a repository of sources, of which another builder makes the source package",
    tell: () =>
      told(
        usual(noarch, {}, noticed(fromScm), () => repository),
        "CLOSED"
      ),
    tasks: { build: "task11", buildArch: "task13", tagBuild: "task15", buildNotification: "task14" },
    daemon: ["main2"]
  },
  {
    phase: "F",
    what: "a build that fails",
    tell: () => told(usual({ ...plain, end: { exit: 1 } }, {}, noticed()), "FAILED"),
    tasks: { build: "task33", rebuildSRPM: "task34", buildArch: "task35", buildNotification: "task36" },
    daemon: ["main2"]
  },
  {
    phase: "G",
    what: "a build that is canceled in the middle",
    tell: () => {
      const meanwhile: Plot["meanwhile"] = (world, task) =>
        Effect.gen(function* () {
          yield* world.until(() => world.isRunning("build/1"))
          world.hub.admin("cancelTask", [task])
          yield* Effect.sleep("2 minutes")
        })
      return told(usual(plain, {}, { steps: { "build/1": hangs }, ...noticed(meanwhile) }), "CANCELED")
    },
    tasks: { build: "task37", rebuildSRPM: "task38", buildArch: "task39", buildNotification: "task40" },
    daemon: ["main2"]
  },
  {
    phase: "H",
    what: "a scratch build",
    tell: () => told(usual(plain, { scratch: true }), "CLOSED"),
    tasks: { build: "task41", rebuildSRPM: "task42", buildArch: "task43" },
    daemon: ["main2"]
  },
  {
    phase: "I",
    what: "a buildroot that cannot be made",
    tell: () => told(usual(plain, { scratch: true }, { steps: { "init/populate": exits(30) } }), "FAILED"),
    tasks: { build: "task44", rebuildSRPM: "task45" },
    daemon: ["main2"]
  }
]
