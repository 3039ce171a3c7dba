import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schema, Stream } from "effect"
import { DaemonEvent } from "../../src/core/DaemonEvent.ts"
import { TaskId } from "../../src/core/Ids.ts"
import { sweepShells } from "../../src/daemon/Shells.ts"
import type { ContainerSpec } from "../../src/engine/ContainerSpec.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { label, shellLabels } from "../../src/engine/Labels.ts"
import { layerMemory, MemoryEngine, type MemoryProgram } from "../../src/engine/MemoryEngine.ts"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import { shellStream } from "../../src/journal/StreamName.ts"
import { keptRoot, lastOutput } from "../../src/workshop/KeptRoot.ts"
import { type ShellRequest, shellIn } from "../../src/workshop/Shell.ts"
import { collector } from "../contract/EngineContract.ts"
import { keepFailed } from "./failedRoot.ts"

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()
const ground = { image: "localhost/tools:1", instance: "abc123", bootId }

const programs: Readonly<Record<string, MemoryProgram>> = {
  fails: { output: [{ bytes: "one\ntwo\nthree\n" }], exit: 1 },
  "echo $WORD": { output: [{ bytes: "kept\n" }, { bytes: "oh\n", from: "stderr" }], exit: 7 },
  hangs: { output: [{ bytes: "here\n" }], afterMillis: "never", exit: 0 },
  "-i": { output: [{ bytes: "$ " }], afterMillis: "never", exit: 0, answers: (typed) => (typed === "exit\n" ? 3 : "?") }
}

/** On an engine in memory, below a directory of its own. */
const inPlace = (
  story: (directory: string, asked: ReadonlyArray<ContainerSpec>) => Effect.Effect<void, unknown, Engine | MemoryEngine>
) => {
  const directory = mkdtempSync(join(tmpdir(), "adjutant-shell-"))
  const asked: Array<ContainerSpec> = []
  const engine = layerMemory({
    bootId,
    images: [{ reference: ground.image }],
    program: (spec) => {
      asked.push(spec)
      return programs[spec.command.at(-1) ?? ""] ?? { output: [], exit: 0 }
    }
  })
  return story(directory, asked).pipe(
    Effect.provide(engine),
    Effect.ensuring(Effect.sync(() => rmSync(directory, { recursive: true, force: true })))
  )
}

const task = TaskId.make(7)
const stateOf = (directory: string) => join(directory, "state")

const told = (directory: string) =>
  Effect.flatMap(JournalStore, (store) => store.read(shellStream)).pipe(
    Effect.map((stored) => stored.map(({ event }) => Schema.decodeUnknownSync(DaemonEvent)(event))),
    Effect.provide(FileJournalStore.layerReader({ directory: stateOf(directory) }))
  )

const asking = (directory: string, change: Partial<ShellRequest>) =>
  Effect.map(keptRoot(stateOf(directory), task, null), (root): ShellRequest => {
    const what = { command: "echo $WORD", output: collector().sink }
    return { stateDirectory: stateOf(directory), root, asRoot: false, by: "packager", what, ...change }
  })

