/** Administrators restart and stop builders by tasks: `restart`, `restartVerify`, `restartHosts`, `shutdown`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { asctime } from "../../src/koji/Asctime.ts"
import type { ModelDaemon } from "../model/Daemon.ts"
import { story, type World } from "../model/World.ts"

const host = ({ hub }: World, name = "builder1") => hub.admin("getHost", [name])
const assigned = (world: World, method: string, params: ReadonlyArray<Value>) =>
  world.hub.makeTask(method, params, { assign: "builder1" })
const restarting = (world: World) => assigned(world, "restart", [host(world)])
const verifying = (world: World, restart: number) => assigned(world, "restartVerify", [restart, host(world)])
const hasEnded = (world: World, task: number) => ["CLOSED", "FAILED", "CANCELED"].includes(world.hub.state(task) ?? "")
const fault = (world: World, task: number) => {
  const { faultCode, faultString } = Object(world.hub.result(task))
  return [faultCode, faultString]
}

/** As a process that executes itself again: whenever it leaves for that, it is there again. */
const supervised = (daemon: ModelDaemon) =>
  Effect.gen(function* () {
    yield* daemon.start
    for (;;) {
      yield* daemon.ended
      if (daemon.exit === undefined || !Exit.isSuccess(daemon.exit) || daemon.exit.value !== "restart") return
      yield* Effect.sleep("2 seconds")
      yield* daemon.start
    }
  }).pipe(Effect.forkChild)

describe("restart", () => {
  it("has the daemon leave to begin anew, once it is closed and nothing else runs", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        const sleep = world.hub.makeTask("sleep", [120])
        yield* world.until(() => world.hub.state(sleep) === "OPEN")
        const task = restarting(world)
        yield* world.until(() => hasEnded(world, task))
        assert.strictEqual(world.hub.result(task), "graceful restart initiated")
        const later = world.hub.makeTask("sleep", [1])
        yield* daemon.ended
        assert.deepStrictEqual(daemon.exit, Exit.succeed("restart"))
        assert.strictEqual(world.hub.state(sleep), "CLOSED")
        assert.strictEqual(world.hub.state(later), "FREE")
        assert.deepInclude(Object(host(world)), { ready: false, task_load: 0 })
      })
    ))

  it("is for the host that it names, and for no other", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        const task = assigned(world, "restart", [host(world, "builder2")])
        yield* world.until(() => hasEnded(world, task))
        assert.deepStrictEqual(fault(world, task), [1000, "Host mismatch"])
        yield* Effect.sleep("1 minute")
        assert.isTrue(daemon.running)
        yield* daemon.terminate
      })
    ))

  it("restarts the process that closes it, though an earlier one had decided to", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        const task = restarting(world)
        const verify = verifying(world, task)
        let closing = false
        world.hub.fateOf = ({ method }) => {
          closing ||= method === "host.closeTask"
          return closing ? { _tag: "Silence", done: false } : { _tag: "Done" }
        }
        yield* daemon.start
        yield* world.until(() => closing, 100)
        yield* daemon.kill
        world.hub.fateOf = () => ({ _tag: "Done" })
        yield* Effect.sleep("1 minute")
        yield* supervised(daemon)
        yield* world.until(() => hasEnded(world, verify))
        assert.deepStrictEqual([world.hub.state(task), world.hub.state(verify)], ["CLOSED", "CLOSED"])
        assert.strictEqual(daemon.lives, 3)
        yield* daemon.terminate
      })
    ))
})

describe("restartVerify", () => {
  it("is not taken beside the restart, and is content after it", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        const task = restarting(world)
        const verify = verifying(world, task)
        yield* supervised(daemon)
        yield* world.until(() => hasEnded(world, verify))
        assert.deepStrictEqual([world.hub.state(verify), world.hub.result(verify)], ["CLOSED", null])
        assert.strictEqual(daemon.lives, 2)
        yield* daemon.terminate
      })
    ))

  it("tells since when a daemon runs that has not restarted", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        yield* Effect.sleep("1 minute")
        const sleep = world.hub.makeTask("sleep", [1])
        yield* world.until(() => hasEnded(world, sleep))
        const verify = verifying(world, sleep)
        yield* world.until(() => hasEnded(world, verify))
        const { said } = world.hub.calls.find(({ method }) => method === "getSessionInfo") ?? {}
        const began = said?._tag === "Success" ? Number(Object(said.value).start_ts) : 0
        assert.deepStrictEqual(fault(world, verify), [1000, `Restart failed - start time is ${asctime(began)}`])
        yield* daemon.terminate
      })
    ))

  it("fails while there is nothing to verify", () =>
    story((world) =>
      Effect.gen(function* () {
        const daemon = yield* world.daemon()
        yield* daemon.start
        const sleep = world.hub.makeTask("sleep", [3600])
        yield* world.until(() => world.hub.state(sleep) === "OPEN")
        const verify = verifying(world, sleep)
        yield* world.until(() => hasEnded(world, verify))
        assert.deepStrictEqual(fault(world, verify), [1000, "Stage one restart task is OPEN"])
        const other = verifying(world, 4711)
        yield* world.until(() => hasEnded(world, other))
        assert.deepStrictEqual(fault(world, other), [1000, "Stage one restart task is unknown"])
        yield* daemon.terminate
      })
    ))
})

