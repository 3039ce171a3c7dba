/** A hub that says what no hub should: every look is told of in the daemon's log, the next one goes on, no task is lost. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Value } from "../../src/hub/Value.ts"
import type { ModelDaemon } from "../model/Daemon.ts"
import type { HubCall, HubFate } from "../model/Hub.ts"
import { tag } from "../model/HubTemplate.ts"
import type { Recipe } from "../model/Packages.ts"
import { story, type World } from "../model/World.ts"

const hello: Recipe = { name: "hello" }
const says = (value: Value): HubFate => ({ _tag: "Says", answer: { _tag: "Success", value } })

const submit = (world: World, recipe = hello): number =>
  world.hub.makeTask("buildArch", [world.source(recipe), tag.build, "x86_64", true, { repo_id: 1 }], { arch: "x86_64" })

const begun = (world: World, method: string, task: number): number =>
  world.hub.calls.filter((call) => call.method === method && call.params[0] === task).length

const tell = (plot: (world: World, daemon: ModelDaemon) => Effect.Effect<void>) =>
  story((world) =>
    Effect.gen(function* () {
      const daemon = yield* world.daemon()
      yield* daemon.start
      yield* plot(world, daemon)
      assert.isTrue(daemon.running)
      yield* daemon.terminate
    })
  )

/** What it said of a method while it said anything. */
const logged = ({ time }: World, method: string): ReadonlyArray<string> =>
  time.log.filter(({ level, text }) => level === "Error" && text.startsWith(method)).map(({ text }) => text)

describe("a hub whose answers are of the wrong type", () => {
  const wrong: ReadonlyArray<readonly [string, Value, RegExp]> = [
    ["host.getTasks", "no list", /got "no list"/],
    ["host.getTasks", [{ id: "one", state: 4 }], /got a list of 1/],
    ["host.getTasks", { id: 1 }, /got a struct of id/],
    ["host.getHostTasks", null, /got null/],
    ["host.getHostTasks", [{ id: 1.5, waiting: null, weight: 1 }], /got a list of 1/],
    ["host.getHost", [], /got a list of 0/],
    ["host.getHost", { enabled: "yes" }, /got a struct of enabled/]
  ]
  for (const [method, value, words] of wrong) {
    it(`is told of, look by look, when it answers ${method} with ${JSON.stringify(value)}`, () =>
      tell((world) =>
        Effect.gen(function* () {
          const { hub } = world
          hub.fateOf = (call) => (call.method === method ? says(value) : { _tag: "Done" })
          const task = submit(world)
          yield* Effect.sleep("2 minutes")
          assert.notStrictEqual(hub.state(task), "OPEN")
          const told = logged(world, method)
          assert.isAbove(told.length, 2)
          for (const text of told) assert.match(text, words)
          hub.fateOf = () => ({ _tag: "Done" })
          yield* world.until(() => hub.state(task) === "CLOSED")
        })
      ))
  }
})

describe("a task to whose call the hub's answer is of the wrong type", () => {
  const wrong: ReadonlyArray<readonly [string, Value]> = [
    ["getBuildTarget", 7],
    ["getTag", []],
    ["repo.request", { repo: "the newest" }],
    ["getLastEvent", { id: "last" }],
    ["getBuildConfig", { id: 2, arches: ["x86_64"] }],
    ["host.subtask", "another"],
    ["host.taskWait", [[1], "nothing"]],
    ["host.taskWaitResults", { 2: null }],
    ["host.newBuildRoot", "the fifth"],
    ["repoInfo", true]
  ]
  for (const [method, value] of wrong) {
    it(`fails and says so, and no other does: ${JSON.stringify(value)} for ${method}`, () =>
      tell((world) =>
        Effect.gen(function* () {
          const { hub } = world
          let isWrong = true
          hub.fateOf = (call) => (isWrong && call.method === method ? says(value) : { _tag: "Done" })
          const task = hub.makeTask("build", [world.source(hello), tag.target, { scratch: true }])
          yield* world.until(() => hub.state(task) === "FAILED")
          const { faultCode, faultString } = Object(hub.result(task))
          assert.strictEqual(faultCode, 1)
          assert.include(faultString, `the hub's answer to ${method} makes no sense: `)
          isWrong = false
          const next = submit(world, { name: "world" })
          yield* world.until(() => hub.state(next) === "CLOSED")
        })
      ))
  }
})

