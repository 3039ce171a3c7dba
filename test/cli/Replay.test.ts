import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { AttemptEvent, happened } from "../../src/core/AttemptEvent.ts"
import { AttemptNumber, InstanceId, StepPath, TaskId } from "../../src/core/Ids.ts"
import { digestOf } from "../../src/journal/Canonical.ts"
import { buildStory } from "../inspect/builds.ts"
import * as Examples from "../inspect/examples.ts"
import { adjutant } from "./here.ts"

const state = mkdtempSync(join(tmpdir(), "adjutant-replay-"))
afterAll(() => rmSync(state, { recursive: true }))
const write = (name: string, contents: string): string => {
  mkdirSync(join(state, name, ".."), { recursive: true })
  writeFileSync(join(state, name), contents)
  return join(state, name)
}
const failed = write("tasks/4711/1.jsonl", Examples.journalOf(Examples.failed().events))
const fetched = write("fetched/adjutant-events.log", Examples.journalOf(Examples.failed().events))

/** The journal of a task that tags a build, as the runner and the program record it. */
const tagging = (build: number): string => {
  const step = (path: string, value: Schema.Json, input: Schema.Json = null) => [
    happened.StepIntended.make({ step: StepPath.make(path), rule: "repeat", input: digestOf(input) }),
    happened.StepSucceeded.make({ step: StepPath.make(path), value: { _tag: "Inline", value } })
  ]
  const task = TaskId.make(7)
  const attempt = AttemptNumber.make(1)
  const events: ReadonlyArray<AttemptEvent> = [
    happened.Accepted.make({
      task,
      attempt,
      method: "tagBuild",
      arch: "noarch",
      request: ["dest", 12],
      instance: InstanceId.make("i"),
      bootId: "b",
      version: "0"
    }),
    ...step("openTask", true, 7),
    ...step("owner", 3),
    ...step("build", { id: 12, name: "hello" }),
    ...step("tag", 5),
    ...step("tagBuild", null, ["dest", build, false, null]),
    ...step("notify/success", null),
    happened.ResultDecided.make({
      outcome: { _tag: "Success", result: { _tag: "Inline", value: null }, files: [] }
    })
  ]
  const encode = Schema.encodeSync(AttemptEvent)
  return Examples.linesOf(
    events.map((event, at) => ({ at, event: encode(event) })),
    { kind: "attempt", task, attempt }
  )
}

