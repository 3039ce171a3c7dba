/** What a build has left is read without being led astray by it. */
import { execFileSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { keepFiles } from "../../src/buildroot/ImageFiles.ts"
import { readResults } from "../../src/buildroot/SourceFile.ts"
import { Workspace } from "../../src/buildroot/Workspace.ts"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import { AttemptJournal } from "../../src/journal/AttemptJournal.ts"
import { layerMemory } from "../../src/journal/MemoryJournalStore.ts"

const rpm = join(import.meta.dirname, "../fixtures/rpms/adjutant-plain-0.1-3.adj.noarch.rpm")

const directory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-results-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("results", () => {
  it.effect("are the RPMs that are regular files; everything else is told by name", () =>
    Effect.gen(function* () {
      const base = yield* directory
      const made = join(base, "build/RPMS")
      mkdirSync(join(made, "directory.rpm"), { recursive: true })
      cpSync(rpm, join(made, "good.rpm"))
      symlinkSync(rpm, join(made, "link.rpm"))
      execFileSync("mkfifo", [join(made, "fifo.rpm")])
      writeFileSync(join(made, "text.rpm"), "no package")
      writeFileSync(join(made, "readme"), "nor this")
      const { files, strange } = yield* readResults(base, made)
      assert.deepStrictEqual(
        files.map(({ name, header }) => [name, header.name]),
        [["good.rpm", "adjutant-plain"]]
      )
      assert.deepStrictEqual(strange, [
        "fifo.rpm is not a regular file",
        "link.rpm is not a regular file",
        "readme is not an RPM",
        "text.rpm: not an RPM file (byte 0)"
      ])
    })
  )

  it.effect("are not sought behind a link, wherever on the way it lies", () =>
    Effect.gen(function* () {
      const base = yield* directory
      const elsewhere = yield* directory
      mkdirSync(join(elsewhere, "RPMS"))
      cpSync(rpm, join(elsewhere, "RPMS/secret.rpm"))
      mkdirSync(join(base, "build"))
      symlinkSync(join(elsewhere, "RPMS"), join(base, "build/RPMS"))
      symlinkSync(elsewhere, join(base, "other"))
      for (const [path, link] of [
        ["build/RPMS", "build/RPMS"],
        ["other/RPMS", "other"]
      ] as const) {
        const read = yield* Effect.result(readResults(base, join(base, path)))
        assert.isTrue(Result.isFailure(read))
        if (Result.isFailure(read)) {
          assert.strictEqual(read.failure.message, `${link} is a link: nothing is taken from it`)
        }
      }
    })
  )

  it.effect("of a step that installed packages are plain files of known names, and nothing that a link leads to", () =>
    Effect.gen(function* () {
      const out = yield* directory
      const elsewhere = yield* directory
      const { captures, fresh } = yield* Workspace
      const victim = join(elsewhere, "victim.log")
      writeFileSync(victim, "untouched")
      writeFileSync(join(captures, "install-1-install.out"), "what was said")
      writeFileSync(join(out, "state.tar"), "what dnf has to know")
      mkdirSync(join(out, "log"))
      writeFileSync(join(out, "log/dnf.log"), "what dnf did")
      for (const name of ["transcript", "record.json", "used", "log/hawkey.log"]) symlinkSync(victim, join(out, name))
      const linked = yield* fresh("linked")
      symlinkSync(elsewhere, join(linked, "log"))
      const request = {
        step: "install/1",
        captures: [join(captures, "install-1-install.out")],
        state: out,
        logs: [linked, out]
      }
      const kept = yield* keepFiles(request)
      const seen = execFileSync("find", [".", "-type", "f"], { cwd: kept }).toString().split("\n").sort()
      assert.deepStrictEqual(seen, ["", "./log/dnf.log", "./state.tar", "./transcript"])
      assert.strictEqual(execFileSync("find", [".", "-type", "l"], { cwd: kept }).toString(), "")
      assert.strictEqual(readFileSync(victim, "utf8"), "untouched")

      rmSync(join(out, "state.tar"))
      symlinkSync(victim, join(out, "state.tar"))
      const refused = yield* Effect.flip(keepFiles(request))
      assert.match(refused.message, /^the root left no state to build on: ELOOP/)
    }).pipe(
      Effect.provide(
        Layer.unwrap(
          Effect.map(directory, (path) => Workspace.layer(path, TaskId.make(7), AttemptNumber.make(1)))
        ).pipe(
          Layer.provide(AttemptJournal.layer(TaskId.make(7), AttemptNumber.make(1)).pipe(Layer.provide(layerMemory)))
        )
      )
    )
  )
})
