/** That the comparison sees what it is there to see: it is only worth what it would find. */
import { assert, describe, it } from "@effect/vitest"
import { recorded, sessionOf } from "./Recorded.ts"
import { differences, partings, scriptOf } from "./Script.ts"
import type { Asked } from "./Shape.ts"

const session: ReadonlyArray<Asked> = sessionOf("B", "task8")
const theirs = scriptOf(session)
const found = (ours: ReadonlyArray<Asked>) =>
  differences(theirs, scriptOf(ours)).map(({ who, what }) => `${who}: ${what.replace(/\(.*/, "")}`)
const at = (method: string) => session.findIndex((one) => one.method === method)
const changed = (method: string, change: (one: Asked) => Partial<Asked>): ReadonlyArray<Asked> =>
  session.map((one, index) => (index === at(method) ? { ...one, ...change(one) } : one))

describe("two sessions held against each other", () => {
  it("do not differ when they are the same", () => {
    assert.isAbove(theirs.calls.length, 12)
    assert.isAbove(theirs.uploads.length, 8)
    assert.deepStrictEqual(found(session), [])
  })

  it("differ by any call that one of them leaves out, each of all that there are", () => {
    for (const [index, { method, file }] of session.entries()) {
      if (file !== null || method === "checkUpload") continue
      assert.deepStrictEqual(found(session.toSpliced(index, 1)), [`kojid: ${method}`])
    }
  })

  it("differ by a call that one of them adds, or makes twice", () => {
    const extra: Asked = { method: "getEvent", params: [], keywords: {}, file: null }
    assert.deepStrictEqual(found(session.toSpliced(4, 0, extra)), ["we: getEvent"])
    const again = session[at("host.newBuildRoot")]
    assert.isDefined(again)
    if (again !== undefined) {
      assert.deepStrictEqual(found(session.toSpliced(at("host.newBuildRoot"), 0, again)), ["we: host.newBuildRoot"])
    }
  })

  it("differ by an argument of another type, in another place, or under another name", () => {
    const both = (method: string) => [`kojid: ${method}`, `we: ${method}`]
    const cases: ReadonlyArray<readonly [string, (one: Asked) => Partial<Asked>]> = [
      ["repoInfo", () => ({ keywords: {} })],
      ["repoInfo", ({ keywords }) => ({ keywords: { ...keywords, event: null } })],
      ["repoInfo", () => ({ params: ["one"] })],
      ["getBuildConfig", ({ keywords }) => ({ keywords: { evnt: keywords["event"] ?? null } })],
      ["getBuildConfig", ({ keywords }) => ({ keywords: { event: String(keywords["event"]) } })],
      ["host.newBuildRoot", ({ params }) => ({ params: [...params].reverse() })],
      ["host.setBuildRootState", ({ params }) => ({ params: [params[0] ?? null, "EXPIRED"] })],
      ["host.setBuildRootList", ({ params }) => ({ params: [params[0] ?? null, [{ name: "only" }]] })],
      ["host.closeTask", ({ params }) => ({ params: [params[0] ?? null, "not a document"] })]
    ]
    for (const [method, change] of cases) assert.deepStrictEqual(found(changed(method, change)), both(method), method)
  })

  it("differ by the order of two calls", () => {
    const [root, state] = [at("host.setBuildRootList"), at("host.setBuildRootState")]
    const swapped = session.map((one, index) => session[index === root ? state : index === state ? root : index] ?? one)
    const told = found(swapped)
    assert.isAbove(told.length, 0)
    assert.isTrue(told.every((line) => /setBuildRoot/.test(line)))
  })

  it("differ by a file that one of them does not upload, or uploads when the task has been reported", () => {
    const without = session.filter(({ file }) => !(file ?? "").endsWith("build.log"))
    assert.deepStrictEqual(found(without), ["kojid: upload of build.log"])
    const late = session.find(({ file }) => (file ?? "").endsWith("root.log"))
    assert.isDefined(late)
    if (late !== undefined)
      assert.deepStrictEqual(found([...session, late]), ["we: upload of root.log after the report"])
  })

  it("do not differ by numbers, by names, or by how often somebody looked", () => {
    const waits = sessionOf("B", "task6")
    const twice = waits.flatMap((one) => (one.method === "host.taskWait" ? [one, one] : [one]))
    assert.deepStrictEqual(differences(scriptOf(waits), scriptOf(twice)), [])
    const renumbered = session.map((one) => ({ ...one, params: one.params.map((value) => (value === 8 ? 99 : value)) }))
    assert.deepStrictEqual(found(renumbered), [])
    // Two builds of packages of other versions, by other tasks.
    assert.deepStrictEqual(differences(scriptOf(sessionOf("F", "task34")), scriptOf(sessionOf("G", "task38"))), [])
  })

  it("are told apart step by step, in order", () => {
    assert.deepStrictEqual(partings(["a", "b", "c"], ["a", "c", "d"]), [
      { who: "kojid", what: "b" },
      { who: "we", what: "d" }
    ])
  })

  it("are of all that was recorded", () => {
    assert.strictEqual(recorded("B").length, 292)
  })
})
