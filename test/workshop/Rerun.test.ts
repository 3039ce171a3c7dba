/** A recorded build run again, on an engine in memory: the record is a real daemon's, the programs are the model's. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, type Schema } from "effect"
import type { StepValue } from "../../src/core/AttemptEvent.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { label } from "../../src/engine/Labels.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { verify } from "../../src/inspect/Verify.ts"
import { ValueMissing } from "../../src/journal/ReplayDoor.ts"
import { type RerunRequest, rerun, type Stop } from "../../src/workshop/Rerun.ts"
import { verdictOf } from "../../src/workshop/Verdict.ts"
import { hello } from "../tasks/building.ts"
import { away, everything, inScene, verdicts } from "./scene.ts"

describe("a recorded build that is run again", { timeout: 60_000 }, () => {
  it.live("does anew what was done in containers, on roots made of the same packages, and comes to the same", () =>
    inScene(hello, hello, ({ request, recorded, ran, said, asked, directory }) =>
      Effect.gen(function* () {
        const report = yield* rerun(request)
        assert.strictEqual(verdictOf(recorded, report), "same", JSON.stringify(report))
        assert.deepStrictEqual(verdicts(report), [
          "hello-1.0-1.src.rpm: Identical",
          "hello-1.0-1.x86_64.rpm: Identical"
        ])
        assert.deepStrictEqual(ran, everything)
        assert.deepStrictEqual(said, [`source ${directory}/top/work/cli-build/hello-1.0-1.src.rpm`])
        const [was, is] = [recorded.containers.get("build/2")?.spec, asked.get("build/2")]
        assert.deepStrictEqual(is?.command, was?.command)
        assert.deepStrictEqual(is?.environment, was?.environment)
        // The record's limits, as far as this machine's own allow.
        const allowed = Object.entries(request.local.limits).map(([name, ours]) => {
          const theirs = Number(Object(was?.limits)[name])
          return [name, name === "cpus" ? Math.min(ours, theirs, availableParallelism()) : Math.min(ours, theirs)]
        })
        assert.deepStrictEqual(is?.limits, Object.fromEntries(allowed))
        assert.notStrictEqual(is?.labels[label.instance], was?.labels[label.instance])
        // Where packages are fetched, and nowhere else, this machine's authorities are trusted.
        const shown = (step: string) =>
          asked.get(step)?.mounts.filter(({ target }) => target.endsWith("/ca-bundle.crt"))
        assert.deepStrictEqual(shown("build/2"), [])
        assert.deepStrictEqual(
          shown("init/populate")?.map(({ source, readOnly }) => [source.startsWith(`${request.below}/`), readOnly]),
          [[true, true]]
        )
        const kept = readdirSync(request.keep ?? "").sort()
        for (const name of ["adjutant-events.log", "build.log", "root.log", "hello-1.0-1.x86_64.rpm"]) {
          assert.include(kept, name)
        }
        const found = yield* verify(fileSource(join(request.keep ?? "", "adjutant-events.log")))
        assert.isNull(found.problem)
      })
    )
  )

  it.live("tells the packages that differ, and in what", () => {
    const packages = [
      { name: "hello", arch: "target" },
      { name: "hello-data", arch: "noarch" }
    ] as const
    return inScene({ ...hello, packages }, { ...hello, packages: packages.slice(0, 1), epoch: 2 }, (scene) =>
      Effect.gen(function* () {
        const report = yield* rerun(scene.request)
        assert.strictEqual(verdictOf(scene.recorded, report), "differs")
        assert.deepStrictEqual(verdicts(report), [
          "hello-1.0-1.src.rpm: Differs",
          "hello-1.0-1.x86_64.rpm: Differs",
          "hello-data-1.0-1.noarch.rpm: NotMade"
        ])
        const [, binary] = report.files
        const changes = binary?.verdict._tag === "Differs" ? binary.verdict.changes : []
        assert.deepStrictEqual(changes, [{ path: null, what: "epoch", before: null, after: "2" }])
        assert.isNull(binary?.note)
      })
    )
  })

  it.live(
    "says that what differs cannot be told without the originals, and that a digest of the contents is enough",
    () =>
      inScene(hello, { ...hello, epoch: 2 }, ({ request, recorded }) =>
        Effect.gen(function* () {
          const report = yield* rerun({ ...request, against: null, keep: null })
          assert.deepStrictEqual(verdicts(report), [
            "hello-1.0-1.src.rpm: OtherBytes",
            "hello-1.0-1.x86_64.rpm: OtherBytes"
          ])
          assert.deepStrictEqual([...recorded.contents.keys()].sort(), recorded.results.map(({ name }) => name).sort())
        })
      )
  )

  it.live("fails again in the same way, and then that is the same", () =>
    inScene({ ...hello, end: { exit: 1 } }, { ...hello, end: { exit: 1 } }, ({ request, recorded, ran }) =>
      Effect.gen(function* () {
        const report = yield* rerun(request)
        assert.strictEqual(verdictOf(recorded, report), "same", JSON.stringify(report))
        assert.strictEqual(report.outcome?._tag, "Fault")
        assert.deepStrictEqual(ran, everything)
        assert.include(readFileSync(join(request.keep ?? "", "build.log"), "utf8"), "Executing(%build)")
      })
    )
  )

  it.live("differs when it no longer fails, or fails now, and shows the last that was said", () =>
    Effect.gen(function* () {
      yield* inScene({ ...hello, end: { exit: 1 } }, hello, ({ request, recorded }) =>
        Effect.map(rerun(request), (report) => assert.strictEqual(verdictOf(recorded, report), "differs"))
      )
      yield* inScene(hello, { ...hello, end: { signal: 11 } }, ({ request, recorded, said }) =>
        Effect.gen(function* () {
          const report = yield* rerun(request)
          assert.strictEqual(verdictOf(recorded, report), "differs")
          assert.include(said.at(-1), "+ make install")
        })
      )
    })
  )

  it.live("makes a source package again as well", () =>
    inScene(
      hello,
      hello,
      ({ request, recorded, ran }) =>
        Effect.gen(function* () {
          const report = yield* rerun(request)
          assert.strictEqual(verdictOf(recorded, report), "same", JSON.stringify(report))
          assert.deepStrictEqual(verdicts(report), ["hello-1.0-1.src.rpm: Identical"])
          assert.deepStrictEqual(ran, ["init/populate", "init/check", "build/source"])
          assert.deepStrictEqual([...recorded.contents.keys()], ["hello-1.0-1.src.rpm"])
        }),
      "rebuildSRPM"
    )
  )

  it.live("stops before a container, which can then be looked into", () =>
    inScene(hello, hello, ({ request, ran }) =>
      Effect.gen(function* () {
        const stops: Array<Stop> = []
        const look = (at: Stop) =>
          Effect.sync(() => {
            stops.push(at)
            assert.isTrue(existsSync(join(at.builddir, "build/originals/hello-1.0-1.src.rpm")))
          })
        const report = yield* rerun({ ...request, until: { step: "build/2", look } })
        assert.deepStrictEqual(report.end, { _tag: "Until", path: "build/2" })
        assert.deepStrictEqual(ran, everything.slice(0, -1))
        const [stop] = stops
        assert.strictEqual(stop?.spec?.labels[label.step], "build/2")
        assert.strictEqual(stop?.spec?.mounts[0]?.source, stop?.builddir)
      })
    )
  )

  it.live("stops before a step that runs nothing, with the container that was the last", () =>
    inScene(hello, hello, ({ request, ran }) =>
      Effect.gen(function* () {
        const stops: Array<Stop> = []
        const look = (at: Stop) => Effect.sync(() => void stops.push(at))
        const report = yield* rerun({ ...request, until: { step: "upload", look } })
        assert.deepStrictEqual(report.end, { _tag: "Until", path: "upload" })
        assert.deepStrictEqual(ran, everything)
        assert.strictEqual(stops[0]?.spec?.labels[label.step], "build/2")
      })
    )
  )

  it.live("goes another way when the build asks for more than it did", () =>
    inScene(hello, { ...hello, generated: [["zlib"]] }, ({ request, recorded }) =>
      Effect.gen(function* () {
        const report = yield* rerun(request)
        assert.deepStrictEqual(report.end, { _tag: "NotRecorded", path: "install/2" })
        assert.strictEqual(verdictOf(recorded, report), "differs")
      })
    )
  )

  it.live("says nothing about the build on a root of other packages", () =>
    inScene(hello, hello, ({ request, recorded, directory }) =>
      Effect.gen(function* () {
        const list = join(directory, "top/repos/model-build/1/x86_64/rpmlist.jsonl")
        const lines = readFileSync(list, "utf8").split("\n")
        const moved = lines.map((line) =>
          line.includes('"shell"') ? line.replace(/"version": ?"[^"]*"/, '"version":"9.9"') : line
        )
        assert.notDeepEqual(moved, lines)
        writeFileSync(list, moved.join("\n"))
        const report = yield* rerun(request)
        assert.strictEqual(verdictOf(recorded, report), "trouble")
        const message = report.end?._tag === "Missing" ? report.end.message : ""
        assert.match(
          message,
          /^the image \S+ is gone, and the repository makes another of it: - shell-.*\+ shell-9\.9-/
        )
      })
    )
  )

  it.live("says nothing about the build on a root of other builds of the same packages", () =>
    inScene(hello, hello, ({ request, recorded }) =>
      Effect.gen(function* () {
        const other = (value: StepValue) =>
          Effect.map(
            recorded.value(value),
            (decoded): Schema.Json =>
              JSON.parse(
                JSON.stringify(decoded).replace(/("name":"shell".*?"payloadhash":")\w{32}/, `$1${"0".repeat(32)}`)
              )
          )
        const report = yield* rerun({ ...request, recorded: { ...recorded, value: other } })
        assert.strictEqual(verdictOf(recorded, report), "trouble")
        const message = report.end?._tag === "Missing" ? report.end.message : ""
        assert.match(message, /makes another of it: - shell-\S+ \(0{32}\), \+ shell-\S+ \([0-9a-f]{32}\)$/)
      })
    )
  )

  it.live("does with a record that only names what was in its images: they are made again, and it says so", () =>
    inScene(hello, hello, ({ request, recorded, said }) =>
      Effect.gen(function* () {
        const apart = (value: StepValue) =>
          JSON.stringify(value).includes('"packages":[')
            ? Effect.fail(new ValueMissing({ digest: "0", bytes: 1, message: "not here" }))
            : recorded.value(value)
        const report = yield* rerun({ ...request, recorded: { ...recorded, value: apart } })
        assert.strictEqual(verdictOf(recorded, report), "same", JSON.stringify(report))
        assert.match(said[0] ?? "", /^what was in the image of init is kept in blobs\//)
      })
    )
  )

  it.live("does not take another source package for the one of the record, nor do without", () =>
    inScene(hello, hello, ({ request, directory }) =>
      Effect.gen(function* () {
        const place = join(directory, "top/work/cli-build/hello-1.0-1.src.rpm")
        const bytes = readFileSync(place)
        writeFileSync(place, Buffer.concat([bytes, Buffer.from("more")]))
        const other = yield* rerun(request)
        assert.match(
          other.end?._tag === "Missing" ? other.end.message : "",
          /^hello-1\.0-1\.src\.rpm is not to be had; .* is another one of that name \(recorded sha256 \w{12}\)/
        )
        const beside = join(directory, "beside")
        mkdirSync(beside)
        writeFileSync(join(beside, "hello-1.0-1.src.rpm"), bytes)
        const both = (relative: string) => [
          ...request.placesOf(relative),
          { top: beside, relative: "hello-1.0-1.src.rpm" }
        ]
        const right = yield* rerun({ ...request, keep: null, placesOf: both })
        assert.isNull(right.end, "the next place has it")
        rmSync(place)
        const none = yield* rerun({ ...request, keep: null })
        assert.match(
          none.end?._tag === "Missing" ? none.end.message : "",
          /^hello-1\.0-1\.src\.rpm is not to be had; --source says where it is\. .* does not exist/
        )
      })
    )
  )

  it.live("leaves nothing when it is interrupted in the middle of a build", () =>
    inScene(hello, { ...hello, end: "never" }, ({ request }) =>
      Effect.gen(function* () {
        const begun = yield* Deferred.make<void>()
        const tell: RerunRequest["tell"] = (progress) =>
          progress._tag === "Began" && progress.place === "build/2" ? Deferred.succeed(begun, undefined) : Effect.void
        const fiber = yield* Effect.forkChild(rerun({ ...request, tell }))
        yield* Deferred.await(begun)
        yield* Fiber.interrupt(fiber)
      })
    )
  )

  it.live("is not done in a directory that others can get into", () =>
    inScene(hello, hello, ({ request, ran }) =>
      Effect.gen(function* () {
        mkdirSync(request.below)
        chmodSync(request.below, 0o755)
        const { message } = yield* Effect.flip(rerun(request))
        assert.include(message, `${request.below}: it is open to group or others (mode 755)`)
        assert.include(message, "--work-dir")
        assert.deepStrictEqual(ran, [])
      })
    )
  )

  it.live("is not the same because another file is the same as what was made", () =>
    inScene(hello, { ...hello, epoch: 2 }, ({ request, recorded, directory }) =>
      Effect.gen(function* () {
        const first = yield* rerun(request)
        assert.include(verdicts(first), "hello-1.0-1.x86_64.rpm: Differs")
        const keep = join(directory, "kept again")
        mkdirSync(keep)
        const second = yield* rerun({ ...request, against: request.keep, keep })
        assert.include(verdicts(second), "hello-1.0-1.x86_64.rpm: OtherBytes")
        assert.strictEqual(verdictOf(recorded, second), "differs")
      })
    )
  )

  it.live("gives up when the engine goes away, and says so", () =>
    inScene(hello, hello, ({ request, recorded }) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const refusing = Engine.of({ ...engine, run: (spec) => Effect.fail(away(spec.name)) })
        const report = yield* rerun(request).pipe(Effect.provideService(Engine, refusing))
        assert.strictEqual(verdictOf(recorded, report), "trouble")
        assert.deepInclude(report.outcome, { _tag: "Freed" })
      })
    )
  )
})
