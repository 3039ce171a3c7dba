/** What the daemon says to hubs of other ages: those that do not know a call, or not with all its arguments. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { makeHubForms } from "../../src/daemon/HubForms.ts"
import { makeRefusals } from "../../src/daemon/Refusals.ts"
import { HubFault } from "../../src/hub/HubError.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { faultCodes } from "../../src/koji/Fault.ts"
import { taskStates } from "../../src/koji/TaskState.ts"

type Answers = Readonly<Record<string, (params: ReadonlyArray<Value>, keywords: Struct) => Value>>

const unknownMethod = (method: string) =>
  new HubFault({ method, code: faultCodes.GenericError, message: `Invalid method: ${method}` })

/** A hub that knows these methods, and remembers what it was asked. */
const hubOf = (answers: Answers) => {
  const asked: Array<string> = []
  const session = Layer.mock(HubSession, {
    id: 1,
    call: (method, params, keywords = {}) =>
      Effect.suspend(() => {
        asked.push(method)
        const answer = answers[method]
        if (answer === undefined) return Effect.fail(unknownMethod(method))
        return Effect.try({
          try: () => answer(params, keywords),
          catch: (cause) => (cause instanceof HubFault ? cause : new HubFault({ method, code: 1, message: `${cause}` }))
        })
      })
  })
  return { asked, session }
}

/** The two-argument form alone, as before 1.34.1. */
const updateHost = (_: ReadonlyArray<Value>, keywords: Struct) => {
  if ("data" in keywords) {
    const message = "updateHost() got an unexpected keyword argument 'data'"
    throw new HubFault({ method: "host.updateHost", code: faultCodes.ParameterError, message })
  }
  return null
}
const nothing = () => null

const task = { channel_id: 1, arch: "noarch", method: "sleep", priority: 20, create_time: "2026-01-05 08:00:00" }
const host = { name: "builder1", arches: "x86_64", task_load: 0, capacity: 4, channels: [1] }
const loadData = () => [
  [{ ...host, id: 7 }],
  [
    { ...task, id: 1, state: taskStates.FREE, host_id: null },
    { ...task, id: 2, state: taskStates.ASSIGNED, host_id: 7 },
    { ...task, id: 3, state: taskStates.ASSIGNED, host_id: 8 },
    { ...task, id: 4, state: taskStates.FREE, host_id: null, method: "winbuild" }
  ]
]

const data = { methods: ["sleep"], maxjobs: 3 }
const refusal = { soft: false, message: "no handler for method" }

describe("the daemon's calls", () => {
  it.effect("have their newest form on a hub that knows it, and cost no other", () => {
    const given: Array<Struct> = []
    const { asked, session } = hubOf({
      "host.updateHost": (_, keywords) => {
        given.push(keywords)
        return null
      },
      "host.getTasks": () => [],
      "host.refuseTask": nothing
    })
    return Effect.gen(function* () {
      const forms = yield* makeHubForms(7, 300, yield* makeRefusals)
      yield* forms.checkIn(0, true, data)
      yield* forms.offered("look")
      yield* forms.offered("glance")
      yield* forms.refuse(1, refusal)
      assert.deepStrictEqual(given, [{ data }])
      assert.deepStrictEqual(asked, ["host.updateHost", "host.getTasks", "host.getTasks", "host.refuseTask"])
    }).pipe(Effect.provide(session))
  })

  it.effect("tell a hub of 1.34.0 of the host apart from the check-in", () => {
    const { asked, session } = hubOf({ "host.updateHost": updateHost, "host.setHostData": nothing })
    return Effect.gen(function* () {
      const forms = yield* makeHubForms(7, 300, yield* makeRefusals)
      yield* forms.checkIn(0, true, data)
      yield* forms.checkIn(0, true, data)
      assert.deepStrictEqual(asked, [
        ...["host.updateHost", "host.updateHost", "host.setHostData"],
        ...["host.updateHost", "host.setHostData"]
      ])
    }).pipe(Effect.provide(session))
  })

  it.effect("choose among free tasks on a hub before 1.34, refuse none there, and ask it at looks alone", () => {
    const { asked, session } = hubOf({ "host.updateHost": updateHost, "host.getLoadData": loadData })
    return Effect.gen(function* () {
      const forms = yield* makeHubForms(7, 300, yield* makeRefusals)
      yield* forms.checkIn(0, true, data)
      const offered = yield* forms.offered("look")
      assert.deepStrictEqual(
        offered.map(({ id, state, host_id }) => [id, state, host_id]),
        [
          [1, taskStates.ASSIGNED, 7],
          [2, taskStates.ASSIGNED, 7]
        ]
      )
      yield* forms.refuse(1, refusal)
      asked.length = 0
      assert.deepStrictEqual(yield* forms.offered("glance"), [])
      yield* forms.refuse(1, refusal)
      yield* forms.checkIn(0, true, data)
      const later = yield* forms.offered("look")
      assert.deepStrictEqual(asked, ["host.updateHost", "host.getLoadData"])
      assert.deepStrictEqual(
        later.map(({ id }) => id),
        [2],
        "what was refused does not come again"
      )
    }).pipe(Effect.provide(session))
  })

  it.effect("offer what an attempt has refused again after as long as newer hubs wait, and not before", () => {
    const { session } = hubOf({ "host.getLoadData": loadData })
    return Effect.gen(function* () {
      const refusals = yield* makeRefusals
      const forms = yield* makeHubForms(7, 300, refusals)
      const offered = Effect.map(forms.offered("look"), (tasks) => tasks.map(({ id }) => id))
      yield* refusals.add(1, true)
      yield* TestClock.adjust("14 minutes")
      assert.deepStrictEqual(yield* offered, [2])
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* offered, [1, 2])
    }).pipe(Effect.provide(session))
  })

  it.effect("are tried in their newest form again after an hour: hubs are upgraded under running builders", () => {
    const { asked, session } = hubOf({ "host.getLoadData": loadData })
    return Effect.gen(function* () {
      const forms = yield* makeHubForms(7, 300, yield* makeRefusals)
      yield* forms.offered("look")
      yield* TestClock.adjust("59 minutes")
      yield* forms.offered("look")
      yield* TestClock.adjust("2 minutes")
      yield* forms.offered("look")
      assert.deepStrictEqual(asked, [
        ...["host.getTasks", "host.getLoadData", "host.getLoadData"],
        ...["host.getTasks", "host.getLoadData"]
      ])
    }).pipe(Effect.provide(session))
  })

  it.effect("fail with any other fault of the hub's, whatever form they have", () => {
    const message = "host 7 is on fire"
    const { asked, session } = hubOf({
      "host.getTasks": () => {
        throw new HubFault({ method: "host.getTasks", code: faultCodes.GenericError, message })
      }
    })
    return Effect.gen(function* () {
      const forms = yield* makeHubForms(7, 300, yield* makeRefusals)
      const failed = yield* Effect.flip(forms.offered("look"))
      assert.strictEqual(failed.message, message)
      assert.deepStrictEqual(asked, ["host.getTasks"])
    }).pipe(Effect.provide(session))
  })
})
