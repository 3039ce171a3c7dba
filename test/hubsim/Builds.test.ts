import { existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { seedBuilds, seedPackages } from "../../src/hubsim/Seed.ts"
import { ask, builderLogin, get, login, shown, upload } from "./Client.ts"
import { freshHub, freshTopdir } from "./Hub.ts"
import { type Package, rpmFile, rpmName } from "./RpmFile.ts"

const real = (name: string) => readFileSync(join(import.meta.dirname, "../fixtures/rpms", name))
const source = "adjutant-sample-1.0-1.src.rpm"
const binary = "adjutant-sample-1.0-1.x86_64.rpm"
const doc = "adjutant-sample-doc-1.0-1.noarch.rpm"

const sample = { name: "adjutant-sample", version: "1.0", release: "1", epoch: 2 }

const stage = Effect.gen(function* () {
  const { url, hub, topdir } = yield* freshHub({ options: { runIntervalSeconds: 0 } })
  const admin = yield* login(url, "kojiadmin")
  const builder = yield* builderLogin(url)
  const call = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
    Effect.map(get(url, builder, { method, params, keywords }), Object)
  const refused = (method: string, params: ReadonlyArray<Value> = [], keywords: Struct = {}) =>
    Effect.map(ask(url, builder, { method, params, keywords }), (answer) => Object(shown(answer)).fault)
  yield* call("host.updateHost", [0, true])
  const task = Number(yield* get(url, admin, { method: "build", params: ["x.src.rpm", "dist-test"] }))
  yield* call("host.getTasks")
  yield* call("host.openTask", [task])
  const filepath = `tasks/${task}/${task}`
  const send = (name: string, bytes: Uint8Array | string, below = "") =>
    Effect.gen(function* () {
      const query = { filename: name, filepath: `${filepath}${below}`, fileverify: "adler32", overwrite: "1" }
      yield* upload(url, builder, query, bytes)
      return `${filepath}${below}/${name}`
    })
  const init = (data: Struct = {}) => call("host.initBuild", [{ ...sample, task_id: task, source: "x", ...data }])
  return { url, hub, topdir, admin, builder, call, refused, task, send, init, filepath }
})

describe("a build", () => {
  it.live("is completed with real packages, which move into the tree", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { topdir, call, task, send, init, hub } = yield* stage
        const build = Number(yield* init({ extra: { source: { original_url: "x" } } }))
        const srpm = yield* send(source, real(source))
        const rpms = [yield* send(binary, real(binary)), yield* send(doc, real(doc))]
        const log = yield* send("build.log", "it went well\n")
        const [repo] = yield* call("host.repoInit", ["dist-test-build"])
        const root = Number(yield* call("host.newBuildRoot", [repo, "x86_64"], { task_id: task }))
        const brmap = Object.fromEntries([srpm, ...rpms].map((path) => [path, root]))
        const done = yield* call("host.completeBuild", [task, build, srpm, rpms, brmap], { logs: { x86_64: [log] } })
        assert.deepInclude(done, { id: build, build_id: build, state: 1, nvr: "adjutant-sample-1.0-1", task_id: task })
        assert.deepStrictEqual(done.extra, { source: { original_url: "x" } })
        const place = `${topdir}/packages/adjutant-sample/1.0/1`
        assert.deepStrictEqual(readFileSync(`${place}/x86_64/${binary}`), real(binary))
        assert.isTrue(existsSync(`${place}/noarch/${doc}`) && existsSync(`${place}/src/${source}`))
        assert.strictEqual(readFileSync(`${place}/data/logs/x86_64/build.log`, "utf8"), "it went well\n")
        const link = readlinkSync(`${topdir}/work/${rpms[0]}`)
        assert.strictEqual(link, `../../../../packages/adjutant-sample/1.0/1/x86_64/${binary}`)
        const listed = yield* call("listBuildRPMs", [build])
        assert.deepStrictEqual(
          Array.from(listed, (rpm) => `${Object(rpm).name}.${Object(rpm).arch} ${Object(rpm).buildroot_id}`),
          [`adjutant-sample.src ${root}`, `adjutant-sample.x86_64 ${root}`, `adjutant-sample-doc.noarch ${root}`]
        )
        assert.strictEqual((yield* call("getRPM", ["adjutant-sample-1.0-1.x86_64"])).build_id, build)
        yield* seedPackages(hub, "dist-test", ["adjutant-sample"])
        yield* call("host.tagBuild", [task, "dist-test", build])
        const [tagged] = yield* call("listTagged", ["dist-test-build"], { inherit: true, latest: true })
        assert.deepInclude(tagged, { id: build, tag_name: "dist-test" })
        assert.strictEqual(Number(yield* call("getAverageBuildDuration", ["adjutant-sample"], { age: 6 })) >= 0, true)
      })
    )
  )

  it.live("of a name is begun once, and again by its own task, or after it failed", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { topdir, call, refused, init, task } = yield* stage
        const build = Number(yield* init())
        assert.strictEqual(Number(yield* init()), build)
        yield* call("host.failBuild", [task, build])
        assert.strictEqual(Object(yield* call("getBuild", [build])).state, 3)
        assert.deepStrictEqual(yield* refused("host.failBuild", [task, build]), [
          1000,
          `cannot update build ${build}, state: FAILED`
        ])
        mkdirSync(`${topdir}/packages/adjutant-sample/1.0/1/stray`, { recursive: true })
        assert.strictEqual(Number(yield* init()), build)
        assert.isFalse(existsSync(`${topdir}/packages/adjutant-sample/1.0/1`))
        assert.deepStrictEqual(yield* refused("host.initBuild", [{ ...sample, task_id: task, name: "../x" }]), [
          1000,
          "unsafe file name '../x': it has a slash or a control character"
        ])
        assert.deepStrictEqual(yield* refused("host.initBuild", [{ name: "x", version: "1", task_id: task }]), [
          1000,
          "No release value for build"
        ])
      })
    )
  )

  it.live("is refused with files that are not what they seem, and nothing is moved", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { topdir, call, refused, task, send, init, filepath } = yield* stage
        const build = Number(yield* init())
        const srpm = yield* send(source, real(source))
        const rpm = yield* send(binary, real(binary))
        const log = yield* send("build.log", "log")
        const complete = (rpms: ReadonlyArray<string>, logs: Struct = {}, given = srpm, brmap: Struct = {}) =>
          Effect.map(refused("host.completeBuild", [task, build, given, rpms, brmap], { logs }), (fault) => `${fault}`)
        assert.strictEqual(yield* complete(["tasks/1/1/no.rpm"]), `1000,No such file: ${topdir}/work/tasks/1/1/no.rpm`)
        assert.match(yield* complete(["../x"]), /Invalid path segment/)
        assert.strictEqual(yield* complete([], {}, rpm), `1000,not a source package: ${topdir}/work/${rpm}`)
        assert.strictEqual(yield* complete([rpm], {}, srpm, { [rpm]: 99 }), "1000,no buildroot with ID: 99")
        const misnamed = yield* send("other-1.0-1.x86_64.rpm", real(binary))
        assert.strictEqual(
          yield* complete([misnamed]),
          `1000,bad filename: other-1.0-1.x86_64.rpm (expected ${binary})`
        )
        const foreign = { name: "foreign", version: "1", release: "1", arch: "x86_64" }
        const stray = yield* send(rpmName(foreign), rpmFile(foreign))
        assert.match(
          yield* complete([stray]),
          /srpm mismatch for .*: foreign-1-1\.src\.rpm \(expected adjutant-sample-1/
        )
        const garbage = yield* send("garbage.rpm", "no package at all")
        assert.match(yield* complete([garbage]), /^1,/)
        const again = yield* send("build.log", "another", "/sub")
        assert.match(
          yield* complete([rpm], { x86_64: [log, again] }),
          /Error importing build log\. .* already exists\.$/
        )
        assert.match(yield* complete([rpm], { x86_64: [`${filepath}/none.log`] }), /is not a regular file\.$/)
        assert.strictEqual((yield* call("getBuild", [build])).state, 0)
        assert.isFalse(existsSync(`${topdir}/packages/adjutant-sample`))
        yield* call("host.completeBuild", [task, build, srpm, [rpm]])
        assert.strictEqual(yield* complete([]), "1000,Unable to complete build: state is COMPLETE")
      })
    )
  )

  it.live("must be of the source that was announced", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { refused, task, send, init } = yield* stage
        const build = Number(yield* init({ epoch: 3 }))
        const srpm = yield* send(source, real(source))
        assert.deepStrictEqual(yield* refused("host.completeBuild", [task, build, srpm, []]), [
          1000,
          "Unable to complete build: epoch mismatch (build: 3, rpm: 2)"
        ])
      })
    )
  )

  it.live("keeps one of the noarch packages that two arches have built, if they are alike", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused, task, send, init } = yield* stage
        const build = Number(yield* init())
        const srpm = yield* send(source, real(source))
        const noarch: Package = { name: "adjutant-sample-doc", version: "1.0", release: "1", arch: "noarch", source }
        const first = yield* send(rpmName(noarch), rpmFile(noarch), "/a")
        const other = yield* send(rpmName(noarch), rpmFile({ ...noarch, requires: ["more"], summary: "else" }), "/b")
        const [code, text] = yield* refused("host.completeBuild", [task, build, srpm, [first, other]])
        assert.strictEqual(code, 1005)
        assert.match(
          text,
          /^The following noarch package built differently on different architectures: adjutant-sample-doc/
        )
        assert.match(text, /changed REQUIRES\nchanged SUMMARY/)
        const same = yield* send(rpmName(noarch), rpmFile(noarch), "/c")
        yield* call("host.completeBuild", [task, build, srpm, [first, same]])
        assert.lengthOf(Array.from(yield* call("listRPMs", [], { buildID: build, arches: "noarch" })), 1)
      })
    )
  )

  it.live("for scratch leaves its files below its owner's name, and no build", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { topdir, call, task, send } = yield* stage
        const srpm = yield* send(source, real(source))
        const rpm = yield* send(binary, real(binary))
        const log = yield* send("build.log", "log")
        yield* call("host.moveBuildToScratch", [task, srpm, [rpm]], { logs: { x86_64: [log] } })
        const place = `${topdir}/scratch/kojiadmin/task_${task}`
        assert.isTrue(existsSync(`${place}/${binary}`) && existsSync(`${place}/logs/x86_64/build.log`))
        const output = yield* call("listTaskOutput", [task])
        assert.sameMembers(Array.from(output), [source, binary, "build.log"])
        assert.deepStrictEqual(yield* call("listBuilds", [], { taskID: task }), [])
      })
    )
  )

  it.live("is canceled with its task", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, admin, call, task, init } = yield* stage
        const build = Number(yield* init())
        yield* get(url, admin, { method: "cancelBuild", params: [build] })
        assert.strictEqual((yield* call("getBuild", [build])).state, 4)
        assert.strictEqual((yield* call("getTaskInfo", [task])).state, 3)
      })
    )
  )

  it.live("of a package that is not on the tag's list is not tagged", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, refused, hub, task, send, init } = yield* stage
        const build = Number(yield* init())
        const tag = (name: string | number = "dist-test") => refused("host.tagBuild", [task, name, build])
        assert.deepStrictEqual(yield* tag(), [1003, "Package adjutant-sample not in list for dist-test"])
        yield* seedPackages(hub, "dist-test", ["adjutant-sample"])
        assert.deepStrictEqual(yield* tag(), [1003, "build adjutant-sample-1.0-1 not complete: state BUILDING"])
        yield* call("host.completeBuild", [task, build, yield* send(source, real(source)), []])
        assert.isUndefined(yield* tag())
        assert.deepStrictEqual(yield* tag(1), [1003, "build adjutant-sample-1.0-1 already tagged (dist-test)"])
      })
    )
  )
})

