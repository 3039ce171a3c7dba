import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Struct, Value } from "../../src/hub/Value.ts"
import type { HubOptions } from "../../src/hubsim/Options.ts"
import { seedBuilds, seedTag } from "../../src/hubsim/Seed.ts"
import { ask, builderLogin, get, login, shown, upload } from "./Client.ts"
import { freshHub, freshTopdir } from "./Hub.ts"
import { type Package, rpmFile, rpmName } from "./RpmFile.ts"

const packages: ReadonlyArray<Package> = [
  { name: "tool", version: "1", release: "1", arch: "src" },
  { name: "tool", version: "1", release: "1", arch: "x86_64" },
  { name: "tool", version: "1", release: "1", arch: "i686" },
  { name: "tool", version: "1", release: "1", arch: "s390x" },
  { name: "tool-debuginfo", version: "1", release: "1", arch: "x86_64", source: "tool-1-1.src.rpm" },
  { name: "tool-doc", version: "1", release: "1", arch: "noarch", source: "tool-1-1.src.rpm" }
]

const directoryOf = (files: ReadonlyArray<Package>) =>
  Effect.map(freshTopdir, (top) => {
    for (const rpm of files) writeFileSync(`${top}/${rpmName(rpm)}`, rpmFile(rpm))
    return top
  })

const start = 1_700_000_000_000

const stage = (options: Partial<HubOptions> = {}) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(start)
    const { url, hub, topdir } = yield* freshHub({ options: { runIntervalSeconds: 0, ...options } })
    yield* seedBuilds(hub, { directory: yield* directoryOf(packages), tag: "dist-test" })
    const builder = yield* builderLogin(url)
    const call = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
      Effect.map(get(url, builder, { method, params, keywords }), Object)
    const refused = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
      Effect.map(ask(url, builder, { method, params, keywords }), shown)
    yield* call("host.updateHost", [0, true])
    const read = (path: string) => readFileSync(`${topdir}/repos/dist-test-build/${path}`, "utf8")
    const admin = yield* login(url, "kojiadmin")
    /** A newRepo task, open here, with the files of one arch uploaded. */
    const uploaded = (names: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const task = Number(yield* get(url, admin, { method: "makeTask", params: ["createrepo", []] }))
        yield* call("host.getTasks")
        yield* call("host.openTask", [task])
        const filepath = `tasks/${task}/${task}`
        for (const filename of names) {
          yield* upload(url, builder, { filename, filepath, fileverify: "adler32" }, filename)
        }
        return filepath
      })
    return { url, hub, topdir, call, refused, read, uploaded, admin }
  })

