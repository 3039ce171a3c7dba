/** Stories of tasks that are not builds: what phases D, E and L are about. */
import { Effect } from "effect"
import { tag } from "../model/HubTemplate.ts"
import { tell } from "../tasks/telling.ts"
import { lived, look, type Scenario, told } from "./Scenario.ts"

/** The build of `zlib` that the distribution came with. */
const zlib = 4

export const taskStories: ReadonlyArray<Scenario> = [
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
    what: "a chain of tasks that wait for each other, from its end",
    tell: () => told(tell("subtask", [1], look), "CLOSED"),
    tasks: { subtask: "task22", sleep: "task23" },
    daemon: ["main2"]
  },
  {
    phase: "D",
    what: "a chain of tasks that wait for each other, from its beginning",
    tell: () => told(tell("subtask", [1], look), "CLOSED").then((ours) => ({ ...ours, task: ours.first })),
    tasks: { subtask: "task18" },
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
      lived((world) =>
        Effect.gen(function* () {
          const { hub } = world
          const daemon = yield* world.daemon()
          yield* daemon.start
          const task = hub.makeTask("someMethod", [])
          hub.makeTask("noSuchMethod", [])
          yield* world.until(() => hub.state(task) === "CLOSED")
          yield* Effect.sleep("1 minute")
          yield* daemon.terminate
        })
      ),
    tasks: {},
    daemon: ["main2"]
  },
  {
    phase: "E",
    what: "a build that is tagged, of which there is mail",
    tell: () =>
      lived(
        (world) =>
          Effect.gen(function* () {
            const { hub } = world
            const daemon = yield* world.daemon()
            yield* daemon.start
            hub.admin("packageListAdd", [tag.build, "zlib", "kojiadmin"])
            hub.makeTask("tagBuild", [2, zlib, null, null])
            yield* world.until(() => hub.tasks.length === 2 && hub.tasks.every((id) => hub.state(id) === "CLOSED"))
            yield* daemon.terminate
          }),
        { notifications: true }
      ),
    tasks: { tagBuild: "task27", tagNotification: "task29" },
    daemon: ["main2"]
  },
  {
    phase: "E",
    what: "a repository made after an older one",
    tell: () =>
      lived((world) =>
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
        })
      ),
    tasks: { newRepo: "task31", createrepo: "task32" },
    daemon: ["main2"]
  },
  {
    phase: "L",
    what: "a daemon that is killed, whose task goes on and is closed all the same",
    tell: () =>
      told(
        tell("sleep", [60], {
          ...look,
          meanwhile: (world, task, daemon) =>
            Effect.gen(function* () {
              yield* world.until(() => world.hub.state(task) === "OPEN")
              yield* Effect.sleep("20 seconds")
              yield* daemon.kill
              yield* daemon.start
            })
        }),
        "CLOSED"
      ),
    tasks: { sleep: "task49" },
    daemon: ["main3"]
  }
]
