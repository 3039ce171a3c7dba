/** What `adjutant rerun` makes of its arguments, and of what came of a run. */
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { RerunEnded, RerunRun } from "../../src/cli/RerunCommand.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { nothingAround } from "../../src/inspect/Surroundings.ts"
import { readRecord } from "../../src/workshop/ReadRecord.ts"
import type { RerunReport } from "../../src/workshop/Rerun.ts"
import { adjutant } from "./here.ts"

const journal = join(import.meta.dirname, "../golden/v2/buildArch.failed.jsonl")
const recorded = readRecord({ source: fileSource(journal), around: () => nothingAround }, null).pipe(
  Effect.map(({ recorded }) => recorded),
  Effect.orDie
)

/** The command where a run comes to this; and what it was asked for. */
const running = (args: ReadonlyArray<string>, report: Partial<RerunReport>, looked: number | null = null) =>
  Effect.gen(function* () {
    const build = yield* recorded
    const asked: Array<RerunRun> = []
    const ended: RerunEnded = {
      ...{ recorded: build, looked },
      report: { end: null, outcome: build.outcome, files: [], ...report }
    }
    const rerun = (_: unknown, run: RerunRun) =>
      Effect.sync(() => {
        asked.push(run)
        return ended
      })
    const { code, out, err } = yield* adjutant(["rerun", ...args, journal], { rerun })
    return { code, out, err, asked: asked[0] }
  })

describe("adjutant rerun", () => {
  it.effect("leaves with 0 for the same, 1 for something else, 2 for nothing that can be compared", () =>
    Effect.gen(function* () {
      const same = yield* running([], {})
      assert.strictEqual(same.code, 0)
      assert.include(same.out, "It fails with the same fault;")
      const success = { _tag: "Success", result: { _tag: "Inline", value: null }, files: [] } as const
      assert.strictEqual((yield* running([], { outcome: success })).code, 1)
      const end = { _tag: "Missing", path: "init", message: "the image is gone" } as const
      const trouble = yield* running([], { end, outcome: null })
      assert.strictEqual(trouble.code, 2)
      assert.include(trouble.out, "the image is gone")
    })
  )

  it.effect("leaves with the exit code of what was run where it was stopped, and says so if it never was", () =>
    Effect.gen(function* () {
      const end = { _tag: "Until", path: "build/1" } as const
      const stopped = yield* running(["--until", "build/1", "--command", "true"], { end, outcome: null }, 7)
      assert.strictEqual(stopped.code, 7)
      assert.deepStrictEqual(stopped.asked?.until, { step: "build/1", command: "true" })
      const never = yield* running(["--until", "build/1"], {})
      assert.strictEqual(never.code, 2)
      assert.include(never.err, "it never came to build/1")
    })
  )

  it.effect("needs no daemon's configuration, and no hub's address", () =>
    Effect.gen(function* () {
      const { code, asked } = yield* running(["--config", import.meta.dirname, "--topurl", "/mnt/koji"], {})
      assert.strictEqual(code, 0)
      assert.strictEqual(asked?.tree, "/mnt/koji")
    })
  )

  it.effect("does not guess: which task, and where a command is to run", () =>
    Effect.gen(function* () {
      const { code, err } = yield* running(["--command", "true"], {})
      assert.strictEqual(code, 2)
      assert.include(err, "--command goes with --until")
      const unknown = yield* adjutant(["rerun", "--state-dir", "/nowhere", "4711"])
      assert.strictEqual(unknown.code, 2)
      assert.include(unknown.err, "/nowhere")
    })
  )

  it.effect("tells programs what it tells people", () =>
    Effect.gen(function* () {
      const { out } = yield* running(["--json"], {})
      assert.deepInclude(JSON.parse(out), { verdict: "same", files: [] })
    })
  )
})