describe("a repo", () => {
  it.effect("begins with what createrepo needs, for every arch of the tag", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, topdir, call, read } = yield* stage()
        yield* seedTag(hub, {
          name: "dist-test-build",
          arches: "x86_64 i686",
          parents: ["dist-test"],
          groups: { build: ["make", "bash & co"], "srpm-build": ["bash"] }
        })
        const [id, event] = yield* call("host.repoInit", ["dist-test-build"], { task_id: null, opts: {} })
        const info = yield* call("repoInfo", [id], { strict: true })
        assert.deepInclude(info, { id, create_event: event, state: 0, dist: false, custom_opts: {}, end_event: null })
        assert.deepStrictEqual(info.opts, { src: false, debuginfo: false, separate_src: false, maven: false })
        assert.deepStrictEqual(readdirSync(`${topdir}/repos/dist-test-build/${id}`).sort(), [
          "groups",
          "i386",
          "repo.json",
          "x86_64"
        ])
        assert.strictEqual(
          read(`${id}/x86_64/pkglist`),
          "toplink/packages/tool/1/1/x86_64/tool-1-1.x86_64.rpm\ntoplink/packages/tool/1/1/noarch/tool-doc-1-1.noarch.rpm\n"
        )
        assert.strictEqual(
          read(`${id}/i386/pkglist`),
          "toplink/packages/tool/1/1/i686/tool-1-1.i686.rpm\ntoplink/packages/tool/1/1/noarch/tool-doc-1-1.noarch.rpm\n"
        )
        assert.isTrue(existsSync(`${topdir}/repos/dist-test-build/${id}/x86_64/toplink/packages/tool/1/1`))
        assert.strictEqual(readlinkSync(`${topdir}/repos/dist-test-build/${id}/x86_64/toplink`), "../../../..")
        const [line] = read(`${id}/x86_64/rpmlist.jsonl`).split("\n")
        assert.deepInclude(JSON.parse(line ?? ""), {
          name: "tool",
          arch: "x86_64",
          epoch: null,
          build_id: 1,
          draft: false
        })
        assert.strictEqual(read(`${id}/x86_64/blocklist`), "")
        assert.deepInclude(JSON.parse(read(`${id}/repo.json`)), { id, tag: "dist-test-build", with_debuginfo: false })
        const comps = read(`${id}/groups/comps.xml`)
        assert.include(comps, "<id>build</id>")
        assert.include(
          comps,
          '<packagereq type="mandatory">bash &amp; co</packagereq>\n      <packagereq type="mandatory">make<'
        )
        assert.isBelow(comps.indexOf("<id>build</id>"), comps.indexOf("<id>srpm-build</id>"))
      })
    )
  )

  it.effect("holds sources and debuginfo where they are asked for", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused, read } = yield* stage()
        const opts = { debuginfo: true, separate_src: true }
        const [id] = yield* call("host.repoInit", ["dist-test-build"], { opts })
        assert.include(read(`${id}/x86_64/pkglist`), "tool-debuginfo-1-1.x86_64.rpm")
        assert.strictEqual(read(`${id}/src/pkglist`), "toplink/packages/tool/1/1/src/tool-1-1.src.rpm\n")
        assert.deepStrictEqual((yield* call("repoInfo", [id])).custom_opts, opts)
        assert.deepStrictEqual(yield* refused("repo.request", ["dist-test-build"], { opts: { nonsense: true } }), {
          fault: [1019, "Invalid repo option: nonsense"]
        })
      })
    )
  )

  it.effect("is requested, made by a task of the hub's, done, and given to who asked", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { topdir, call, refused, read, uploaded } = yield* stage()
        const asked = yield* call("repo.request", ["dist-test-build"])
        assert.deepInclude(asked, { repo: null, duplicate: false })
        assert.deepInclude(asked.request, {
          active: true,
          tries: 0,
          task_id: null,
          repo_id: null,
          owner_name: "builder1"
        })
        assert.isTrue((yield* call("repo.request", ["dist-test-build"])).duplicate)
        const [offered] = yield* call("host.getTasks")
        assert.deepInclude(offered, { method: "newRepo", priority: 15 })
        const { request } = yield* call("getTaskInfo", [offered.id], { request: true })
        assert.deepStrictEqual(request, [
          { id: 2, name: "dist-test-build" },
          { opts: {}, __starstar: true }
        ])
        const status = yield* call("repo.checkRequest", [asked.request.id])
        assert.deepInclude(status.task, { id: offered.id, state: 4 })

        const [id] = yield* call("host.repoInit", [2], { opts: {}, task_id: offered.id })
        const filepath = yield* uploaded(["repomd.xml", "primary.xml.gz"])
        const data = { x86_64: [filepath, ["repomd.xml", "primary.xml.gz"]] }
        assert.deepStrictEqual(yield* refused("host.repoDone", [id, { x86_64: [filepath, ["other.xml"]] }]), {
          fault: [1000, `uploaded file missing: ${topdir}/work/${filepath}/other.xml`]
        })
        yield* call("host.repoDone", [id, data], { repo_json_updates: { cloned_from_repo_id: 7 } })
        assert.strictEqual(read(`${id}/x86_64/repodata/repomd.xml`), "repomd.xml")
        assert.strictEqual(read("latest/x86_64/repodata/primary.xml.gz"), "primary.xml.gz")
        assert.strictEqual(JSON.parse(read("latest/repo.json")).cloned_from_repo_id, 7)
        const done = yield* call("repo.checkRequest", [asked.request.id])
        assert.deepInclude(done.request, { active: false, repo_id: id })
        assert.deepInclude(done.repo, { id, state: 1 })
        assert.strictEqual((yield* call("repo.request", [2], { min_event: "last" })).repo.id, id)
        assert.strictEqual((yield* call("getRepo", [2])).id, id)
        assert.deepStrictEqual(yield* refused("host.repoDone", [id, data]), {
          fault: [1000, `Repo ${id} not in INIT state (got 1)`]
        })
      })
    )
  )

  it.effect("is not good enough any more once the tag has changed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { hub, call } = yield* stage()
        const [id, event] = yield* call("host.repoInit", [2])
        yield* call("host.repoDone", [id, {}])
        yield* TestClock.adjust("1 minute")
        yield* seedTag(hub, {
          name: "dist-test-build",
          arches: "x86_64",
          extra: { "rpm.macro.dist": ".x" },
          parents: ["dist-test"]
        })
        const last = Number(yield* call("tagLastChangeEvent", [2]))
        assert.isAbove(last, event)
        assert.strictEqual(Number(yield* call("tagFirstChangeEvent", [2], { after: event })), last)
        // Lag is allowed: without an event asked for, the repo may be a little old.
        assert.strictEqual((yield* call("repo.request", [2])).repo.id, id)
        assert.isNull((yield* call("repo.request", [2], { min_event: "last" })).repo)
        yield* call("host.getTasks")
        assert.strictEqual((yield* call("repoInfo", [id])).end_event, last)
        // The configuration of then can still be asked for.
        const extra = (config: Struct) => Object(config["extra"])["rpm.macro.dist"]
        assert.isUndefined(extra(yield* call("getBuildConfig", [2], { event })))
        assert.strictEqual(extra(yield* call("getBuildConfig", [2])), ".x")
      })
    )
  )

  it.effect("that a newer one has replaced expires after a while", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call } = yield* stage({ repoExpireSeconds: 3600 })
        const made = yield* Effect.forEach([1, 2], () =>
          Effect.gen(function* () {
            const [id] = yield* call("host.repoInit", [2])
            yield* call("host.repoDone", [id, {}])
            return id
          })
        )
        const states = Effect.forEach(made, (id) => Effect.map(call("repoInfo", [id]), (repo) => repo.state))
        yield* call("host.getTasks")
        assert.deepStrictEqual(yield* states, [1, 1])
        yield* TestClock.adjust("3601 seconds")
        yield* call("host.getTasks")
        assert.deepStrictEqual(yield* states, [2, 1])
      })
    )
  )

  it.effect("whose task fails is tried again, and then given up", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, call } = yield* stage({ repoRetries: 1 })
        const { request } = yield* call("repo.request", [2])
        for (let attempt = 0; attempt < 3; attempt++) {
          yield* call("host.updateHost", [0, true])
          const [task] = yield* call("host.getTasks")
          if (task !== undefined) yield* get(url, admin, { method: "cancelTask", params: [task.id] })
        }
        yield* call("host.getTasks")
        const after = (yield* call("repo.checkRequest", [request.id])).request
        assert.deepInclude(after, { active: false, tries: 2, repo_id: null })
      })
    )
  )

  it.effect("cannot be made to write outside of its tree", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused, topdir } = yield* stage()
        mkdirSync(`${topdir}/work/x`, { recursive: true })
        writeFileSync(`${topdir}/work/x/repomd.xml`, "")
        const [id] = yield* call("host.repoInit", [2])
        for (const data of [{ x86_64: ["../..", ["etc"]] }, { x86_64: ["x", ["../../../../evil"]] }]) {
          assert.match(JSON.stringify(yield* refused("host.repoDone", [id, data])), /Invalid path segment/)
        }
      })
    )
  )
})
