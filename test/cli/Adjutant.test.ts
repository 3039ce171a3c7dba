import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import manifest from "../../package.json" with { type: "json" }
import * as Examples from "../inspect/examples.ts"
import { adjutant } from "./command.ts"

const state = mkdtempSync(join(tmpdir(), "adjutant-cli-"))
afterAll(() => rmSync(state, { recursive: true }))
mkdirSync(join(state, "tasks/4711"), { recursive: true })
mkdirSync(join(state, "work/4711-1/captures"), { recursive: true })
const journal = join(state, "tasks/4711/1.jsonl")
writeFileSync(journal, Examples.journalOf(Examples.failed().events))
writeFileSync(
  join(state, "work/4711-1/captures/build-rpmbuild.out"),
  "cc -c hello.c\n\x1b[31merror\x1b[0m: \x1b]0;bad\x07\n"
)
const damaged = join(state, "damaged.log")
writeFileSync(damaged, Examples.journalOf(Examples.good().events).replace('"step":"source"', '"step":"sauce"'))

describe("the command", () => {
  it.live("tells what there is", () =>
    Effect.gen(function* () {
      const help = yield* adjutant(["--help"])
      assert.strictEqual(help.code, 0)
      for (const name of ["daemon", "log", "verify", "completions"]) assert.include(help.out, `  ${name} `)
      assert.strictEqual(help.err, "")
      const version = yield* adjutant(["--version"])
      assert.deepStrictEqual(version, { code: 0, out: `adjutant ${manifest.version}\n`, err: "" })
    })
  )

  it.live("names a mistake, shows the way to help, and leaves with the code for it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* adjutant(["log"]), {
        code: 64,
        out: "",
        err: 'adjutant log: Missing required argument: task|file|url\nTry "adjutant log --help".\n'
      })
      const unknown = yield* adjutant(["verfy", "x"])
      assert.strictEqual(unknown.code, 64)
      assert.match(unknown.err, /Did you mean this\?\n {4}verify/)
      const many = yield* adjutant(["log", "1", "-n", "-5", "--bogus"])
      assert.strictEqual(many.code, 64)
    })
  )

  it.live("leaves as kojid does when the daemon's options make no sense", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* adjutant(["daemon", "--nonsense"])).code, 2)
      assert.strictEqual((yield* adjutant(["daemon", "stray"])).code, 2)
    })
  )

  it.live("has kojid's options for the daemon", () =>
    Effect.gen(function* () {
      const { out } = yield* adjutant(["daemon", "--help"])
      const options =
        "config user password fg force-lock verbose debug debug-task debug-xmlrpc debug-mock skip-main maxjobs minspace " +
        "sleeptime admin-emails topdir topurl workdir chroot-tmpdir pluginpath mockdir mockuser server plugin pkgurl"
      for (const option of options.split(" ")) assert.match(out, new RegExp(`^  --${option}[ ,]`, "m"))
      for (const short of ["--config, -c", "--fg, -f", "--verbose, -v", "--debug, -d", "--server, -s"]) {
        assert.include(out, short)
      }
    })
  )

  it.live("completes in three shells", () =>
    Effect.gen(function* () {
      for (const shell of ["bash", "zsh", "fish"]) {
        const { code, out } = yield* adjutant(["completions", shell])
        assert.strictEqual(code, 0)
        assert.include(out, "verify")
        assert.notInclude(out, "--completions")
      }
      assert.strictEqual((yield* adjutant(["completions", "tcsh"])).code, 64)
    })
  )
})

describe("log", () => {
  const log = (...args: ReadonlyArray<string>) => adjutant(["log", "--state-dir", state, "--log-dir", state, ...args])

  it.live("shows the newest attempt of a task, and the last output of what failed", () =>
    Effect.gen(function* () {
      const { code, out, err } = yield* log("4711")
      assert.strictEqual(code, 0)
      assert.strictEqual(err, "")
      assert.include(out, "BuildError: error building package (arch x86_64)")
      assert.include(out, "\nThe last 2 lines of its output, from ")
      assert.isTrue(out.endsWith("  | cc -c hello.c\n  | error: \\x1b]0;bad\\x07\n"))
      assert.match(out, /^[\x20-\x7e\n]*$/)
    })
  )

  it.live("paints for those who ask, and keeps to the columns there are", () =>
    Effect.gen(function* () {
      assert.include((yield* adjutant(["log", journal], { FORCE_COLOR: "1" })).out, "\x1b[1mTask 4711")
      const wide = yield* adjutant(["log", journal], { COLUMNS: "120" })
      assert.include(wide.out, "|=                     |")
      const narrow = yield* adjutant(["log", journal], { COLUMNS: "70" })
      for (const line of narrow.out.split("\n").slice(0, -4)) assert.isAtMost(line.length, 70)
    })
  )

  it.live("gives programs all of it as JSON", () =>
    Effect.gen(function* () {
      const { code, out } = yield* log("4711", "--json")
      assert.strictEqual(code, 0)
      const read = JSON.parse(out)
      assert.strictEqual(read.timeline.failedIn.step, "build/rpmbuild")
      assert.strictEqual(read.output.lines.length, 2)
      assert.isNull(read.problem)
    })
  )

  it.live("shows of a damaged journal what can be believed, and says where that ends", () =>
    Effect.gen(function* () {
      const { code, out, err } = yield* log(damaged)
      assert.strictEqual(code, 1)
      assert.include(out, "openTask")
      assert.notInclude(out, "source")
      assert.include(err, `${damaged}:6: nothing from here on is believed`)
    })
  )

  it.live("says what is wrong with what it was given", () =>
    Effect.gen(function* () {
      const expected: ReadonlyArray<readonly [string, RegExp]> = [
        ["4712", /^adjutant: .*no attempt of task 4712 is recorded below /],
        [state, /this is a directory/],
        [join(state, "nothing"), /there is no such file/],
        [join(state, "work/4711-1/captures/build-rpmbuild.out"), /this is not a journal/]
      ]
      for (const [what, message] of expected) {
        const { code, out, err } = yield* log(what)
        assert.strictEqual(code, 1)
        assert.strictEqual(out, "")
        assert.match(err, message)
        assert.strictEqual(err.trimEnd().split("\n").length, 1)
      }
    })
  )
})

describe("verify", () => {
  it.live("judges each file and leaves with 1 when one is bad", () =>
    Effect.gen(function* () {
      const good = yield* adjutant(["verify", journal])
      assert.deepStrictEqual(good, { code: 0, out: `${journal}: ok, 31 events of task 4711, attempt 1\n`, err: "" })
      const both = yield* adjutant(["verify", journal, damaged, "/nowhere"])
      assert.strictEqual(both.code, 1)
      assert.deepStrictEqual(both.out.split("\n"), [
        `${journal}: ok, 31 events of task 4711, attempt 1`,
        `${damaged}:6: DAMAGED: the chain is broken: its hash does not follow: it was changed, or belongs elsewhere; the 5 events before it hold`,
        "/nowhere: unreadable: there is no such file",
        ""
      ])
    })
  )

  it.live("tells programs one JSON line a file", () =>
    Effect.gen(function* () {
      const { code, out } = yield* adjutant(["verify", "--json", journal, damaged, "/nowhere"])
      assert.strictEqual(code, 1)
      const [good, bad, none] = out
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      assert.isNull(good.problem)
      assert.deepInclude(bad.problem, { line: 6, kind: "hash" })
      assert.strictEqual(none.unreadable, "missing")
    })
  )
})
