import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import { order } from "../../src/core/AttemptCommand.ts"
import { StepPath } from "../../src/core/Ids.ts"
import { endsOf } from "../../src/inspect/Ends.ts"
import { logLayout, runKey } from "../../src/inspect/LogLayout.ts"
import { attemptOutputs } from "../../src/inspect/Outputs.ts"
import { aroundFile } from "../../src/inspect/Surroundings.ts"
import { timelineOf } from "../../src/inspect/Timeline.ts"
import { valueAround } from "../../src/inspect/Values.ts"
import * as Examples from "./examples.ts"

let directory = ""
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "adjutant-outputs-"))
})
afterEach(() => rmSync(directory, { recursive: true }))

const write = (name: string, contents: string) => {
  mkdirSync(dirname(join(directory, name)), { recursive: true })
  writeFileSync(join(directory, name), contents)
}
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

const step = StepPath.make("build/1")
const before = "Mock Version: koji-adjutant 0.1.0\n"
const words = "before\n"
const output = "cc -c hello.c\n"
const log = before + words + output

/** A step that has put out `output` into build.log, which was uploaded with this digest. */
const story = (digest: string) =>
  new Examples.Story()
    .begin("build/1")
    .tell(1, order.WriteLog.make({ step, logs: ["build.log"], at: null, text: { _tag: "Inline", text: words } }))
    .start("build/1", ["make"])
    .exit("build/1", 1_000, Examples.exited(0), output.length)
    .tell(1, order.ConfirmUpload.make({ name: "build.log", bytes: log.length, sha256: digest }))

const around = (logs = false) =>
  aroundFile(
    join(directory, "state/tasks/4711/1.jsonl"),
    { task: 4711, attempt: 1 },
    logs ? join(directory, "log") : null
  )

const found = Effect.fnUntraced(function* (told: Examples.Story) {
  const timeline = timelineOf(told.events)
  if (timeline === null) throw new Error("no timeline")
  const layout = logLayout()
  for (const { event } of told.events) layout.add(event)
  const { logs, outputs } = yield* attemptOutputs(timeline, layout, around())
  const [container] = timeline.steps.at(-1)?.containers ?? []
  return { logs, output: outputs.get(runKey(container?.name ?? "", 1)) }
})

describe("the output of a container", () => {
  it.effect("is its capture, as long as there is one", () =>
    Effect.gen(function* () {
      write("state/work/4711-1/captures/build-1.out", "from the capture\n")
      write("state/tasks/4711/build.log", log)
      assert.strictEqual((yield* found(story(sha256(log)))).output?.ends.head, "from the capture\n")
    })
  )

  it.effect("is found again in the log that was fetched with the journal", () =>
    Effect.gen(function* () {
      write("state/tasks/4711/build.log", log)
      const { output: shown, logs } = yield* found(story(sha256(log)))
      assert.strictEqual(shown?.ends.head, output)
      assert.match(shown?.place ?? "", /build\.log, bytes 41 to 55$/)
      assert.deepStrictEqual(
        logs.map(({ name, ends, note }) => [name, ends?.head, note]),
        [["build.log", log, ""]]
      )
    })
  )

  it.effect("is not looked for in a log that is not the one that was uploaded", () =>
    Effect.gen(function* () {
      write("state/tasks/4711/build.log", log)
      const { output: shown, logs } = yield* found(story(sha256("other")))
      assert.isUndefined(shown)
      assert.match(logs[0]?.note ?? "", /not what was uploaded/)
    })
  )

  it.effect("is nowhere when nothing is kept", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* found(story(sha256(log))), { logs: [], output: undefined })
    })
  )
})

describe("what a link leads to", () => {
  const link = (target: string, name: string) => {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    symlinkSync(join(directory, target), join(directory, name))
  }

  it.effect("is shown when it is what was uploaded, as the hub links logs", () =>
    Effect.gen(function* () {
      write("packages/build.log", log)
      link("packages/build.log", "state/tasks/4711/build.log")
      assert.strictEqual((yield* found(story(sha256(log)))).output?.ends.head, output)
    })
  )

  it.effect("is shown to nobody otherwise", () =>
    Effect.gen(function* () {
      write("secret", "root:x\n")
      link("secret", "state/tasks/4711/build.log")
      link("secret", "state/work/4711-1/captures/build-1.out")
      const { logs, output: shown } = yield* found(story(sha256(log)))
      assert.isUndefined(shown)
      assert.isNull(logs[0]?.ends)
      assert.match(logs[0]?.note ?? "", /it is not shown/)
    })
  )
})

describe("a name out of a journal", () => {
  it.effect("leads nowhere else", () =>
    Effect.gen(function* () {
      write("secret", "root:x\n")
      write("state/tasks/secret", "root:x\n")
      for (const name of ["../secret", "../../../secret", join(directory, "secret"), "..", "", "a/../../secret"]) {
        for (const kind of ["log", "capture", "value"] as const) {
          assert.isTrue(Option.isNone(yield* around().find({ kind, name })), `${kind} ${name}`)
        }
      }
    })
  )
})

describe("the value of a step", () => {
  const digestOf = sha256('{"large":1}')
  const blob = { _tag: "Blob", digest: digestOf, bytes: 11 } as const

  it.effect("is read from the file that the journal names, below the state directory or beside the journal", () =>
    Effect.gen(function* () {
      for (const place of [`state/blobs/${digestOf}`, `state/tasks/4711/blobs/${digestOf}`]) {
        write(place, '{"large":1}')
        assert.deepStrictEqual(yield* valueAround(around())(blob), { large: 1 })
        rmSync(join(directory, place))
      }
    })
  )

  it.effect("is missing when the file is not there, or holds another", () =>
    Effect.gen(function* () {
      const gone = yield* Effect.flip(valueAround(around())(blob))
      assert.match(gone.message, /kept in blobs\/[0-9a-f]{64} beside the journals, and not here/)
      write(`state/blobs/${digestOf}`, '{"large":2}')
      const other = yield* Effect.flip(valueAround(around())(blob))
      assert.match(other.message, /does not hold the value of that digest/)
    })
  )
})

describe("the ends of something long", () => {
  const max = { headBytes: 4, tailBytes: 3 }
  const pieces = (text: string, size: number) =>
    Stream.fromIterable(
      Array.from({ length: Math.ceil(text.length / size) }, (_, at) =>
        Buffer.from(text.slice(at * size, (at + 1) * size))
      )
    )

  it.effect("are the same whatever the pieces, and tell what is left out", () =>
    Effect.gen(function* () {
      for (const size of [1, 2, 3, 100]) {
        assert.deepStrictEqual(yield* endsOf(pieces("0123456789", size), max), {
          head: "0123",
          leftOut: 3,
          tail: "789",
          bytes: 10,
          sha256: sha256("0123456789")
        })
        const whole = yield* endsOf(pieces("012345", size), max)
        assert.deepInclude(whole, { head: "0123", leftOut: 0, tail: "45", bytes: 6 })
        const part = yield* endsOf(pieces("0123456789", size), max, 5)
        assert.deepInclude(part, { head: "0123", tail: "4", bytes: 5 })
      }
    })
  )
})
