/**
 * The recorded phases, told again: our daemon and the embedded hub, which answers as the recorded one did
 * (test/contract), live through what happened then.
 */
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { Phase } from "../contract/Transcripts.ts"
import type { Seen } from "../model/Hub.ts"
import { tag } from "../model/HubTemplate.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World } from "../model/World.ts"
import { building, hello, type Options } from "../tasks/building.ts"
import { exits, hangs, type Plot, type Told, tell } from "../tasks/telling.ts"
import type { Asked } from "./Shape.ts"

/** What our daemon asked, session by session. */
export interface Ours {
  /** The session of the newest task of a method. */
  task(method: string): ReadonlyArray<Asked>
  /** All that came in no task's session, logins included, for each life of the daemon. */
  readonly daemon: ReadonlyArray<ReadonlyArray<Asked>>
}

export interface Scenario {
  readonly phase: Phase
  readonly what: string
  readonly tell: () => Promise<Ours>
  /** The recorded task sessions that there is a counterpart of, by the method of their tasks. */
  readonly tasks: Readonly<Record<string, string>>
  /** The recorded sessions of the daemon itself. */
  readonly daemon: ReadonlyArray<string>
  /** Whether the phase is about how the looks at the hub change. */
  readonly looksInOrder?: boolean
}

/** The sessions that a daemon had for tasks: each as it opened it, between the login and the next. */
const split = (calls: ReadonlyArray<Seen>, methods: ReadonlyMap<number, string>): Ours => {
  const from = calls.filter(({ from }) => from === "builder1")
  const mains = from.filter(({ method }) => method === "exclusiveSession").map(({ session }) => session)
  const lives = mains.map((main, life) => {
    const login = from.findIndex(({ method, session }) => method === "exclusiveSession" && session === main) - 1
    const next = from.findIndex(({ method, session }) => method === "exclusiveSession" && session === mains[life + 1])
    return from
      .slice(Math.max(0, login), next === -1 ? undefined : next - 1)
      .filter(({ session }) => session === main || session === null)
  })
  const opened = new Map<number, number | null>()
  for (const call of from) {
    const id = mains.includes(call.session) ? undefined : taskOf(call)
    if (id !== undefined) opened.set(id, call.session)
  }
  return {
    daemon: lives,
    task: (method) => {
      const ids = [...methods].filter(([, name]) => name === method).map(([id]) => id)
      const session = opened.get(ids.at(-1) ?? -1)
      assert.isDefined(session, `a session of a ${method} task`)
      return from.filter((call) => call.session === session)
    }
  }
}

/** Whose session it must be that such a call comes in; undefined where it does not say. */
const taskOf = ({ method, params, keywords, file }: Seen): number | undefined => {
  if (file !== null) return Number(file.split("/").at(-2))
  if (ofItsTask.has(method)) return Number(params[0])
  return method === "host.newBuildRoot" ? Number(keywords["task_id"]) : undefined
}
const ofItsTask: ReadonlySet<string> = new Set([
  ...["host.closeTask", "host.failTask", "host.taskSetWait", "host.taskWait"]
])

const methodsOf = ({ hub }: World) => new Map(hub.tasks.map((id) => [id, String(hub.task(id)["method"])]))

/** One told by a single task from outside and what comes of it. */
const told = async (telling: Promise<Told>, state: string): Promise<Ours> => {
  const { state: ended, world, after } = await telling
  assert.strictEqual(ended, state)
  assert.instanceOf(after, Map)
  const methods = new Map(Array.from(Object(after), ([id, method]) => [Number(id), String(method)] as const))
  return split(world.hub.calls, methods)
}
const look: Pick<Plot, "after"> = { after: methodsOf }

const noarch: Recipe = { ...hello, buildArchs: ["noarch"], packages: [{ name: "hello", arch: "noarch" }] }
const plain: Recipe = { name: "hello" }

/** A build of this package, of which there have been some before: so the hub knows how long they take. */
const usual = (recipe: Recipe, options: Options, plot: Plot = {}) =>
  building(recipe, options, {
    ...look,
    before: (world) => {
      world.hub.fateOf = ({ method }) =>
        method === "getAverageBuildDuration"
          ? { _tag: "Says", answer: { _tag: "Success", value: 30.256994 } }
          : { _tag: "Done" }
      return [world.source(recipe), tag.target, options]
    },
    ...plot
  })