describe("restartHosts", () => {
  it("restarts every host there is, its own among them, and is in the way of none", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub } = world
        hub.admin("disableHost", ["puppet"])
        const daemons = [yield* world.daemon(), yield* world.daemon({ name: "builder2" })]
        for (const daemon of daemons) yield* supervised(daemon)
        yield* world.until(() => hub.calls.filter(({ method }) => method === "host.updateHost").length >= 2)
        const task = hub.makeTask("restartHosts", [])
        yield* world.until(() => hasEnded(world, task))
        assert.deepStrictEqual([hub.state(task), hub.result(task)], ["CLOSED", null])
        const children = hub.children(task)
        assert.deepStrictEqual(
          children.map(({ label, method, state }) => [label, method, state]),
          [1, 2].flatMap((id) => [
            [`restart ${id}`, "restart", 2],
            [`sleep ${id}`, "restartVerify", 2]
          ])
        )
        assert.deepStrictEqual(
          daemons.map(({ lives }) => lives),
          [2, 2]
        )
        // The host that ran it gave it back to restart, and it was run again, wherever.
        const freed = hub.calls.filter(
          ({ method, params }) => method === "host.freeTasks" && String(params[0]) === `${task}`
        )
        assert.lengthOf(freed, 1)
        for (const daemon of daemons) yield* daemon.terminate
      })
    ))

  it("goes by channel and arch, and says when nothing is left", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub } = world
        const daemon = yield* world.daemon()
        yield* daemon.start
        const none = hub.makeTask("restartHosts", [{ arches: ["ppc64le"] }])
        const unknown = hub.makeTask("restartHosts", [{ channel: "nowhere" }])
        yield* world.until(() => hasEnded(world, none) && hasEnded(world, unknown))
        assert.deepStrictEqual(fault(world, none), [1000, "No matching hosts"])
        assert.strictEqual(hub.state(unknown), "FAILED")
        yield* daemon.terminate
      })
    ))

  it("gives up after its timeout, and calls off what it had asked for", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub } = world
        for (const name of ["builder1", "builder2"]) hub.admin("disableHost", [name])
        const daemon = yield* world.daemon()
        hub.admin("enableHost", ["builder1"])
        yield* daemon.start
        const task = hub.makeTask("restartHosts", [{ timeout: 60 }])
        yield* world.until(() => hub.state(task) === "OPEN")
        hub.admin("disableHost", ["builder1"])
        yield* world.until(() => hasEnded(world, task))
        assert.strictEqual(hub.state(task), "FAILED")
        assert.match(String(fault(world, task)[1]), /^Subtasks timed out after 6\d\.\d seconds$/)
        const states = hub.children(task).map(({ state }) => state)
        assert.isNotEmpty(states)
        assert.deepStrictEqual([...new Set(states)], [3])
        yield* daemon.terminate
      })
    ))
})

describe("shutdown", () => {
  it("ends the daemon in order, and is given back with everything else", () =>
    story((world) =>
      Effect.gen(function* () {
        const { hub } = world
        const daemon = yield* world.daemon()
        yield* daemon.start
        const sleep = hub.makeTask("sleep", [3600])
        yield* world.until(() => hub.state(sleep) === "OPEN")
        const task = assigned(world, "shutdown", [])
        yield* daemon.ended
        assert.deepStrictEqual(daemon.exit, Exit.succeed("stopped"))
        assert.deepStrictEqual([hub.state(task), hub.state(sleep)], ["FREE", "FREE"])
        assert.deepInclude(Object(host(world)), { ready: false, task_load: 0 })
        const last = hub.calls.at(-1)
        assert.strictEqual(last?.method, "logout")
        const history = yield* daemon.history(task)
        assert.isTrue(history.some((event) => event._tag === "StopRequested" && event.reason === "shutdown"))
      })
    ))
})
