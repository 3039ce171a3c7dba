import { spawn } from "node:child_process"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Disturbance } from "../../src/hubsim/HubServer.ts"
import { serve } from "../../src/hubsim/HubSim.ts"
import { ask, get, headersOf, login, post, shown } from "./Client.ts"
import { freshHub, freshTopdir } from "./Hub.ts"

/** A hub in a process of its own, which ends only by being killed. */
const hubProcess = (topdir: string) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly url: string; readonly kill: Effect.Effect<void> }>((resume) => {
      const child = spawn(process.execPath, [join(import.meta.dirname, "serve.ts"), topdir], {
        stdio: ["ignore", "pipe", "inherit"]
      })
      const gone = new Promise<void>((done) => child.once("exit", () => done()))
      const kill = Effect.promise(() => {
        child.kill("SIGKILL")
        return gone
      })
      child.stdout.once("data", (url) => resume(Effect.succeed({ url: `${url}`.trim(), kill })))
    }),
    ({ kill }) => kill
  )

describe("the hub as a server", () => {
  it.live("forgets nothing that it has answered, even killed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const topdir = yield* freshTopdir
        const first = yield* hubProcess(topdir)
        const session = yield* login(first.url, "kojiadmin")
        const task = yield* get(first.url, session, { method: "makeTask", params: ["sleep", [1]] })
        yield* first.kill
        const second = yield* hubProcess(topdir)
        const info = Object(yield* get(second.url, session, { method: "getTaskInfo", params: [task] }))
        assert.deepInclude(info, { id: task, method: "sleep", state: 0 })
      })
    )
  )

  it.live("does not share its tree with another", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { topdir } = yield* freshHub()
        const error = yield* Effect.flip(Effect.scoped(serve({ topdir })))
        assert.strictEqual(error._tag, "TopdirError")
        assert.include(error.message, "locked")
      })
    )
  )

  it.live("does not open what another version has written", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const topdir = yield* freshTopdir
        yield* Effect.scoped(serve({ topdir }))
        const connection = new DatabaseSync(`${topdir}/hubsim.sqlite`)
        connection.exec("PRAGMA user_version = 99")
        connection.close()
        const error = yield* Effect.flip(Effect.scoped(serve({ topdir })))
        assert.include(error.message, "has tables of version 99")
      })
    )
  )

  it.live("keeps nothing of a call that failed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const admin = yield* login(url, "kojiadmin")
        const before = yield* get(url, admin, { method: "getLastEvent" })
        const extra = { "a.b": 1 }
        const answer = yield* ask(url, admin, {
          method: "editTag2",
          params: ["dist-test"],
          keywords: { arches: "x86_64", extra, remove_extra: ["missing"] }
        })
        assert.deepStrictEqual(shown(answer), { fault: [1000, "Tag: dist-test doesn't have extra: missing"] })
        assert.strictEqual(Object(yield* get(url, admin, { method: "getTag", params: ["dist-test"] })).arches, "")
        assert.deepStrictEqual(yield* get(url, admin, { method: "getLastEvent" }), before)
      })
    )
  )

  it.live("does many calls in one, each for itself", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const admin = yield* login(url, "kojiadmin")
        const calls = [
          { methodName: "echo", params: [1, "two"] },
          { methodName: "noSuchMethod", params: [] },
          { methodName: "createTag", params: ["made", { arches: "x86_64", __starstar: true }] },
          { methodName: "createTag", params: ["made"] },
          { methodName: "makeTask", params: ["sleep", [1], { arch: "much too long for this", __starstar: true }] }
        ]
        const [echoed, unknown, made, twice, broken] = Array.from(
          Object(yield* get(url, admin, { method: "multiCall", params: [calls] }))
        )
        assert.deepStrictEqual(echoed, [[1, "two"]])
        assert.deepStrictEqual(unknown, { faultCode: 1000, faultString: "Invalid method: noSuchMethod" })
        assert.lengthOf(Object(made), 1)
        assert.deepStrictEqual(twice, { faultCode: 1000, faultString: "A tag with the name 'made' already exists" })
        assert.strictEqual(Object(broken).faultCode, 1)
        assert.strictEqual(Object(yield* get(url, admin, { method: "getTag", params: ["made"] })).arches, "x86_64")
      })
    )
  )

  it.live("says which methods it has, and how they are called", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const names = yield* get(url, null, { method: "system.listMethods" })
        assert.includeMembers(Array.from(Object(names)), ["host.getTasks", "repo.request", "getKojiVersion"])
        const help = (name: string) => get(url, null, { method: "system.methodHelp", params: [name] })
        assert.strictEqual(yield* help("host.updateHost"), "host.updateHost(task_load, ready, data=None)")
        assert.strictEqual(yield* help("nope"), "")
        assert.strictEqual(yield* get(url, null, { method: "getKojiVersion" }), "1.35.3")
      })
    )
  )

  it.live("answers what nobody should send", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const admin = yield* login(url, "kojiadmin")
        for (const body of ["", "<a", "<methodResponse/>", "x".repeat(5_000_000), `${"<array>".repeat(5000)}`]) {
          const reply = yield* post(url, body, headersOf(admin))
          assert.deepStrictEqual([reply.status, reply.text.slice(0, 16)], [400, "Invalid request:"])
        }
        for (const [method, params, text] of [
          ["getTag", [1.5], "Invalid name or id value: 1.5"],
          ["getTaskInfo", ["x"], "Invalid type for value 'x': <class 'str'>, expected type <class 'int'>"],
          ["host.freeTasks", [null], "User 1 is not a host"],
          ["createTag", ["../x"], "Name ../x does not match RegexNameInternal value"]
        ] as const) {
          assert.strictEqual(Object(shown(yield* ask(url, admin, { method, params }))).fault?.[1], text)
        }
      })
    )
  )
})

describe("a network that is not kind", () => {
  const disturbed = (fate: (method: string | null, number: number) => Disturbance) =>
    freshHub({ disturb: ({ method, number }) => fate(method, number) })

  it.live("loses an answer: the call is done all the same, and is not done twice", () =>
    Effect.scoped(
      Effect.gen(function* () {
        let lost = 0
        const { url } = yield* disturbed((method) =>
          method === "makeTask" && lost++ === 0 ? { _tag: "DropAnswer" } : { _tag: "None" }
        )
        const admin = yield* login(url, "kojiadmin")
        const call = { method: "makeTask", params: ["sleep", [1]], callnum: 7 }
        yield* Effect.promise(async () => {
          let error: unknown
          await Effect.runPromise(ask(url, admin, call)).catch((cause) => {
            error = cause
          })
          assert.isDefined(error)
        })
        assert.deepStrictEqual(shown(yield* ask(url, admin, call)), {
          fault: [1009, `unable to retry call 7 (method makeTask) for session ${admin.id}`]
        })
        const tasks = yield* get(url, admin, { method: "listTasks", callnum: 8 })
        assert.lengthOf(Array.from(Object(tasks)), 1)
      })
    )
  )

  it.live("answers in the hub's stead, and nothing is done", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* disturbed((method) =>
          method === "makeTask" ? { _tag: "Status", status: 502 } : { _tag: "None" }
        )
        const admin = yield* login(url, "kojiadmin")
        assert.strictEqual(
          (yield* post(url, "<methodCall><methodName>makeTask</methodName></methodCall>", {})).status,
          502
        )
        assert.deepStrictEqual(yield* get(url, admin, { method: "listTasks" }), [])
      })
    )
  )
})