describe("a shell in a kept root", () => {
  it.live("has what the step that failed had, in the root as it left it, without a network", () =>
    inPlace((directory, asked) =>
      Effect.gen(function* () {
        const root = yield* keepFailed(directory, ground, "fails")
        const output = collector()
        const what = { command: "echo $WORD", output: output.sink }
        assert.strictEqual(yield* shellIn(yield* asking(directory, { what })), 7)
        assert.deepStrictEqual([output.text("stdout"), output.text("stderr")], ["kept\n", "oh\n"])
        const spec = asked.at(-1) ?? assert.fail()
        assert.deepStrictEqual(spec.command, ["/bin/bash", "--login", "-c", "echo $WORD"])
        const { image, user, environment, mounts, capabilities, network, workingDirectory } = spec
        assert.deepStrictEqual(
          { image, user, environment, mounts, capabilities, network, workingDirectory },
          {
            ...{
              image: root.image,
              user: root.spec.user,
              environment: root.spec.environment,
              mounts: root.spec.mounts
            },
            ...{ capabilities: "build", network: "none", workingDirectory: "/builddir" }
          }
        )
        assert.strictEqual(mounts[0]?.source, join(stateOf(directory), "roots/7-1/builddir"))
        assert.strictEqual(spec.labels[label.kind], "shell", "a sweep of steps passes over it")
        assert.deepStrictEqual(yield* (yield* MemoryEngine).containers, [])
      })
    )
  )

  it.live("is on record in a journal of its own, with who asked and what for", () =>
    inPlace((directory) =>
      Effect.gen(function* () {
        const { image } = yield* keepFailed(directory, ground, "fails")
        yield* shellIn(yield* asking(directory, { asRoot: true }))
        yield* shellIn(yield* asking(directory, {}))
        const events = yield* told(directory)
        const [opened, closed] = events
        assert.deepInclude(opened, { _tag: "ShellOpened", image, by: "packager", asRoot: true, command: "echo $WORD" })
        assert.deepInclude(closed, { _tag: "ShellClosed", exitCode: 7 })
        assert.strictEqual(events.length, 4)
      })
    )
  )

  it.live("talks to a terminal", () =>
    inPlace((directory, asked) =>
      Effect.gen(function* () {
        yield* keepFailed(directory, ground, "fails")
        const prompt = yield* Deferred.make<void>()
        let shown = ""
        const terminal = {
          input: Stream.fromEffect(Deferred.await(prompt)).pipe(
            Stream.flatMap(() => Stream.make("ls\n", "exit\n")),
            Stream.map((text) => new TextEncoder().encode(text))
          ),
          sizes: Stream.make({ columns: 80, rows: 24 }),
          show: (bytes: Uint8Array) =>
            Effect.suspend(() => {
              shown += new TextDecoder().decode(bytes)
              return Effect.asVoid(Deferred.succeed(prompt, undefined))
            })
        }
        assert.strictEqual(yield* shellIn(yield* asking(directory, { what: { terminal } })), 3)
        assert.strictEqual(shown, "$ ?")
        assert.deepStrictEqual(asked.at(-1)?.command, ["/bin/bash", "--login", "-i"])
        assert.deepStrictEqual(yield* (yield* MemoryEngine).containers, [])
      })
    )
  )

  it.live("takes its container along when it is left, and says that it came to no end", () =>
    inPlace((directory) =>
      Effect.gen(function* () {
        yield* keepFailed(directory, ground, "fails")
        const output = collector()
        const what = { command: "hangs", output: output.sink }
        const fiber = yield* Effect.forkDetach(shellIn(yield* asking(directory, { what })))
        yield* output.first
        assert.deepStrictEqual(
          yield* sweepShells({ instance: ground.instance, stateDirectory: stateOf(directory) }, "remove"),
          [],
          "somebody is in it"
        )
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* (yield* MemoryEngine).containers, [])
        assert.deepInclude((yield* told(directory)).at(-1), { _tag: "ShellClosed", exitCode: null })
      })
    )
  )

  it.live("is swept away when its process is gone", () =>
    inPlace((directory) =>
      Effect.gen(function* () {
        const { spec } = yield* keepFailed(directory, ground, "fails")
        const engine = yield* Engine
        const begun = yield* Deferred.make<void>()
        const name = `adjutant-${ground.instance}-7-1-shell-1`
        const left = { ...spec, name, command: ["hangs"], labels: { ...spec.labels, ...shellLabels(ground.instance) } }
        yield* Effect.forkDetach(
          engine.run(left, { write: () => Effect.asVoid(Deferred.succeed(begun, undefined)) }, () => Effect.void)
        )
        yield* Deferred.await(begun)
        const of = { instance: ground.instance, stateDirectory: stateOf(directory) }
        assert.deepStrictEqual(
          (yield* sweepShells({ ...of, instance: "other" }, "remove")).length,
          0,
          "a neighbour's is not ours"
        )
        assert.deepStrictEqual(
          (yield* sweepShells(of, "look")).map((one) => one.name),
          [name]
        )
        assert.deepStrictEqual(
          (yield* sweepShells(of, "remove")).map((one) => one.name),
          [name]
        )
        assert.deepStrictEqual(yield* (yield* MemoryEngine).containers, [])
      })
    )
  )

  it.live("is told when the engine has the root no more", () =>
    inPlace((directory) =>
      Effect.gen(function* () {
        const { image } = yield* keepFailed(directory, ground, "fails")
        const engine = yield* Engine
        yield* engine.removeImage(image)
        const error = yield* Effect.flip(shellIn(yield* asking(directory, {})))
        assert.include(error.message, "the engine has it no more")
      })
    )
  )

  it.live("is that of the last attempt that failed, or of the one that is asked for", () =>
    inPlace((directory) =>
      Effect.gen(function* () {
        yield* keepFailed(directory, ground, "fails", 2)
        yield* keepFailed(directory, ground, "fails", 10)
        const state = stateOf(directory)
        assert.strictEqual((yield* keptRoot(state, task, null)).attempt, 10)
        assert.strictEqual((yield* keptRoot(state, task, 2)).attempt, 2)
        const words = (id: number, attempt: number | null) =>
          Effect.map(Effect.flip(keptRoot(state, TaskId.make(id), attempt)), ({ message }) => message)
        assert.include(yield* words(7, 3), "no root of task 7, attempt 3, is kept below")
        assert.include(yield* words(7, 3), "of that task those of attempts 10, 2 are")
        assert.include(yield* words(8, null), "those of 7-2, 7-10 (task-attempt) are")
        assert.deepStrictEqual(yield* lastOutput(state, yield* keptRoot(state, task, 2), 2), ["two", "three"])
      })
    )
  )
})
