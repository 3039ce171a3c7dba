/** `sleep`, `fork`, `subtask`, `waittest`, `someMethod`, `default` and `dependantTask`. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { World } from "../model/World.ts"
import { assertCanceled, assertFailed, assertFreed, canceledWhen, stoppedWhen, type Told, tell } from "./telling.ts"

const seconds = ({ seen, task }: Told): number => {
  const at = (method: string) => seen.find((call) => call.method === method && call.params[0] === task)?.at ?? 0
  return (at("host.closeTask") - at("host.openTask")) / 1000
}

const failedWith = (told: Told, text: string) =>
  assert.deepStrictEqual([told.state, told.result], ["FAILED", [1, text]])
const isSlept = ({ hub }: World, task: number) => hub.state(task) === "OPEN"

describe("sleep", () => {
  it("takes so long, and has nothing to tell", async () => {
    const told = await tell("sleep", [100])
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.approximately(seconds(told), 100, 1)
    assert.deepStrictEqual(told.events, [
      ...["accepted sleep noarch", "step openTask", "step open/weight", "step started", "step sleep"],
      ...["decided Success", "concluded closed"]
    ])
    assert.deepStrictEqual(told.calls, [`host.closeTask ${told.task} <document>`, "logout"])
    const weight = told.seen.find(({ method }) => method === "host.setTaskWeight")
    assert.deepStrictEqual(weight?.params, [told.task, 0.25])
  })

  it("takes what Python takes for a number", async () => {
    assert.approximately(seconds(await tell("sleep", [0])), 0, 1)
    assert.approximately(seconds(await tell("sleep", [1.5])), 1.5, 1)
    assert.approximately(seconds(await tell("sleep", [true])), 1, 1)
  })

  it("sleeps what is left when another process goes on with it", async () => {
    const told = await tell("sleep", [600], {
      meanwhile: (world, task, daemon) =>
        Effect.gen(function* () {
          yield* world.until(() => isSlept(world, task))
          yield* Effect.sleep("200 seconds")
          yield* daemon.kill
          yield* Effect.sleep("100 seconds")
          yield* daemon.start
        })
    })
    assert.strictEqual(told.state, "CLOSED")
    assert.approximately(seconds(told), 600, 2)
    assert.include(told.events, "resumed")
  })

  it("is over at once when its time had come while nobody was there", async () => {
    const told = await tell("sleep", [60], {
      meanwhile: (world, task, daemon) =>
        Effect.gen(function* () {
          yield* world.until(() => isSlept(world, task))
          yield* daemon.handOver
          yield* world.until(() => !daemon.running)
          yield* Effect.sleep("5 minutes")
          yield* daemon.start
        })
    })
    assert.strictEqual(told.state, "CLOSED")
    assert.isBelow(seconds(told), 310)
  })

  it("says what Python says of what is no number of seconds", async () => {
    failedWith(await tell("sleep", ["BAD_ARG"]), "TypeError: 'str' object cannot be interpreted as an integer")
    failedWith(await tell("sleep", [null]), "TypeError: 'NoneType' object cannot be interpreted as an integer")
    failedWith(await tell("sleep", [[1]]), "TypeError: 'list' object cannot be interpreted as an integer")
    failedWith(await tell("sleep", [-1]), "ValueError: sleep length must be non-negative")
    failedWith(await tell("sleep", [1e18]), "OverflowError: timestamp too large to convert to C _PyTime_t")
    assertFailed(await tell("sleep", []), "ParameterError", "sleep() missing 1 required positional argument: 'n'")
  })

  it("is canceled within ten seconds, and given back when the daemon stops", async () => {
    let canceled = 0
    const told = await tell("sleep", [3600], {
      meanwhile: (world, task, daemon) =>
        Effect.gen(function* () {
          yield* world.until(() => isSlept(world, task))
          yield* Effect.sleep("20 seconds")
          canceled = world.time.now
          world.hub.admin("cancelTask", [task])
          yield* world.until(() => !daemon.isWorking(task), 100)
          canceled = world.time.now - canceled
        })
    })
    assertCanceled(told)
    assert.isBelow(canceled, 10_000)
    assertFreed(await tell("sleep", [3600], stoppedWhen(isSlept)))
  })
})

describe("fork", () => {
  it("leaves its processes to the end of their container, and does not wait for them", async () => {
    const told = await tell("fork", [3, 3600])
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.deepStrictEqual(told.containers, ["fork"])
    assert.isBelow(seconds(told), 5)
  })

  it("has kojid's defaults, and needs no container for nothing", async () => {
    const told = await tell("fork", [])
    const intent = told.history.find((event) => event._tag === "ContainerIntended")
    assert.deepStrictEqual(Object(Object(intent).spec).command.slice(-2), ["5", "37"])
    assert.deepStrictEqual((await tell("fork", [0])).containers, [])
  })

  it("says when there are too many, by itself or for the limits of a container", async () => {
    assertFailed(await tell("fork", [501]), "GenericError", "fork is a test: 500 processes at most, not 501")
    const told = await tell("fork", [500], { steps: { fork: (program) => ({ ...program, exit: 2 }) } })
    failedWith(told, "500 processes could not be begun: the shell exited with status 2")
  })
})

describe("subtask", () => {
  it("makes a chain of children, and waits for each", async () => {
    const told = await tell("subtask", [2])
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    const { hub } = told.world
    const [first] = hub.children(told.task)
    const [second] = hub.children(Number(first?.["id"]))
    const [last] = hub.children(Number(second?.["id"]))
    assert.deepStrictEqual([first?.["label"], second?.["label"], last?.["label"]], ["foo", "foo", "bar"])
    assert.strictEqual(last?.["method"], "sleep")
    assert.deepStrictEqual([...told.states.values()], ["CLOSED", "CLOSED", "CLOSED", "CLOSED"])
    const child = Number(first?.["id"])
    assert.deepStrictEqual(
      told.calls.filter((line) => !line.startsWith("host.taskWait ")),
      [
        `host.subtask {method: subtask, arglist: [1], parent: ${told.task}, label: foo}`,
        `host.taskSetWait ${told.task} [${child}]`,
        `host.taskWaitResults ${told.task} [${child}] {canfail: null}`,
        `host.closeTask ${told.task} <document>`,
        "logout"
      ]
    )
  })

  it("says what Python says of what is no number", async () => {
    failedWith(await tell("subtask", ["x"]), "TypeError: '>' not supported between instances of 'str' and 'int'")
  })
})

describe("waittest", () => {
  it("waits for children of which one fails, and may", async () => {
    const told = await tell("waittest", [2, 3])
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    const rows = told.world.hub.children(told.task)
    assert.deepStrictEqual(
      rows.map(({ label, state }) => [label, state]),
      [
        ["0", 2],
        ["1", 2],
        ["bad", 5]
      ]
    )
    const ids = rows.map(({ id }) => id)
    assert.include(told.calls, `host.taskSetWait ${told.task} [${ids.join(", ")}]`)
    assert.include(told.calls, `host.taskWaitResults ${told.task} [${ids.join(", ")}] {canfail: [${ids.at(-1)}]}`)
  })

  it("fails with the fault of a child that may not, and cancels the others", async () => {
    const told = await tell("waittest", [1, "never"])
    failedWith(told, "TypeError: 'str' object cannot be interpreted as an integer")
  })
})

describe("someMethod and default", () => {
  it("have one answer each, whatever they are given", async () => {
    const told = await tell("someMethod", ["a", 1, null])
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", 42])
    assertFailed(await tell("default", ["a"]), "GenericError", "Invalid method: default")
  })

  it("runs in the daemon's own session, as kojid's foreground", async () => {
    const { seen } = await tell("someMethod", [])
    const sessions = new Set(seen.filter(({ method }) => method.startsWith("host.")).map(({ session }) => session))
    assert.strictEqual(sessions.size, 1)
    assert.notInclude(
      seen.map(({ method }) => method),
      "subsession"
    )
  })
})

describe("dependantTask", () => {
  it("makes its children once others have ended, with the options given", async () => {
    const told = await tell("dependantTask", [], {
      before: ({ hub }) => {
        const first = hub.makeTask("sleep", [100])
        return [
          [first, 4711, "x"],
          [
            ["sleep", [1]],
            ["sleep", [1]],
            ["sleep", [2], { priority: 3 }]
          ]
        ]
      }
    })
    assert.deepStrictEqual([told.state, told.result], ["CLOSED", null])
    assert.isAbove(seconds(told), 100)
    const children = told.world.hub.children(told.task)
    assert.deepStrictEqual(
      children.map(({ method, priority }) => [method, priority]),
      [
        ["sleep", 19],
        ["sleep", 19],
        ["sleep", 3]
      ]
    )
  })

  it("makes as many children as it is told to, also when it is cut off in between", async () => {
    const told = await tell(
      "dependantTask",
      [
        [],
        [
          ["sleep", [1]],
          ["sleep", [1]]
        ]
      ],
      {
        meanwhile: (world, _, daemon) =>
          Effect.gen(function* () {
            let made = 0
            world.hub.fateOf = ({ method }) =>
              method === "host.subtask" && ++made === 2 ? { _tag: "Silence", done: true } : { _tag: "Done" }
            yield* world.until(() => made === 2, 100)
            yield* Effect.sleep("1 second")
            yield* daemon.kill
            yield* Effect.sleep("5 seconds")
            yield* daemon.start
          })
      }
    )
    assert.strictEqual(told.state, "CLOSED")
    assert.lengthOf(told.world.hub.children(told.task), 2)
  })

  it("fails when one that it depends on has not ended well", async () => {
    const told = await tell("dependantTask", [], {
      before: ({ hub }) => {
        const first = hub.makeTask("sleep", [100])
        hub.admin("cancelTask", [first])
        return [[first], [["sleep", [1]]]]
      }
    })
    assertFailed(told, "GenericError", "Dependency 1 failed to complete.")
    assert.deepStrictEqual(told.world.hub.children(told.task), [])
  })

  it("is canceled while it waits", async () => {
    const told = await tell("dependantTask", [], {
      before: ({ hub }) => [[hub.makeTask("sleep", [7200])], []],
      ...canceledWhen(isSlept)
    })
    assertCanceled(told)
  })
})