describe("a task that the hub has not right", () => {
  const one = (method: string, change: (value: Value, call: HubCall) => Value) => (world: World) => {
    const { hub } = world
    hub.fateOf = (call) => {
      if (call.method !== method) return { _tag: "Done" }
      const given = method === "getTaskInfo" ? hub.admin(method, call.params, call.keywords) : null
      return says(change(given, call))
    }
  }

  it("is refused when there is no such method, and the next one is taken", () =>
    tell((world) =>
      Effect.gen(function* () {
        const { hub } = world
        const unknown = hub.makeTask("noSuchMethod", [1, { a: [null] }])
        const task = submit(world)
        yield* world.until(() => hub.state(task) === "CLOSED")
        const refusals = hub.calls.filter((call) => call.method === "host.refuseTask" && call.params[0] === unknown)
        assert.deepStrictEqual(
          refusals.map(({ keywords }) => keywords),
          [{ soft: false, msg: "no handler for method" }]
        )
      })
    ))

  it("is refused when its request cannot be understood, and the next one is taken", () =>
    tell((world) =>
      Effect.gen(function* () {
        const { hub } = world
        const bad = submit(world)
        one("getTaskInfo", (info, { params }) => (params[0] === bad && isStruct(info) ? { ...info, id: "one" } : info))(
          world
        )
        const task = submit(world, { name: "world" })
        yield* world.until(() => hub.state(task) === "CLOSED")
        const [refusal] = hub.calls.filter((call) => call.method === "host.refuseTask" && call.params[0] === bad)
        assert.match(String(refusal?.keywords["msg"]), /^its request cannot be read: /)
        assert.strictEqual(begun(world, "host.openTask", bad), 0)
      })
    ))

  it("fails with the interpreter's words when it has too few parameters, or too many", () =>
    tell((world) =>
      Effect.gen(function* () {
        const { hub } = world
        const few = hub.makeTask("buildArch", ["x"], { arch: "x86_64" })
        const many = hub.makeTask("tagBuild", [1, 2, 3, 4, 5, 6, 7, 8])
        yield* world.until(() => [few, many].every((task) => hub.state(task) === "FAILED"))
        for (const task of [few, many]) {
          assert.deepInclude(Object(hub.result(task)), { faultCode: 1019 })
          assert.match(String(Object(hub.result(task)).faultString), /argument/)
        }
      })
    ))

  it("is begun once, though the hub goes on giving it to us while it runs", () =>
    tell((world, daemon) =>
      Effect.gen(function* () {
        const { hub } = world
        const task = submit(world, { name: "hello", lines: ["one", "two"], lineMillis: 60_000 })
        yield* world.until(() => world.isRunning("build/1"))
        const again = { id: task, state: 4, host_id: 1, channel_id: 1, arch: "x86_64", method: "buildArch" }
        hub.fateOf = ({ method }) =>
          method === "host.getTasks" && hub.state(task) === "OPEN"
            ? says([{ ...again, priority: 20, create_ts: 1 }])
            : { _tag: "Done" }
        yield* world.until(() => !world.isRunning("build/1"))
        hub.fateOf = () => ({ _tag: "Done" })
        yield* world.until(() => hub.state(task) === "CLOSED")
        assert.strictEqual(begun(world, "host.openTask", task), 1)
        assert.strictEqual((yield* daemon.attempts).length, 1)
      })
    ))

  it("runs though its times are before the epoch, or far from now", () =>
    tell((world) =>
      Effect.gen(function* () {
        const { hub } = world
        for (const time of [-1e9, 0, 4e12]) {
          one("getTaskInfo", (info) =>
            isStruct(info) ? { ...info, create_ts: time, start_ts: time, completion_ts: null } : info
          )(world)
          const task = submit(world)
          yield* world.until(() => hub.state(task) === "CLOSED")
          hub.fateOf = () => ({ _tag: "Done" })
        }
      })
    ))
})