describe("replay", () => {
  it.live("shows the timeline that log shows, of a task or of a file from anywhere", () =>
    Effect.gen(function* () {
      const log = yield* adjutant(["log", failed])
      const replay = yield* adjutant(["replay", "--state-dir", state, "--log-dir", state, "4711"])
      assert.deepStrictEqual(replay, log)
      const json = yield* adjutant(["replay", "--json", fetched])
      assert.strictEqual(JSON.parse(json.out).timeline.failedIn.step, "build/rpmbuild")
    })
  )

  it.live("shows the state after so many events", () =>
    Effect.gen(function* () {
      const { code, out } = yield* adjutant(["replay", "--at", "20", fetched])
      assert.strictEqual(code, 0)
      assert.include(out, "After event 20 of 31")
      const json = yield* adjutant(["replay", "--at", "20", "--json", fetched])
      const read = JSON.parse(json.out)
      assert.strictEqual(read.state._tag, "Running")
      assert.strictEqual(read.state.steps["build/rpmbuild"]._tag, "Open")
      const beyond = yield* adjutant(["replay", "--at", "32", fetched])
      assert.deepStrictEqual(beyond, {
        code: 1,
        out: "",
        err: `adjutant: --at 32: ${fetched} has 31 events that can be believed\n`
      })
    })
  )

  it.live("runs the program over the record alone, and names the first step that differs", () =>
    Effect.gen(function* () {
      const same = yield* adjutant(["replay", "--check", write("same/adjutant-events.log", tagging(12))])
      assert.strictEqual(same.err, "")
      assert.deepStrictEqual(same.out.split("\n").slice(1), [
        "chain     ok     14 lines, each following the one before",
        "promises  ok     kept at each of 15 prefixes",
        "events    ok     each is one that the core would have recorded then",
        "program   ok     5 steps answered from the record, and the same result",
        ""
      ])
      assert.strictEqual(same.code, 0)
      const other = yield* adjutant(["replay", "--check", write("other/adjutant-events.log", tagging(13))])
      assert.strictEqual(other.code, 1)
      assert.match(
        other.out,
        /^program {3}WRONG {2}3 steps answered .*; differs at tagBuild: recorded input [0-9a-f]{32}, the program asks for [0-9a-f]{32}, which is \["dest",12,false,null\]$/m
      )
    })
  )

  it.live("refuses what is no attempt's log, and says where belief in one ends", () =>
    Effect.gen(function* () {
      const daemon = Examples.linesOf([{ at: 1, event: { _tag: "Stopped", exitCode: 0 } }], { kind: "daemon" })
      const own = yield* adjutant(["replay", write("daemon.jsonl", daemon)])
      assert.match(own.err, /this is no attempt's log/)
      assert.strictEqual(own.code, 1)
      const joined = yield* adjutant([
        "replay",
        "--check",
        write("joined/log", readFileSync(failed, "utf8") + tagging(12))
      ])
      assert.strictEqual(joined.code, 1)
      assert.match(joined.out, /^chain {5}WRONG {2}line 32: .*the journal of task 7, attempt 1 begins here; 14 lines/m)
    })
  )

  it.live("makes one page of it, whole or not at all", () =>
    Effect.gen(function* () {
      const file = join(state, "page.html")
      const { code, out } = yield* adjutant(["replay", "--html", file, fetched])
      assert.strictEqual(code, 0)
      assert.match(out, /page\.html: \d+\.\d KiB, with the output of 0 containers and 0 logs\n$/)
      assert.match(readFileSync(file, "utf8"), /^<!DOCTYPE html>[\s\S]*<\/html>\n$/)
      const nowhere = yield* adjutant(["replay", "--html", join(state, "no/such/page.html"), fetched])
      assert.strictEqual(nowhere.code, 1)
      assert.match(nowhere.err, /page\.html: ENOENT/)
    })
  )

  it.live("reads a journal at an address, and the logs beside it", () =>
    Effect.gen(function* () {
      copyFileSync(fetched, join(state, "fetched/copy"))
      writeFileSync(join(state, "fetched/build.log"), "make: *** no rule\n")
      const server = yield* Effect.acquireRelease(
        Effect.callback<ReturnType<typeof createServer>>((resume) => {
          const made = createServer(({ url = "" }, response) => {
            const path = join(state, "fetched", url.slice(1))
            if (url === "/login") response.end("<!DOCTYPE html>\n")
            else if (!existsSync(path)) response.writeHead(404).end()
            else response.end(readFileSync(path))
          }).listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.callback<void>((resume) => void made.close(() => resume(Effect.void)))
      )
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}`
      const good = yield* adjutant(["replay", `${url}/adjutant-events.log`])
      assert.strictEqual(good.err, "")
      assert.include(good.out, `The last 1 line of its output, from ${url}/build.log:\n  | make: *** no rule\n`)
      const missing = yield* adjutant(["replay", `${url}/nothing.log`])
      assert.strictEqual(missing.err, `adjutant: ${url}/nothing.log: the server has no such file\n`)
      const page = yield* adjutant(["replay", `${url}/login`])
      assert.strictEqual(page.err, `adjutant: ${url}/login: this is not a journal; it begins with "<!DOCTYPE html>"\n`)
    }).pipe(Effect.scoped)
  )
})

describe("diff", () => {
  const one = write("one.log", Examples.journalOf(buildStory().events))
  const two = write("two.log", Examples.journalOf(buildStory({ release: "2", status: 1 }).events))

  it.live("leaves as diff does: 0 for the same, 1 for a difference, 2 in trouble", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* adjutant(["diff", one, one])).code, 0)
      const differs = yield* adjutant(["diff", one, two])
      assert.strictEqual(differs.code, 1)
      assert.strictEqual(differs.err, "")
      assert.include(differs.out, "First step that ended otherwise: build/1")
      const json = yield* adjutant(["diff", "--json", one, two])
      assert.strictEqual(json.code, 1)
      assert.deepInclude(JSON.parse(json.out).changes, { section: "source", what: "release", a: "1", b: "2" })
    })
  )

  it.live("says what the trouble is", () =>
    Effect.gen(function* () {
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [[one], /name two builds, or one with --last-good/],
        [[one, join(state, "tagging")], /two\.log|one\.log is a buildArch, .*tagging a tagBuild/],
        [[one, "/nowhere"], /\/nowhere: there is no such file/],
        [
          ["--last-good", "--state-dir", state, one],
          /no earlier buildArch of hello for x86_64 in f40-build that went well/
        ]
      ]
      write("tagging", tagging(12))
      for (const [args, message] of cases) {
        const { code, out, err } = yield* adjutant(["diff", ...args])
        assert.strictEqual(code, 2)
        assert.strictEqual(out, "")
        assert.match(err, message)
      }
    })
  )

  it.live("finds the last good build itself", () =>
    Effect.gen(function* () {
      const task = TaskId.make(4699)
      const before = buildStory({ release: "0" }).events.map(({ at, event }) => ({
        at: at - 1_000_000,
        event: event._tag === "Accepted" ? { ...event, task } : event
      }))
      const host = "host/"
      write(
        `${host}tasks/4699/1.jsonl`,
        Examples.journalOf(before, { kind: "attempt", task, attempt: AttemptNumber.make(1) })
      )
      write(`${host}tasks/4711/1.jsonl`, Examples.journalOf(buildStory({ status: 1 }).events))
      const { code, out } = yield* adjutant(["diff", "--last-good", "--state-dir", join(state, host), "4711"])
      assert.strictEqual(code, 1)
      assert.match(out, /^--- task 4699, attempt 1: buildArch, x86_64, hello-2\.12-0\n/)
      assert.match(out, /^ {2}~ release {2}0 -> 1$/m)
    })
  )
})
