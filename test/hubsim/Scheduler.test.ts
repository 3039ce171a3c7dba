import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { HubOptions } from "../../src/hubsim/Options.ts"
import { builderLogin, get, login, type Session } from "./Client.ts"
import { freshHub } from "./Hub.ts"

const stage = (options: Partial<HubOptions> = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1_700_000_000_000)
    const { url } = yield* freshHub({ options: { runIntervalSeconds: 0, ...options } })
    const admin = yield* login(url, "kojiadmin")
    const one = yield* builderLogin(url, "builder1")
    const two = yield* builderLogin(url, "builder2")
    const checkIn = (session: Session, maxjobs = 10, ready = true) =>
      get(url, session, { method: "host.updateHost", params: [0, ready], keywords: { data: { maxjobs } } })
    const makeTask = (keywords = {}) =>
      Effect.map(get(url, admin, { method: "makeTask", params: ["sleep", [1]], keywords }), Number)
    const offered = (session: Session) =>
      Effect.map(get(url, session, { method: "host.getTasks" }), (rows) =>
        Array.from(Object(rows), (row) => Number(Object(row).id))
      )
    const info = (id: number) => Effect.map(get(url, admin, { method: "getTaskInfo", params: [id] }), Object)
    const tell = (session: Session, method: string, ...params: ReadonlyArray<number>) =>
      get(url, session, { method, params })
    return { url, admin, one, two, checkIn, makeTask, offered, info, tell }
  })

describe("the hub's scheduler", () => {
  it.effect("gives urgent tasks out first, older before younger", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, checkIn, makeTask, offered } = yield* stage()
        yield* checkIn(one)
        const later = yield* makeTask()
        const urgent = yield* makeTask({ priority: 5 })
        const last = yield* makeTask()
        assert.deepStrictEqual(yield* offered(one), [urgent, later, last])
      })
    )
  )

  it.effect("fills a host up to its capacity, and never beyond its number of jobs", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, checkIn, makeTask, offered } = yield* stage()
        yield* checkIn(one)
        const ids = yield* Effect.forEach([1, 2, 3, 4, 5, 6], () => makeTask())
        // Each weighs one and the capacity is four: the fifth finds nothing left.
        assert.deepStrictEqual(yield* offered(one), ids.slice(0, 4))
        const few = yield* stage()
        yield* few.checkIn(few.one, 2)
        yield* Effect.forEach([1, 2, 3], () => few.makeTask())
        assert.lengthOf(yield* few.offered(few.one), 2)
      })
    )
  )

  it.effect("spreads tasks over the hosts that have least to do", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, two, checkIn, makeTask, offered } = yield* stage()
        yield* checkIn(one)
        yield* checkIn(two)
        yield* Effect.forEach([1, 2, 3, 4], () => makeTask())
        assert.lengthOf(yield* offered(one), 2)
        assert.lengthOf(yield* offered(two), 2)
      })
    )
  )

  it.effect("offers a task only where its arch and its channel are", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, checkIn, makeTask, offered } = yield* stage()
        yield* checkIn(one)
        yield* makeTask({ arch: "s390x" })
        const here = yield* makeTask({ arch: "x86_64", channel: "createrepo" })
        assert.deepStrictEqual(yield* offered(one), [here])
      })
    )
  )

  it.effect("runs at most once in an interval", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, checkIn, makeTask, offered } = yield* stage({ runIntervalSeconds: 10 })
        yield* checkIn(one)
        assert.deepStrictEqual(yield* offered(one), [])
        const id = yield* makeTask()
        assert.deepStrictEqual(yield* offered(one), [])
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* offered(one), [id])
      })
    )
  )

  it.effect("does not offer again what a host has refused: for good, or for a quarter of an hour", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, one, two, checkIn, makeTask, offered, info } = yield* stage()
        yield* checkIn(one)
        const [hard, soft] = [yield* makeTask(), yield* makeTask()]
        yield* offered(one)
        const refuse = (id: number, isSoft: boolean) =>
          get(url, one, { method: "host.refuseTask", params: [id], keywords: { soft: isSoft, msg: "no" } })
        yield* refuse(hard, false)
        yield* refuse(soft, true)
        assert.deepInclude(yield* info(soft), { state: 0, host_id: null })
        assert.deepStrictEqual(yield* offered(one), [])
        yield* TestClock.adjust("901 seconds")
        yield* checkIn(one)
        assert.deepStrictEqual(yield* offered(one), [soft])
        yield* checkIn(two)
        assert.deepStrictEqual(yield* offered(two), [hard])
      })
    )
  )

  it.effect("takes back what is not opened in time, and takes that for a refusal of a host that is there", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, two, checkIn, makeTask, offered, info } = yield* stage()
        yield* checkIn(one)
        const id = yield* makeTask()
        assert.deepStrictEqual(yield* offered(one), [id])
        yield* TestClock.adjust("301 seconds")
        yield* checkIn(one)
        yield* checkIn(two)
        // This run takes it back; the next one gives it to the other host.
        assert.deepStrictEqual(yield* offered(two), [])
        assert.deepInclude(yield* info(id), { state: 0, host_id: null })
        assert.deepStrictEqual(yield* offered(two), [id])
      })
    )
  )

  it.effect("frees the tasks of a host that has fallen silent", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { one, two, checkIn, makeTask, offered, info, tell } = yield* stage()
        yield* checkIn(one)
        const id = yield* makeTask()
        yield* offered(one)
        yield* tell(one, "host.openTask", id)
        yield* TestClock.adjust("800 seconds")
        yield* checkIn(two)
        yield* offered(two)
        assert.strictEqual((yield* info(id)).state, 1)
        yield* TestClock.adjust("101 seconds")
        yield* checkIn(two)
        yield* offered(two)
        assert.deepStrictEqual(yield* offered(two), [id])
      })
    )
  )

  it.effect("passes over hosts that are not ready, silent, or disabled", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, one, checkIn, makeTask, offered } = yield* stage()
        const id = yield* makeTask()
        yield* checkIn(one, 10, false)
        assert.deepStrictEqual(yield* offered(one), [])
        yield* checkIn(one)
        yield* TestClock.adjust("181 seconds")
        assert.deepStrictEqual(yield* offered(one), [])
        yield* checkIn(one)
        yield* get(url, admin, { method: "disableHost", params: ["builder1"] })
        assert.deepStrictEqual(yield* offered(one), [])
        yield* get(url, admin, { method: "enableHost", params: ["builder1"] })
        assert.deepStrictEqual(yield* offered(one), [id])
      })
    )
  )
})