describe("packages from elsewhere", () => {
  it.live("become builds by their source, once", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { call, hub } = yield* stage
        const directory = yield* freshTopdir
        for (const name of [source, binary, doc]) writeFileSync(`${directory}/${name}`, real(name))
        const other = { name: "other", version: "2", release: "1", arch: "noarch" }
        writeFileSync(`${directory}/${rpmName(other)}`, rpmFile(other))
        const import_ = seedBuilds(hub, { directory, tag: "dist-test" })
        const builds = yield* import_
        assert.deepStrictEqual(
          builds.map((build) => [build.nvr, build.state]),
          [
            ["adjutant-sample-1.0-1", 1],
            ["other-2-1", 1]
          ]
        )
        const before = yield* call("getLastEvent")
        assert.deepStrictEqual(yield* import_, builds)
        assert.deepStrictEqual(yield* call("getLastEvent"), before)
        assert.lengthOf(Array.from(yield* call("listTagged", ["dist-test"])), 2)
        writeFileSync(`${directory}/${rpmName(other)}`, rpmFile({ ...other, summary: "not the same" }))
        rmSync(`${directory}/${binary}`)
        const again = yield* Effect.flip(import_)
        assert.match(again.message, /^the hub has a build other-2-1 already/)
      })
    )
  )
})