export const scenarios: ReadonlyArray<Scenario> = [
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
    tell: () => told(building(noarch, {}, look), "CLOSED"),
    tasks: { build: "task6", rebuildSRPM: "task7", buildArch: "task8", tagBuild: "task10" },
    daemon: ["main2"]
  },
  {
    phase: "D",
    what: "a task that sleeps",
    tell: () => told(tell("sleep", [3], look), "CLOSED"),
    tasks: { sleep: "task16" },
    daemon: ["main2"]
  },
  {
    phase: "D",
    what: "a task that leaves processes behind",
    tell: () => told(tell("fork", [], look), "CLOSED"),
    tasks: { fork: "task17" },
    daemon: ["main2"]
  },
  {
    phase: "D",
    what: "a chain of tasks that wait for each other",
    tell: () => told(tell("subtask", [1], look), "CLOSED"),
    tasks: { subtask: "task22", sleep: "task23" },
    daemon: ["main2"]
  },
  {
    phase: "D",
    what: "a task that waits for some of which one fails",
    tell: () => told(tell("waittest", [2, 3], look), "CLOSED"),
    tasks: { waittest: "task21", sleep: "task26" },
    daemon: ["main2"]
  },
  {
    phase: "D",
    what: "a task of the foreground, and one of a kind that nobody knows",
    tell: () =>
      story((world) =>
        Effect.gen(function* () {
          const { hub } = world
          const daemon = yield* world.daemon()
          yield* daemon.start
          const task = hub.makeTask("someMethod", [])
          hub.makeTask("noSuchMethod", [])
          yield* world.until(() => hub.state(task) === "CLOSED")
          yield* Effect.sleep("1 minute")
          yield* daemon.terminate
          return split(hub.calls, methodsOf(world))
        })
      ),
    tasks: {},
    daemon: ["main2"]
  },
  {
    phase: "E",
    what: "a repository made after an older one",
    tell: () =>
      story((world) =>
        Effect.gen(function* () {
          const { hub } = world
          const daemon = yield* world.daemon()
          yield* daemon.start
          for (const name of ["one", "another"]) {
            // What is in the tag has changed, so the hub ends the repository that there is.
            hub.admin("packageListAdd", [tag.destination, name, "kojiadmin"])
            const task = hub.makeTask("newRepo", [{ id: 2, name: tag.build }])
            yield* world.until(() => hub.state(task) === "CLOSED")
          }
          yield* daemon.terminate
          return split(hub.calls, methodsOf(world))
        })
      ),
    tasks: { newRepo: "task31", createrepo: "task32" },
    daemon: ["main2"]
  },
  {
    phase: "F",
    what: "a build that fails",
    tell: () => told(usual({ ...plain, end: { exit: 1 } }, {}), "FAILED"),
    tasks: { build: "task33", rebuildSRPM: "task34", buildArch: "task35" },
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
      return told(usual(plain, {}, { steps: { "build/1": hangs }, meanwhile }), "CANCELED")
    },
    tasks: { build: "task37", rebuildSRPM: "task38", buildArch: "task39" },
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
  },
  {
    phase: "K",
    what: "a host that is disabled and enabled again",
    tell: () =>
      story((world) =>
        Effect.gen(function* () {
          const daemon = yield* world.daemon()
          world.hub.admin("disableHost", [daemon.name])
          yield* daemon.start
          yield* Effect.sleep("2 minutes")
          world.hub.admin("enableHost", [daemon.name])
          yield* Effect.sleep("2 minutes")
          yield* daemon.terminate
          return split(world.hub.calls, new Map())
        })
      ),
    tasks: {},
    daemon: ["main3"],
    looksInOrder: true
  },
  {
    phase: "O",
    what: "a daemon that dies, and one that knows nothing of what the other began",
    tell: () =>
      story((world) =>
        Effect.gen(function* () {
          const first = yield* world.daemon()
          world.interfere((step, program) => (step === "build/1" ? hangs(program) : program))
          yield* first.start
          const source = world.source(plain)
          const task = world.hub.makeTask("buildArch", [source, 2, "x86_64", true, { repo_id: 1 }], {
            arch: "x86_64"
          })
          yield* world.until(() => world.isRunning("build/1"))
          yield* first.kill
          world.interfere((_, program) => program)
          const second = yield* world.daemon()
          yield* second.start
          yield* world.until(() => world.hub.state(task) === "CLOSED")
          yield* Effect.sleep("1 minute")
          yield* second.terminate
          return split(world.hub.calls, methodsOf(world))
        })
      ),
    tasks: {},
    daemon: ["main7", "main8"],
    looksInOrder: true
  }
]
