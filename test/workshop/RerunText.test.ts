/** What somebody reads of a re-run. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { progressText, reportText, rerunJson } from "../../src/cli/RerunText.ts"
import type { Screen } from "../../src/cli/Screen.ts"
import type { Outcome } from "../../src/core/AttemptEvent.ts"
import type { ContainerExit } from "../../src/engine/ContainerSpec.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { nothingAround } from "../../src/inspect/Surroundings.ts"
import { readRecord } from "../../src/workshop/ReadRecord.ts"
import type { RerunReport } from "../../src/workshop/Rerun.ts"
import type { FileVerdict } from "../../src/workshop/Results.ts"

const display: Screen = { width: 80, colours: false, live: false }
const golden = (name: string) =>
  Effect.map(
    readRecord(
      {
        source: fileSource(join(import.meta.dirname, "../golden/v2", `${name}.jsonl`)),
        around: () => nothingAround
      },
      null
    ),
    ({ recorded }) => recorded
  )

const success: Outcome = { _tag: "Success", result: { _tag: "Inline", value: null }, files: [] }
const ended = (change: Partial<RerunReport>): RerunReport => ({ end: null, outcome: success, files: [], ...change })
const file = (verdict: FileVerdict, name = "hello-1-1.x86_64.rpm") => ({ name, verdict, note: null })

describe("what is said of a build that was run again", () => {
  it.effect("is that it is the same: in every byte, or but for the time", () =>
    Effect.gen(function* () {
      const recorded = yield* golden("buildArch.closed")
      const identical = ended({ files: [file({ _tag: "Identical" })] })
      assert.strictEqual(
        reportText(recorded, identical, null, display),
        "hello-1-1.x86_64.rpm: identical\nIdentical: 1 file, every byte."
      )
      const later = ended({ files: [file({ _tag: "Identical" }), file({ _tag: "SameContents" }, "hello-1-1.src.rpm")] })
      assert.strictEqual(
        reportText(recorded, later, "/kept", display),
        "hello-1-1.x86_64.rpm: identical\nhello-1-1.src.rpm: the same but for the time of the build\n" +
          "The same: 2 files, but for the time of the build.\nResults, logs and journal are in /kept."
      )
      assert.strictEqual(rerunJson(recorded, later).verdict, "same")
    })
  )

  it.effect("is what differs, within the width, and only so much of it", () =>
    Effect.gen(function* () {
      const recorded = yield* golden("buildArch.closed")
      const changes = Array.from({ length: 50 }, (_, at) => ({
        ...{
          path: `/usr/share/hello/${at}`,
          what: "contents",
          before: "1 bytes, aa",
          after: `2 bytes, ${"b".repeat(60)}`
        }
      }))
      const [first, ...lines] = reportText(
        recorded,
        ended({ files: [file({ _tag: "Differs", changes }), file({ _tag: "NotMade" }, "hello-doc-1-1.noarch.rpm")] }),
        null,
        display
      ).split("\n")
      assert.strictEqual(first, "hello-1-1.x86_64.rpm: differs in 50 places")
      assert.match(lines[0] ?? "", /^ {2}\/usr\/share\/hello\/0, contents: 1 bytes, aa -> 2 bytes, b+\.\.\.$/)
      for (const line of lines) assert.isAtMost(line.length, 80)
      assert.deepStrictEqual(lines.slice(40), [
        "  and 10 more (--json has all)",
        "hello-doc-1-1.noarch.rpm: was made then, and not now",
        "Not the same."
      ])
    })
  )

  it.effect("is both ends when they are not those of a success", () =>
    Effect.gen(function* () {
      const recorded = yield* golden("buildArch.failed")
      assert.match(
        reportText(recorded, ended({ outcome: recorded.outcome }), null, display),
        /^recorded: BuildError: .*\nnow: {6}BuildError: .*\nIt fails with the same fault; whether for the same reason, its logs say\.$/
      )
      assert.match(
        reportText(recorded, ended({}), null, display),
        /^recorded: BuildError: .*\nnow: {6}success\nNot the same\.$/
      )
    })
  )

  it.effect("is why there is nothing to say about the build, when there is nothing", () =>
    Effect.gen(function* () {
      const recorded = yield* golden("buildArch.closed")
      const said = (report: Partial<RerunReport>) =>
        reportText(recorded, ended({ outcome: null, ...report }), "/kept", display).split("\n")
      assert.deepStrictEqual(said({ end: { _tag: "Missing", path: "init", message: "the image is \u001b[2Jgone" } }), [
        "It cannot go on at init: the image is \\x1b[2Jgone",
        "It says nothing about the build."
      ])
      assert.match(said({ end: { _tag: "Differs", path: "build/1" } })[0] ?? "", /another one: it asks for build\/1 /)
      assert.deepStrictEqual(said({ end: { _tag: "NotRecorded", path: "install/2" } }), [
        "It went another way: it asks for install/2, which the record does not have.",
        "Not the same."
      ])
      assert.include(
        said({ outcome: { _tag: "Freed", reason: "nothing answers" } }),
        "It says nothing about the build."
      )
    })
  )

  it("is, while it runs, what runs where, and how it ended then", () => {
    const exit = (code: number, seconds: number): ContainerExit => ({
      ...{ reason: { _tag: "Exited", code }, startedAt: 0, finishedAt: seconds * 1000 },
      ...{ outputBytes: 0, missingBytes: 0, committed: null }
    })
    assert.strictEqual(
      progressText({ _tag: "Ended", place: "build/1", exit: exit(1, 2), recorded: exit(0, 3) }, display),
      "  build/1           exit 1 after 2.0s (recorded: exit 0 after 3.0s)"
    )
    assert.strictEqual(
      progressText({ _tag: "Output", text: "one\n\n\u001b[31mtwo\u001b[m\n" }, display),
      "    | one\n    | two"
    )
  })
})
