import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { seedBuilds } from "../../src/hubsim/Seed.ts"
import { ask, builderLogin, get, login, shown } from "./Client.ts"
import { freshHub, freshTopdir } from "./Hub.ts"
import { rpmFile, rpmName } from "./RpmFile.ts"

const bash = { name: "bash", version: "5.2", release: "1", arch: "x86_64" }
const entry = { ...bash, epoch: null, size: 1, buildtime: 2, payloadhash: "00" }

const stage = Effect.gen(function* () {
  const { url, hub } = yield* freshHub({ options: { runIntervalSeconds: 0 } })
  const directory = yield* freshTopdir
  writeFileSync(`${directory}/${rpmName(bash)}`, rpmFile(bash))
  yield* seedBuilds(hub, { directory, tag: "dist-test" })
  const admin = yield* login(url, "kojiadmin")
  const builder = yield* builderLogin(url)
  const call = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
    get(url, builder, { method, params, keywords })
  const refused = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
    Effect.map(ask(url, builder, { method, params, keywords }), (answer) => Object(shown(answer)).fault)
  yield* call("host.updateHost", [0, true])
  const task = Number(yield* get(url, admin, { method: "makeTask", params: ["sleep", [1]] }))
  yield* call("host.getTasks")
  yield* call("host.openTask", [task])
  const [repo] = Object(yield* call("host.repoInit", ["dist-test-build"]))
  const root = Number(yield* call("host.newBuildRoot", [repo, "x86_64"], { task_id: task }))
  const content = Effect.map(call("listRPMs", [], { componentBuildrootID: root }), (rows) =>
    Array.from(Object(rows), (row) => [Object(row).name, Object(row).is_update])
  )
  const state = Effect.map(call("getBuildroot", [root]), (found) => Object(found).state)
  return { url, admin, call, refused, task, repo, root, content, state }
})

describe("a buildroot", () => {
  it.live("goes from INIT to BUILDING to EXPIRED, and never back", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused, root, state } = yield* stage
        const set = (value: string | number) => refused("host.setBuildRootState", [root, value])
        assert.strictEqual(yield* state, 0)
        yield* call("host.setBuildRootState", [root, "BUILDING"])
        assert.strictEqual(yield* state, 2)
        assert.deepStrictEqual(yield* set("INIT"), [1000, "Cannot change buildroot state to INIT"])
        yield* call("host.setBuildRootState", [root, 3])
        assert.strictEqual(yield* state, 3)
        assert.isUndefined(yield* set("EXPIRED"))
        assert.deepStrictEqual(yield* set("BUILDING"), [1000, `buildroot ${root} is EXPIRED`])
        const [row] = Object(yield* call("listBuildroots", [], { hostID: 1, state: [3] }))
        assert.deepInclude(row, { id: root, tag_name: "dist-test-build", br_type: 0, cg_name: null, arch: "x86_64" })
        assert.isNumber(row.retire_event_id)
        assert.deepStrictEqual(yield* call("listBuildroots", [], { hostID: 1, state: [0, 1, 2] }), [])
      })
    )
  )

  it.live("takes its list while it is INIT, and more of it while it is BUILDING", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused, root, content } = yield* stage
        assert.deepStrictEqual(yield* refused("host.updateBuildRootList", [root, [entry]]), [
          1000,
          `buildroot ${root} in wrong state 0`
        ])
        yield* call("host.setBuildRootList", [root, [entry]])
        assert.deepStrictEqual(yield* content, [["bash", false]])
        yield* call("host.setBuildRootState", [root, "BUILDING"])
        yield* call("host.updateBuildRootList", [root, [entry]])
        assert.deepStrictEqual(yield* content, [["bash", false]])
        assert.deepStrictEqual(yield* refused("host.setBuildRootList", [root, [entry]]), [
          1000,
          `buildroot ${root} in wrong state 2`
        ])
      })
    )
  )

  it.live("holds no package that the hub does not know", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { refused, root, content } = yield* stage
        const unknown = { name: "nope", version: "1", release: "1", arch: "noarch" }
        assert.deepStrictEqual(yield* refused("host.setBuildRootList", [root, [entry, unknown]]), [
          1000,
          "No such rpm: {'name': 'nope', 'version': '1', 'release': '1', 'arch': 'noarch'}"
        ])
        // All or nothing.
        assert.deepStrictEqual(yield* content, [])
      })
    )
  )

  it.live("learns of packages of an external repo, which must not change", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, call, refused, root, repo, content } = yield* stage
        const made = yield* get(url, admin, {
          method: "createExternalRepo",
          params: ["elsewhere", "http://elsewhere/x"]
        })
        const { id } = Object(made)
        yield* get(url, admin, { method: "addExternalRepoToTag", params: ["dist-test", id, 5] })
        const [listed] = Object(yield* call("getExternalRepoList", ["dist-test-build"]))
        assert.deepInclude(listed, {
          external_repo_id: id,
          url: "http://elsewhere/x/",
          merge_mode: "koji",
          arches: null
        })
        const external = { ...entry, name: "foreign", location: id }
        yield* call("host.setBuildRootList", [root, [external, entry]])
        assert.deepStrictEqual(yield* content, [
          ["bash", false],
          ["foreign", false]
        ])
        const other = Number(yield* call("host.newBuildRoot", [repo, "x86_64"]))
        assert.deepStrictEqual(yield* refused("host.setBuildRootList", [other, [{ ...external, payloadhash: "11" }]]), [
          1000,
          "hash changed for external rpm: foreign-5.2-1.x86_64@elsewhere (00 -> 11)"
        ])
      })
    )
  )

  it.live("belongs to its host and its task", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, refused, root, repo, task } = yield* stage
        const other = yield* builderLogin(url, "builder2")
        const answer = yield* ask(url, other, { method: "host.setBuildRootState", params: [root, "EXPIRED"] })
        assert.deepStrictEqual(shown(answer), { fault: [1004, `Host 2 not owner of buildroot ${root}`] })
        assert.deepStrictEqual(yield* refused("host.setBuildRootState", [999, "EXPIRED"]), [
          1000,
          "no buildroot with ID: 999"
        ])
        assert.deepStrictEqual(yield* refused("host.newBuildRoot", [repo, "x86 64;"]), [
          1000,
          "Architecture can be only [a-zA-Z0-9_-]"
        ])
        assert.deepStrictEqual(yield* refused("host.newBuildRoot", [repo, "x86_64"], { task_id: task + 1 }), [
          1000,
          "query returned no rows"
        ])
      })
    )
  )
})
