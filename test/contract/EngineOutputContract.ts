/** What real engines do with a step's bytes: every one of them, unchanged, in order, to the end, whatever happens meanwhile. */

import { createHash, randomBytes } from "node:crypto"
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, type Layer, type Scope } from "effect"
import { captureTo } from "../../src/engine/Capture.ts"
import { layer as dockerLayer } from "../../src/engine/DockerEngine.ts"
import { Engine, type OutputSink } from "../../src/engine/Engine.ts"
import { cuttableProxy } from "../engine/cuttableProxy.ts"
import { callEngine } from "../engines.ts"
import { begin, clean, type Ground, nothingLeft, runStep, stepOf } from "./EngineContract.ts"

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")
const ignore = () => Effect.void

/** A directory of the test's own that steps may read. */
const directory = Effect.acquireRelease(
  Effect.sync(() => {
    const path = mkdtempSync(join(tmpdir(), "adjutant-output-"))
    chmodSync(path, 0o755)
    return path
  }),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const engineOutputContract = (
  name: string,
  socketPath: string,
  layer: Layer.Layer<Engine>,
  ground: (instance: string) => Effect.Effect<Ground, unknown, Engine>,
  read: "as it comes" | "in turns" = "as it comes"
) => {
  let grounds = 0
  const test = (
    sentence: string,
    story: (ground: Ground, files: string) => Effect.Effect<void, unknown, Engine | Scope.Scope>
  ) =>
    it.live(sentence, () =>
      Effect.gen(function* () {
        const files = yield* directory
        const stands = yield* ground(`output${process.pid}x${++grounds}`)
        yield* story(stands, files).pipe(
          Effect.andThen(nothingLeft(stands)),
          Effect.ensuring(Effect.ignore(clean(stands)))
        )
      }).pipe(Effect.scoped, Effect.provide(layer))
    )
  const shown = (files: string) => [{ source: files, target: "/files", readOnly: true, relabel: "none" as const }]

  describe(`${name} gives every byte`, () => {
    test("random bytes, NUL, invalid UTF-8, and a last line without its end", (ground, files) =>
      Effect.gen(function* () {
        const bytes = Buffer.concat([randomBytes(1_000_000), Buffer.from([0, 0xff, 0xfe, 0xc3, 0x28, 0x0d, 0x0a, 0])])
        writeFileSync(join(files, "bytes"), bytes)
        const path = join(files, "captures", "step.out")
        const capture = yield* captureTo(path)
        const engine = yield* Engine
        const spec = stepOf(ground, "random", "cat /files/bytes; printf end", { mounts: shown(files) })
        const exit = yield* engine.run(spec, capture, ignore)
        const whole = Buffer.concat([bytes, Buffer.from("end")])
        assert.strictEqual(exit.outputBytes, whole.length)
        assert.strictEqual(yield* capture.bytes, whole.length)
        assert.strictEqual(sha256(readFileSync(path)), sha256(whole))
      }))

    test("a last line longer than the engine's own entries, with its end and without", (ground, files) =>
      Effect.gen(function* () {
        for (const end of ["", "\n", "\nshort", "\n\n"]) {
          for (const length of [16_383, 16_384, 16_385, 20_000, 32_768]) {
            const bytes = Buffer.from(`first\n${"y".repeat(length)}${end}`)
            writeFileSync(join(files, "long"), bytes)
            const { text } = yield* runStep(stepOf(ground, "long", "cat /files/long", { mounts: shown(files) }))
            assert.strictEqual(text().length, bytes.length, `${length} and ${JSON.stringify(end)}`)
            assert.strictEqual(text(), bytes.toString())
          }
        }
      }))

    test("a line of ten million bytes", (ground, files) =>
      Effect.gen(function* () {
        const line = Buffer.alloc(10_000_000, "0123456789")
        writeFileSync(join(files, "line"), line)
        const { bytes } = yield* runStep(stepOf(ground, "line", "cat /files/line; echo", { mounts: shown(files) }))
        assert.strictEqual(sha256(bytes()), sha256(Buffer.concat([line, Buffer.from("\n")])))
      }))

    test("a thousand lines, every other of stderr, in order", (ground) =>
      Effect.gen(function* () {
        const script = "i=0; while [ $i -lt 500 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done"
        const { text } = yield* runStep(stepOf(ground, "order", script))
        const expected = Array.from({ length: 500 }, (_, i) => `out ${i}\nerr ${i}\n`).join("")
        assert.strictEqual(text(), expected)
      }))

    test("the last lines of commands that end as soon as they have written", (ground) =>
      Effect.gen(function* () {
        const expected = `${Array.from({ length: 3000 }, (_, i) => i + 1).join("\n")}\n`
        for (let round = 0; round < 10; round++) {
          const { text, exit } = yield* runStep(stepOf(ground, `last-${round}`, "seq 3000"))
          assert.strictEqual(text(), expected)
          assert.strictEqual(exit.missingBytes, 0)
        }
      }))

    test("lines that come as fast as they can be read, none left out", (ground) =>
      Effect.gen(function* () {
        const script = "i=1; while [ $i -le 200 ]; do seq ${i}000 ${i}999; i=$((i+1)); done"
        const expected = `${Array.from({ length: 200_000 }, (_, i) => 1000 + i).join("\n")}\n`
        const { text, exit } = yield* runStep(stepOf(ground, "bursts", script))
        assert.strictEqual(exit.outputBytes, expected.length)
        assert.strictEqual(sha256(Buffer.from(text())), sha256(Buffer.from(expected)))
      }))

    test("a hundred megabytes, while our memory stays flat", (ground) =>
      Effect.gen(function* () {
        let bytes = 0
        let most = 0
        const hash = createHash("sha256")
        const sink: OutputSink = {
          write: (_, piece) =>
            Effect.sync(() => {
              bytes += piece.length
              hash.update(piece)
              most = Math.max(most, process.memoryUsage().rss)
            })
        }
        const engine = yield* Engine
        const megabytes = 100
        const size = megabytes * 1024 * 1024
        const before = process.memoryUsage().rss
        const script = `head -c ${size} /dev/zero | tr '\\0' x`
        yield* engine.run(stepOf(ground, "large", script, { limits: { outputBytes: 2 * size } }), sink, ignore)
        assert.strictEqual(bytes, size)
        assert.strictEqual(hash.digest("hex"), sha256(Buffer.alloc(size, "x")))
        assert.isBelow(most - before, 96 * 1024 * 1024, "it would grow with the log if it were kept")
      }))

    test("a sink that is slow slows the reading, and misses nothing", (ground) =>
      Effect.gen(function* () {
        let bytes = 0
        const sink: OutputSink = {
          write: (_, piece) => Effect.sync(() => (bytes += piece.length)).pipe(Effect.andThen(Effect.sleep("5 millis")))
        }
        const engine = yield* Engine
        const exit = yield* engine.run(stepOf(ground, "slow", "seq 100000"), sink, ignore)
        assert.strictEqual(bytes, 588_895)
        assert.strictEqual(exit.outputBytes, bytes)
      }))

    test("a command that is not there says so in its output, with a shell's exit code", (ground) =>
      Effect.gen(function* () {
        for (const output of ["joined", "apart"] as const) {
          const spec = stepOf(ground, `none-${output}`, "", { command: ["/no/such/command"], output })
          const { reason, text } = yield* runStep(spec)
          assert.deepStrictEqual(reason, { _tag: "Exited", code: 127 })
          assert.include(text(), "/no/such/command")
        }
      }))
  })

  // The last byte of what a step has said so far comes with the next one, or the end: these stories begin with one byte.
  if (read === "in turns") return

  describe(`${name} is followed through its absences`, () => {
    test("connections that break in the middle lose nothing and change nothing", (ground) =>
      Effect.gen(function* () {
        const proxy = yield* cuttableProxy(socketPath)
        const script = "i=0; while [ $i -lt 120 ]; do seq 100; sleep 0.05; i=$((i+1)); done; exit 5"
        const through = dockerLayer({ socketPath: proxy.socketPath })
        const { fiber, text } = yield* begin(stepOf(ground, "cut", script)).pipe(Effect.provide(through))
        for (let cut = 0; cut < 3; cut++) {
          yield* Effect.sleep("700 millis")
          yield* proxy.cut("400 millis")
        }
        const { reason } = yield* Fiber.join(fiber)
        const lines = `${Array.from({ length: 100 }, (_, i) => i + 1).join("\n")}\n`
        assert.strictEqual(text(), lines.repeat(120))
        assert.deepStrictEqual(reason, { _tag: "Exited", code: 5 })
      }))

    test("a command that was killed while the engine could not be reached is uncertain", (ground) =>
      Effect.gen(function* () {
        const proxy = yield* cuttableProxy(socketPath)
        const through = dockerLayer({ socketPath: proxy.socketPath })
        const { fiber } = yield* begin(stepOf(ground, "away", "echo; sleep 1; kill -9 $$")).pipe(
          Effect.provide(through)
        )
        yield* proxy.cut("3 seconds")
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Uncertain")
      }))

    test("a container that somebody kills through the engine is uncertain", (ground) =>
      Effect.gen(function* () {
        const spec = stepOf(ground, "operator", "echo; sleep 300")
        const { fiber } = yield* begin(spec)
        yield* Effect.promise(() => callEngine(socketPath, "POST", `/containers/${spec.name}/kill`))
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Uncertain")
      }))

    test("an engine that is not there is unreachable", (ground, files) =>
      Effect.gen(function* () {
        const nowhere = dockerLayer({ socketPath: join(files, "no.sock"), awayMillisMax: 100 })
        const error = yield* Effect.flip(runStep(stepOf(ground, "nowhere", "exit 0"))).pipe(Effect.provide(nowhere))
        assert.strictEqual(error.reason, "unreachable")
      }))
  })
}
