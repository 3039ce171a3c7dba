import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { encodeAnswer } from "../../src/hub/XmlRpcEncoder.ts"
import { ask, builderLogin, get, login, type Session, shown } from "./Client.ts"
import { freshHub } from "./Hub.ts"

const document = (value: Value) => encodeAnswer({ _tag: "Success", value })
const faultDocument = (code: number, message: string) => encodeAnswer({ _tag: "Fault", code, message })

/** A hub with a builder that takes tasks, and an administrator. */
const stage = Effect.gen(function* () {
  const { url } = yield* freshHub({ options: { runIntervalSeconds: 0 } })
  const admin = yield* login(url, "kojiadmin")
  const builder = yield* builderLogin(url)
  const call = (session: Session, method: string, params: ReadonlyArray<Value> = [], keywords = {}) =>
    get(url, session, { method, params, keywords })
  const refused = (session: Session | null, method: string, params: ReadonlyArray<Value> = [], keywords = {}) =>
    Effect.map(ask(url, session, { method, params, keywords }), shown)
  yield* call(builder, "host.updateHost", [0, true], { data: { maxjobs: 10 } })
  const makeTask = (method: string, params: ReadonlyArray<Value>, keywords = {}) =>
    Effect.map(call(admin, "makeTask", [method, params], keywords), Number)
  /** Made, given to the builder, and opened. */
  const opened = (method: string, params: ReadonlyArray<Value> = []) =>
    Effect.gen(function* () {
      const id = yield* makeTask(method, params)
      yield* call(builder, "host.getTasks")
      yield* call(builder, "host.openTask", [id])
      return id
    })
  const child = (parent: number, keywords = {}) =>
    Effect.map(call(builder, "host.subtask", ["sleep", [1], parent], keywords), Number)
  const state = (id: number) => Effect.map(call(admin, "getTaskInfo", [id]), (info) => Object(info).state)
  return { url, admin, builder, call, refused, makeTask, opened, child, state }
})

