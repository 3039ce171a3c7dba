import { writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { seedBuilds, seedPackages, seedTag } from "../../src/hubsim/Seed.ts"
import { ask, get, login, shown } from "./Client.ts"
import { freshHub, freshTopdir } from "./Hub.ts"
import { rpmFile, rpmName } from "./RpmFile.ts"

const stage = Effect.gen(function* () {
  const { url, hub } = yield* freshHub()
  const admin = yield* login(url, "kojiadmin")
  const call = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
    Effect.map(get(url, admin, { method, params, keywords }), Object)
  const refused = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
    Effect.map(ask(url, admin, { method, params, keywords }), (answer) => Object(shown(answer)).fault)
  return { url, hub, admin, call, refused }
})

describe("a tag", () => {
  it.live("inherits arches and extras from the nearest that has them, but for what is blocked", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call } = yield* stage
        // In Koji a tag made without arches has none, which is not the same as not saying.
        yield* call("createTag", ["far"], { arches: "x86_64 i686", extra: { a: 1, b: 2, c: [1, "x"], d: null } })
        yield* call("createTag", ["near"], { parent: "far", extra: { a: "near" } })
        yield* call("createTag", ["child"], { parent: "near", extra: { e: true } })
        yield* call("editTag2", ["near"], { block_extra: ["b"] })
        const config = yield* call("getBuildConfig", ["child"])
        assert.deepStrictEqual(config.extra, { a: "near", c: [1, "x"], d: null, e: true })
        assert.strictEqual(config.config_inheritance.extra.c.name, "far")
        assert.strictEqual(config.arches, "")
        assert.deepStrictEqual((yield* call("getTag", ["child"])).extra, { e: true })
        yield* call("editTag2", ["near"], { remove_extra: ["a"] })
        assert.strictEqual((yield* call("getBuildConfig", ["child"])).extra.a, 1)
      })
    )
  )

  it.live("inherits in the order of priority, depth first, each tag once, and no loop for ever", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused } = yield* stage
        for (const name of ["a", "b", "c", "d"]) yield* call("createTag", [name])
        const [a, b, c, d] = yield* Effect.forEach(["a", "b", "c", "d"], (name) =>
          Effect.map(call("getTag", [name]), (tag) => Number(tag.id))
        )
        const link = (parent: number | undefined, priority: number, more = {}) => ({
          ...{ parent_id: parent ?? 0, priority, maxdepth: null, intransitive: false, noconfig: false, pkg_filter: "" },
          ...more
        })
        yield* call("setInheritanceData", ["a", [link(c, 10), link(b, 5)]])
        yield* call("setInheritanceData", ["b", [link(d, 0)]])
        yield* call("setInheritanceData", ["d", [link(a, 0)]])
        const order = () =>
          Effect.map(call("getFullInheritance", ["a"]), (links) =>
            Array.from(links, (each) => [Object(each).name, Object(each).currdepth])
          )
        assert.deepStrictEqual(yield* order(), [
          ["b", 1],
          ["d", 2],
          ["c", 1]
        ])
        yield* call("setInheritanceData", ["b", [link(d, 0, { intransitive: true })]])
        assert.deepStrictEqual(yield* order(), [
          ["b", 1],
          ["c", 1]
        ])
        assert.match(`${yield* refused("setInheritanceData", ["a", [link(d, 5)]])}`, /same priority value/)
        yield* call("setInheritanceData", ["a", [{ parent_id: b ?? 0, "delete link": true }]])
        assert.deepStrictEqual(yield* order(), [["c", 1]])
      })
    )
  )

  it.live("is what it was at every event", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call } = yield* stage
        const first = (yield* call("getLastEvent")).id
        yield* call("editTag2", ["dist-test-build"], { arches: "aarch64", extra: { x: 1 } })
        const then = yield* call("getTag", ["dist-test-build"], { event: first })
        assert.deepInclude(then, { arches: "x86_64", extra: { "mock.package_manager": "dnf" }, query_event: first })
        const now = yield* call("getTag", ["dist-test-build"])
        assert.deepInclude(now, { arches: "aarch64", extra: { "mock.package_manager": "dnf", x: 1 } })
        assert.deepStrictEqual(yield* call("getTag", ["dist-test-build", false, 0]), {})
      })
    )
  )

  it.live("lists what is tagged in it and above, where its package list lets it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, hub } = yield* stage
        const directory = yield* freshTopdir
        const releases = ["1", "2"]
        for (const release of releases) {
          const rpm = { name: "tool", version: "1", release, arch: "noarch" }
          writeFileSync(`${directory}/${rpmName(rpm)}`, rpmFile(rpm))
        }
        yield* seedBuilds(hub, { directory, tag: "dist-test" })
        const names = (keywords: Struct) =>
          Effect.map(call("listTagged", ["dist-test-build"], { inherit: true, ...keywords }), (builds) =>
            Array.from(builds, (build) => Object(build).nvr)
          )
        assert.deepStrictEqual(yield* names({}), ["tool-1-2", "tool-1-1"])
        assert.deepStrictEqual(yield* names({ latest: true }), ["tool-1-2"])
        assert.deepStrictEqual(yield* names({ package: "other" }), [])
        const [rpms, builds] = yield* call("listTaggedRPMS", ["dist-test-build"], {
          ...{ inherit: true, latest: true, arch: "noarch", rpmsigs: true }
        })
        assert.deepInclude(rpms[0], { name: "tool", release: "2", sigkey: "", extra: null })
        assert.lengthOf(builds, 1)
        // Tagging again makes it the latest.
        yield* call("tagBuildBypass", ["dist-test", "tool-1-1"], { force: true })
        assert.deepStrictEqual(yield* names({ latest: true }), ["tool-1-1"])
        yield* call("packageListBlock", ["dist-test-build", "tool"])
        assert.deepStrictEqual(yield* names({}), [])
        const config = yield* call("getPackageConfig", ["dist-test-build", "tool"])
        assert.deepInclude(config, { blocked: true, tag_name: "dist-test-build", owner_name: "kojiadmin" })
      })
    )
  )

  it.live("set up twice is set up once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, hub } = yield* stage
        const before = yield* call("getLastEvent")
        yield* seedTag(hub, {
          name: "dist-test-build",
          arches: "x86_64",
          extra: { "mock.package_manager": "dnf" },
          parents: ["dist-test"],
          groups: { build: ["bash", "make"], "srpm-build": ["bash"] }
        })
        assert.deepStrictEqual(yield* call("getLastEvent"), before)
        yield* seedPackages(hub, "dist-test", ["a", "b"])
        const after = yield* call("getLastEvent")
        yield* seedPackages(hub, "dist-test", ["a", "b"])
        assert.deepStrictEqual(yield* call("getLastEvent"), after)
        const groups = Array.from(yield* call("getTagGroups", ["dist-test-build"]), Object)
        assert.sameMembers(
          groups.find(({ name }) => name === "build").packagelist.map((each: Struct) => each["package"]),
          ["bash", "make"]
        )
      })
    )
  )
})
