/** Which records can be run again, and what is said of those that cannot. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { aroundFile } from "../../src/inspect/Surroundings.ts"
import { placesFor, readRecord, stateDirectoryOf } from "../../src/workshop/ReadRecord.ts"
import { stepNames } from "../../src/workshop/RecordedBuild.ts"

const golden = (name: string) => join(import.meta.dirname, "../golden/v2", `${name}.jsonl`)
const directory = mkdtempSync(join(tmpdir(), "adjutant-record-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const read = (file: string, until: string | null = null) =>
  readRecord({ source: fileSource(file), around: (of) => aroundFile(file, of, null) }, until)
const refusal = (file: string, until: string | null = null) =>
  Effect.map(Effect.flip(read(file, until)), ({ message }) => message.slice(file.length))

/** A copy of a journal, changed line by line. */
const changed = (name: string, change: (lines: ReadonlyArray<string>) => ReadonlyArray<string>) => {
  const file = join(directory, "adjutant-events.log")
  writeFileSync(file, change(readFileSync(golden(name), "utf8").split("\n")).join("\n"))
  return file
}

describe("a record that is to be run again", () => {
  it.effect("is one of a task that runs containers and has a result", () =>
    Effect.gen(function* () {
      for (const name of [
        "buildArch.closed",
        "buildArch.failed",
        "rebuildSRPM.closed",
        "createrepo.child-of-newRepo.closed"
      ]) {
        const { recorded } = yield* read(golden(name))
        assert.isAbove(recorded.containers.size, 0, name)
      }
      const { recorded } = yield* read(golden("buildArch.closed"))
      assert.deepStrictEqual(
        recorded.results.map(({ name }) => name.replace(/-[^-]*-[^-]*$/, "")),
        recorded.results.map(() => "hello")
      )
      assert.isFalse(recorded.paths.includes("openTask"), "what the runner does is no part of the program")
    })
  )

  it.effect("is refused when its task runs nothing in a container", () =>
    Effect.gen(function* () {
      assert.match(
        yield* refusal(golden("build.closed")),
        /^: task \d+ is a build, which runs nothing in a container; run again are buildArch, rebuildSRPM, createrepo$/
      )
    })
  )

  it.effect("is refused when there is no result to compare with, unless it is to be stopped before", () =>
    Effect.gen(function* () {
      const unfinished = changed("buildArch.closed", (lines) => [...lines.slice(0, -4), ""])
      assert.match(yield* refusal(unfinished), /^: the record ends before a result: .*--until/)
      assert.match(yield* refusal(golden("buildArch.freed")), /that came to no result of its own \(freed: .*--until/)
      yield* read(unfinished, "build/1")
    })
  )

  it.effect("is refused with the names that there are when it has no step of that name", () =>
    Effect.gen(function* () {
      const { recorded } = yield* read(golden("buildArch.closed"))
      const said = yield* refusal(golden("buildArch.closed"), "build/17")
      assert.strictEqual(said, `: there is no step build/17; there are ${stepNames(recorded).join(", ")}`)
      assert.includeMembers([...stepNames(recorded)], ["init", "init/populate", "build/1", "upload"])
    })
  )

  it.effect("is refused from where it is damaged, and when it is none", () =>
    Effect.gen(function* () {
      const damaged = changed("buildArch.closed", (lines) =>
        lines.map((line, at) => (at === 9 ? line.replace('"at":1', '"at":2') : line))
      )
      assert.match(yield* refusal(damaged), /^:10: nothing from here on is believed: /)
      assert.match(yield* refusal(join(directory, "nothing")), /^: there is no such file/)
      writeFileSync(join(directory, "text"), "Subject: a build\n")
      assert.match(yield* refusal(join(directory, "text")), /^: this is not a journal; it begins with "Subject/)
    })
  )
})

describe("the source package of a record", () => {
  it.effect("is looked for where somebody says, or beside the journal, in the kept root, and in the hub's tree", () =>
    Effect.gen(function* () {
      const { recorded } = yield* read(golden("buildArch.closed"))
      const { task, attempt } = recorded.accepted
      const journal = `/state/tasks/${task}/${attempt}.jsonl`
      const places = yield* placesFor(recorded, { journal, source: null, tree: "http://hub/files" })
      assert.deepStrictEqual(
        places("cli-build/1/hello-1-2.src.rpm").map(({ top, relative }) => `${top}/${relative}`),
        [
          `/state/tasks/${task}/hello-1-2.src.rpm`,
          `/state/roots/${task}-${attempt}/builddir/build/originals/hello-1-2.src.rpm`,
          "http://hub/files/cli-build/1/hello-1-2.src.rpm",
          "http://hub/files/packages/hello/1/2/src/hello-1-2.src.rpm"
        ]
      )
      const said = yield* placesFor(recorded, { journal, source: "/elsewhere/hello.src.rpm", tree: null })
      assert.deepStrictEqual(said("cli-build/1/hello-1-2.src.rpm"), [{ top: "/elsewhere", relative: "hello.src.rpm" }])
    })
  )

  it("is in a state directory only when the journal's own place is one", () => {
    assert.strictEqual(stateDirectoryOf("/state/tasks/7/1.jsonl"), "/state")
    assert.isNull(stateDirectoryOf("/home/packager/adjutant-events.log"))
    assert.isNull(stateDirectoryOf("https://hub/work/tasks/7/7/adjutant-events.log"))
  })
})