describe("a task at the hub", () => {
  it.live("is assigned, opened once, and closed by the host that has it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { builder, call, refused, makeTask, state } = yield* stage
        const id = yield* makeTask("sleep", [5])
        const [offered] = Array.from(Object(yield* call(builder, "host.getTasks")))
        assert.deepInclude(offered, { id, state: 4, host_id: 1, arch: "noarch", method: "sleep", priority: 20 })
        const open = Object(yield* call(builder, "host.openTask", [id]))
        assert.include(open.request, "<methodName>sleep</methodName>")
        assert.isNull(yield* call(builder, "host.openTask", [id]))
        assert.deepStrictEqual(yield* call(builder, "host.getHostTasks"), [{ id, waiting: null, weight: 1 }])
        yield* call(builder, "host.closeTask", [id, document([1, "two"])])
        assert.strictEqual(yield* state(id), 2)
        assert.deepStrictEqual(yield* call(builder, "getTaskResult", [id]), [1, "two"])
        assert.isTrue(yield* call(builder, "taskFinished", [id]))
        assert.deepStrictEqual(yield* refused(builder, "host.closeTask", [id, document(null)]), {
          fault: [1004, `host 1 does not own task ${id}`]
        })
      })
    )
  )

  it.live("fails with the fault that its handler gives", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { builder, call, refused, opened } = yield* stage
        const id = yield* opened("sleep", [5])
        assert.deepStrictEqual(yield* refused(builder, "getTaskResult", [id]), {
          fault: [1000, `Task ${id} is not finished`]
        })
        yield* call(builder, "host.failTask", [id, faultDocument(1005, "it broke")])
        assert.deepStrictEqual(yield* refused(builder, "getTaskResult", [id]), { fault: [1005, "it broke"] })
        assert.deepStrictEqual(yield* call(builder, "getTaskResult", [id], { raise_fault: false }), {
          faultCode: 1005,
          faultString: "it broke"
        })
      })
    )
  )

  it.live("that is given back keeps its number and is offered again", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { builder, call, opened, state } = yield* stage
        const id = yield* opened("sleep", [5])
        yield* call(builder, "host.freeTasks", [[id]])
        assert.strictEqual(yield* state(id), 0)
        const [again] = Array.from(Object(yield* call(builder, "host.getTasks")))
        assert.strictEqual(Object(again).id, id)
        // Not open here: passed over, as another host may have it by now.
        yield* call(builder, "host.freeTasks", [[id]])
        assert.strictEqual(yield* state(id), 4)
      })
    )
  )

  it.live("has one child of a label, however often it asks", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { builder, call, refused, opened, child } = yield* stage
        const id = yield* opened("waittest", [2])
        const first = yield* child(id, { label: "0" })
        assert.strictEqual(yield* child(id, { label: "0" }), first)
        assert.notStrictEqual(yield* child(id), yield* child(id))
        const info = Object(yield* call(builder, "getTaskInfo", [first], { request: true }))
        assert.deepInclude(info, { parent: id, label: "0", priority: 19, owner: 1, channel_id: 1, request: [1] })
        assert.deepStrictEqual(yield* refused(builder, "host.subtask", ["sleep", [1], id], { owner: 1 }), {
          fault: [1004, "The owner option is not allowed here"]
        })
        assert.deepStrictEqual(yield* refused(builder, "host.subtask", ["sleep", [1], first]), {
          fault: [1004, `host 1 does not own task ${first}`]
        })
        assert.deepStrictEqual(yield* refused(builder, "host.subtask", ["sleep", [1], id], { channel: "no such" }), {
          fault: [1000, "No such channel: no such"]
        })
      })
    )
  )

  it.live("hears of each finished child once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { builder, call, opened, child } = yield* stage
        const id = yield* opened("waittest", [2])
        const [one, two] = [yield* child(id, { label: "0" }), yield* child(id, { label: "1" })]
        yield* call(builder, "host.taskSetWait", [id, [one, two]])
        assert.deepStrictEqual(yield* call(builder, "host.getHostTasks"), [{ id, waiting: true, weight: 1 }])
        yield* call(builder, "host.getTasks")
        for (const each of [one, two]) yield* call(builder, "host.openTask", [each])
        yield* call(builder, "host.closeTask", [one, document("first")])
        const [parent] = Array.from(Object(yield* call(builder, "host.getHostTasks")))
        assert.deepStrictEqual(parent, { id, waiting: true, weight: 1, alert: true })
        assert.deepStrictEqual(yield* call(builder, "host.taskWait", [id]), [[one], [two]])
        assert.deepStrictEqual(yield* call(builder, "host.taskWait", [id]), [[], [two]])
        yield* call(builder, "host.failTask", [two, faultDocument(1000, "second")])
        assert.deepStrictEqual(yield* call(builder, "host.taskWaitResults", [id, [one, two]], { canfail: [two] }), [
          [one, "first"],
          [two, { faultCode: 1000, faultString: "second" }]
        ])
      })
    )
  )

  it.live("is canceled with all below it, and the host finds out", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, builder, call, refused, opened, child, state } = yield* stage
        const id = yield* opened("waittest", [2])
        const below = yield* child(id)
        const other = yield* login(url, "builder2")
        assert.deepStrictEqual(yield* refused(other, "cancelTask", [id]), {
          fault: [1004, "Cannot cancel task, not owner"]
        })
        yield* call(admin, "cancelTask", [id])
        assert.deepStrictEqual([yield* state(id), yield* state(below)], [3, 3])
        assert.deepStrictEqual(yield* call(builder, "host.getHostTasks"), [])
        assert.deepStrictEqual(yield* refused(builder, "getTaskResult", [id]), {
          fault: [1000, `Task ${id} is canceled`]
        })
        assert.isNull(yield* call(builder, "host.openTask", [below]))
      })
    )
  )

  it.live("is listed by what is asked for", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { admin, call, makeTask, opened, child } = yield* stage
        const id = yield* opened("waittest", [2])
        const below = yield* child(id)
        const free = yield* makeTask("sleep", [1], { priority: 30 })
        const ids = (options: object, query = {}) =>
          Effect.map(call(admin, "listTasks", [{ ...options }, query]), (rows) =>
            Array.from(Object(rows), (row) => Object(row).id)
          )
        assert.deepStrictEqual(yield* ids({ state: [1] }), [id])
        assert.deepStrictEqual(yield* ids({ parent: null }, { order: "-id" }), [free, id])
        assert.deepStrictEqual(yield* ids({ parent: id }), [below])
        assert.deepStrictEqual(yield* ids({ method: "sleep" }, { limit: 1 }), [below])
        assert.strictEqual(yield* call(admin, "listTasks", [{}, { countOnly: true }]), 3)
        const tree = Object(yield* call(admin, "getTaskDescendents", [id]))
        assert.deepStrictEqual(Object.keys(tree), [`${id}`, `${below}`])
      })
    )
  )

  it.live("asked for by anybody else than an administrator must be a build", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, refused, call } = yield* stage
        const person = yield* login(url, "builder2")
        assert.deepStrictEqual(yield* refused(person, "makeTask", ["sleep", [1]]), {
          fault: [1004, "admin permission required (logged in as builder2)"]
        })
        assert.deepStrictEqual(yield* refused(null, "build", ["x.src.rpm", "dist-test"]), {
          fault: [1004, "you must be logged in for this operation"]
        })
        const id = yield* call(person, "build", ["x.src.rpm", "dist-test", { scratch: true }, 5])
        assert.deepInclude(Object(yield* call(person, "getTaskInfo", [id], { request: true })), {
          method: "build",
          priority: 25,
          request: ["x.src.rpm", "dist-test", { scratch: true }]
        })
        assert.deepStrictEqual(yield* refused(person, "build", ["x.src.rpm", "dist-test", null, -1]), {
          fault: [1004, "only admins may create high-priority tasks"]
        })
      })
    )
  )
})
