/** Stories of the daemon itself: what phases J, K and M to O are about. */
import { assert } from "@effect/vitest"
import { Effect, Exit } from "effect"
import type { ModelDaemon } from "../model/Daemon.ts"
import type { World } from "../model/World.ts"
import { lived, type Scenario } from "./Scenario.ts"

/** The daemon, alone at the hub, until it leaves; `restart` if it wants to be begun anew. */
const untilItLeaves = (daemon: ModelDaemon) =>
  Effect.gen(function* () {
    yield* daemon.start
    yield* daemon.ended
    return daemon.exit !== undefined && Exit.isSuccess(daemon.exit) ? daemon.exit.value : undefined
  })

const alone = ({ hub }: World) => {
  for (const name of ["builder2", "puppet"]) hub.admin("disableHost", [name])
}

export const daemonStories: ReadonlyArray<Scenario> = [
  {
    phase: "J",
    what: "a restart of all hosts, which is verified by the daemon that begins anew",
    tell: () =>
      lived((world) =>
        Effect.gen(function* () {
          const { hub } = world
          alone(world)
          const task = hub.makeTask("restartHosts", [{ channel: "default" }])
          const daemon = yield* world.daemon()
          assert.strictEqual(yield* untilItLeaves(daemon), "restart")
          yield* daemon.start
          yield* world.until(() => hub.state(task) === "CLOSED")
          yield* daemon.terminate
        })
      ),
    tasks: { restartHosts: ["task46", "task46/2"] },
    daemon: ["main2", "main3"],
    looksInOrder: true,
    takesAll: true
  },
  {
    phase: "K",
    what: "a host that is disabled and enabled again",
    tell: () =>
      lived((world) =>
        Effect.gen(function* () {
          const daemon = yield* world.daemon()
          world.hub.admin("disableHost", [daemon.name])
          yield* daemon.start
          yield* Effect.sleep("2 minutes")
          world.hub.admin("enableHost", [daemon.name])
          yield* Effect.sleep("2 minutes")
          yield* daemon.terminate
        })
      ),
    tasks: {},
    daemon: ["main3"],
    looksInOrder: true
  },
  {
    phase: "M",
    what: "a shutdown",
    tell: () =>
      lived((world) =>
        Effect.gen(function* () {
          world.hub.makeTask("shutdown", [], { assign: "builder1" })
          assert.strictEqual(yield* untilItLeaves(yield* world.daemon()), "stopped")
        })
      ),
    tasks: {},
    daemon: ["main4"],
    takesAll: true
  },
  {
    phase: "N",
    what: "a shutdown that comes again, and then beside a task that runs",
    tell: () =>
      lived((world) =>
        Effect.gen(function* () {
          const { hub } = world
          alone(world)
          const shutdown = hub.makeTask("shutdown", [], { assign: "builder1" })
          const daemon = yield* world.daemon()
          assert.strictEqual(yield* untilItLeaves(daemon), "stopped")
          hub.admin("disableHost", [daemon.name])
          const sleep = hub.makeTask("sleep", [600], { assign: "builder1" })
          hub.admin("enableHost", [daemon.name])
          assert.strictEqual(yield* untilItLeaves(daemon), "stopped")
          assert.deepStrictEqual([hub.state(shutdown), hub.state(sleep)], ["FREE", "FREE"])
        })
      ),
    tasks: { sleep: "task51" },
    daemon: ["main5", "main6"],
    takesAll: true
  },
  {
    phase: "O",
    what: "a daemon that dies, and one that knows nothing of what the other began",
    tell: () =>
      lived((world) =>
        Effect.gen(function* () {
          const { hub } = world
          const first = yield* world.daemon()
          yield* first.start
          const task = hub.makeTask("sleep", [60])
          yield* world.until(() => hub.state(task) === "OPEN")
          yield* first.kill
          const second = yield* world.daemon()
          yield* second.start
          yield* world.until(() => hub.state(task) === "CLOSED")
          yield* Effect.sleep("1 minute")
          yield* second.terminate
        })
      ),
    tasks: { sleep: "task51/2" },
    daemon: ["main7", "main8"],
    looksInOrder: true,
    takesAll: true
  }
]
