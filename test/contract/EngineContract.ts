/**
 * What every engine does: one suite for the memory engine, Docker and Podman. A command is a shell script for a real
 * engine, and the same as a value for the one in memory.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, type Layer, Queue, Result, Stream } from "effect"
import type { ContainerSpec, ResourceLimits } from "../../src/engine/ContainerSpec.ts"
import {
  type ContainerEvent,
  Engine,
  leaveRunning,
  type OutputSink,
  type Terminal,
  type TerminalSize
} from "../../src/engine/Engine.ts"
import { containerLabels, containerName, imageLabels, ownerLabels } from "../../src/engine/Labels.ts"
import type { MemoryProgram } from "../../src/engine/MemoryEngine.ts"
import { makeReaper } from "../../src/engine/Reaper.ts"

/** A conversation at a terminal. */
const talking = [
  "echo ready",
  'while read -r line; do case $line in end) exit 9 ;; size) echo "heard $(stty size)" ;; *) echo "heard $line" ;; esac; done'
].join("; ")

/** The commands of this suite, by what they say in a shell. */
export const programs: Readonly<Record<string, MemoryProgram>> = {
  "exit 0": { output: [], exit: 0 },
  "exit 3": { output: [], exit: 3 },
  "exit 4": { output: [], exit: 4 },
  "echo out; echo err >&2; echo more": {
    output: [{ bytes: "out\n" }, { bytes: "err\n", from: "stderr" }, { bytes: "more\n" }],
    exit: 0
  },
  "echo before; exec sleep 300": { output: [{ bytes: "before\n" }], afterMillis: "never", exit: 0 },
  "trap '' TERM; echo before; while :; do sleep 1; done": {
    output: [{ bytes: "before\n" }],
    afterMillis: "never",
    exit: 0
  },
  "while :; do echo 0123456789abcdef; done": {
    output: Array.from({ length: 7000 }, () => ({ bytes: "0123456789abcdef\n" })),
    afterMillis: "never",
    exit: 0
  },
  "kill -9 $$": { output: [], exit: { signal: 9 } },
  "kill -15 $$": { output: [], exit: { signal: 15 } },
  "exec tail /dev/zero": { output: [], exit: "out of memory" },
  "for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.25; done; exit 4": {
    output: [1, 2, 3, 4, 5, 6, 7, 8].map((i) => ({ bytes: `line ${i}\n`, afterMillis: i === 1 ? 0 : 250 })),
    afterMillis: 250,
    exit: 4
  },
  "echo kept > /kept": { output: [], exit: 0 },
  "echo kept > /kept; exit 3": { output: [], exit: 3 },
  "echo kept > /kept; kill -9 $$": { output: [], exit: { signal: 9 } },
  [talking]: {
    output: [{ bytes: "ready\n" }],
    afterMillis: "never",
    exit: 0,
    answers: (typed, size) => {
      if (typed === "end\n") return 9
      return typed === "size\n" ? `heard ${size?.rows} ${size?.columns}\n` : `heard ${typed}`
    }
  },
  "cat /kept": { output: [{ bytes: "kept\n" }], exit: 0 }
}

export const limits: ResourceLimits = {
  memoryBytes: 128 * 1024 * 1024,
  cpus: 1,
  processes: 100,
  openFiles: 1024,
  wallSeconds: 60,
  silenceSeconds: 60,
  outputBytes: 16 * 1024 * 1024,
  diskBytes: 1024 * 1024 * 1024
}

/** Where the suite stands: the image to run in by id, and the owner of what it makes. */
export interface Ground {
  readonly image: string
  readonly instance: string
  /** Of the machine that the engine is on. */
  readonly bootId: string
}

/** A step of the ground's instance. Equal steps have equal names. */
export const stepOf = (
  ground: Ground,
  step: string,
  script: string,
  change: Partial<Omit<ContainerSpec, "limits">> & { readonly limits?: Partial<ResourceLimits> } = {}
): ContainerSpec => {
  const identity = { instance: ground.instance, task: 7, attempt: 1, step }
  const { limits: changed, ...rest } = change
  return {
    name: containerName(identity),
    image: ground.image,
    command: ["/bin/sh", "-c", script],
    environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/" },
    user: "0:0",
    workingDirectory: "/",
    hostname: "mock",
    labels: containerLabels({ ...identity, workerId: "worker", bootId: ground.bootId }),
    mounts: [],
    tmpfs: {},
    network: "none",
    capabilities: "build",
    readOnlyRoot: false,
    output: "joined",
    commit: null,
    limits: { ...limits, ...changed },
    ...rest
  }
}

/** A sink that keeps everything, and tells when something has come. */
export const collector = () => {
  const pieces: Array<{ readonly from: string; readonly bytes: Uint8Array }> = []
  const bytes = (from?: string) =>
    Buffer.concat(pieces.filter((piece) => from === undefined || piece.from === from).map(({ bytes }) => bytes))
  const first = Deferred.makeUnsafe<void>()
  const sink: OutputSink = {
    write: (from, bytes) =>
      Effect.suspend(() => {
        pieces.push({ from, bytes: Uint8Array.from(bytes) })
        return Effect.asVoid(Deferred.succeed(first, undefined))
      })
  }
  return { sink, bytes, text: (from?: string) => bytes(from).toString("latin1"), first: Deferred.await(first) }
}

const ignore = () => Effect.void

/** Runs a step and gives its exit and output. */
export const runStep = Effect.fnUntraced(function* (spec: ContainerSpec) {
  const engine = yield* Engine
  const output = collector()
  const exit = yield* engine.run(spec, output.sink, ignore)
  return { exit, reason: exit.reason, text: output.text, bytes: output.bytes }
})

/** Begins a step, and returns when it has written something. If it ends before, that is what the test hears. */
export const begin = Effect.fnUntraced(function* (spec: ContainerSpec) {
  const engine = yield* Engine
  const output = collector()
  const fiber = yield* Effect.forkDetach(engine.run(spec, output.sink, ignore))
  yield* Effect.raceFirst(
    output.first,
    Effect.flatMap(Fiber.join(fiber), () => Effect.die("it ended in silence"))
  )
  return { fiber, text: output.text }
})

/** Nothing of the ground's instance is on the engine. */
export const nothingLeft = Effect.fnUntraced(function* (ground: Ground) {
  const engine = yield* Engine
  assert.deepStrictEqual(yield* engine.list(ownerLabels(ground.instance)), [])
})

export const engineContract = (
  name: string,
  layer: Layer.Layer<Engine>,
  ground: (instance: string) => Effect.Effect<Ground, unknown, Engine>,
  tar: (marker: string) => Stream.Stream<Uint8Array>
) => {
  let grounds = 0
  const test = (sentence: string, story: (ground: Ground) => Effect.Effect<void, unknown, Engine>) =>
    it.live(sentence, () =>
      Effect.gen(function* () {
        const stands = yield* ground(`contract${process.pid}x${++grounds}`)
        yield* story(stands).pipe(Effect.ensuring(Effect.ignore(clean(stands))))
      }).pipe(Effect.provide(layer))
    )

  describe(`${name} keeps the engine's contract`, () => {
    test("a command's exit code is the step's, and its container is gone", (ground) =>
      Effect.gen(function* () {
        const zero = yield* runStep(stepOf(ground, "zero", "exit 0"))
        assert.deepStrictEqual(zero.reason, { _tag: "Exited", code: 0 })
        const three = yield* runStep(stepOf(ground, "three", "exit 3"))
        assert.deepStrictEqual(three.reason, { _tag: "Exited", code: 3 })
        assert.isAtLeast(three.exit.finishedAt, three.exit.startedAt)
        yield* nothingLeft(ground)
      }))

    test("joined output comes as stdout, in the order written", (ground) =>
      Effect.gen(function* () {
        const { exit, text } = yield* runStep(stepOf(ground, "joined", "echo out; echo err >&2; echo more"))
        assert.strictEqual(text("stdout"), "out\nerr\nmore\n")
        assert.strictEqual(text("stderr"), "")
        assert.strictEqual(exit.outputBytes, 13)
      }))

    test("output apart comes by stream", (ground) =>
      Effect.gen(function* () {
        const spec = stepOf(ground, "apart", "echo out; echo err >&2; echo more", { output: "apart" })
        const { text } = yield* runStep(spec)
        assert.strictEqual(text("stdout"), "out\nmore\n")
        assert.strictEqual(text("stderr"), "err\n")
      }))

    test("a signal of the command's own is told from an exit code", (ground) =>
      Effect.gen(function* () {
        const killed = yield* runStep(stepOf(ground, "kill", "kill -9 $$"))
        assert.deepStrictEqual(killed.reason, { _tag: "Signaled", signal: 9 })
        const terminated = yield* runStep(stepOf(ground, "term", "kill -15 $$"))
        assert.deepStrictEqual(terminated.reason, { _tag: "Signaled", signal: 15 })
      }))

    test("want of memory is told from a signal", (ground) =>
      Effect.gen(function* () {
        const { reason } = yield* runStep(stepOf(ground, "memory", "exec tail /dev/zero"))
        assert.deepStrictEqual(reason, { _tag: "OutOfMemory", memoryBytes: limits.memoryBytes })
      }))

    test("the wall clock ends a step, and what it wrote is kept", (ground) =>
      Effect.gen(function* () {
        const spec = stepOf(ground, "wall", "echo before; exec sleep 300", { limits: { wallSeconds: 1 } })
        const { reason, text } = yield* runStep(spec)
        assert.deepStrictEqual(reason, { _tag: "LimitReached", limit: "wall", value: 1 })
        assert.strictEqual(text(), "before\n")
        yield* nothingLeft(ground)
      }))

    test("silence ends a step", (ground) =>
      Effect.gen(function* () {
        const spec = stepOf(ground, "silence", "echo before; exec sleep 300", { limits: { silenceSeconds: 1 } })
        assert.deepStrictEqual((yield* runStep(spec)).reason, { _tag: "LimitReached", limit: "silence", value: 1 })
      }))

    test("too much output ends a step, and the sink has as much as the limit", (ground) =>
      Effect.gen(function* () {
        const bytes = 100_000
        const script = "while :; do echo 0123456789abcdef; done"
        const { exit, text } = yield* runStep(stepOf(ground, "flood", script, { limits: { outputBytes: bytes } }))
        assert.deepStrictEqual(exit.reason, { _tag: "LimitReached", limit: "output", value: bytes })
        assert.strictEqual(exit.outputBytes, bytes)
        assert.strictEqual(text(), "0123456789abcdef\n".repeat(bytes / 17 + 1).slice(0, bytes))
      }))

    test("a command that ignores SIGTERM is gone at once when its step is interrupted", (ground) =>
      Effect.gen(function* () {
        const { fiber } = yield* begin(
          stepOf(ground, "stubborn", "trap '' TERM; echo before; while :; do sleep 1; done")
        )
        yield* Fiber.interrupt(fiber)
        yield* nothingLeft(ground)
      }))

    test("whoever watches hears of every transition in its order, before the next", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const heard: Array<ContainerEvent> = []
        const spec = stepOf(ground, "watched", "exit 3")
        yield* engine.run(spec, collector().sink, (event) =>
          Effect.gen(function* () {
            const [container] = yield* Effect.orDie(engine.list(ownerLabels(ground.instance)))
            if (event._tag === "Created") assert.strictEqual(container?.id, event.id)
            if (event._tag === "Exited") assert.strictEqual(container?.running, false)
            if (event._tag === "Removed") assert.isUndefined(container)
            heard.push(event)
          })
        )
        assert.deepStrictEqual(
          heard.map(({ _tag }) => _tag),
          ["Created", "Started", "Exited", "Removed"]
        )
        assert.isTrue(heard.every((event) => event.name === spec.name))
      }))

    test("a watcher that fails ends the step with its failure, at every transition", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        for (const at of ["Created", "Started", "Exited", "Removed"]) {
          const spec = stepOf(ground, `fails-${at}`, "exit 0")
          const end = yield* Effect.result(
            engine.run(spec, collector().sink, ({ _tag }) => (_tag === at ? Effect.fail(`no ${at}`) : Effect.void))
          )
          assert.deepStrictEqual(end, Result.fail(`no ${at}`))
          yield* nothingLeft(ground)
        }
      }))

    test("a sink that dies takes its container along", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const sink: OutputSink = { write: () => Effect.die("no space") }
        const exit = yield* Effect.exit(engine.run(stepOf(ground, "dies", "echo before; exec sleep 300"), sink, ignore))
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
        yield* nothingLeft(ground)
      }))

    test("a second container of the same name is a conflict, and the first goes on", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const spec = stepOf(ground, "twice", "echo before; exec sleep 300")
        const { fiber } = yield* begin(spec)
        const error = yield* Effect.flip(engine.run(spec, collector().sink, ignore))
        assert.strictEqual(error.reason, "conflict")
        const [container] = yield* engine.list(ownerLabels(ground.instance))
        assert.isTrue(container?.running)
        yield* Fiber.interrupt(fiber)
      }))

    test("an image that is not there is missing, and leaves nothing", (ground) =>
      Effect.gen(function* () {
        const image = `sha256:${"0".repeat(64)}`
        const error = yield* Effect.flip(runStep(stepOf(ground, "nowhere", "exit 0", { image })))
        assert.strictEqual(error.reason, "missing")
        yield* nothingLeft(ground)
      }))

    test("listing and removing are by label and by name, and removing twice is fine", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const spec = stepOf(ground, "listed", "echo before; exec sleep 300")
        const { fiber } = yield* begin(spec)
        const [container, ...others] = yield* engine.list(ownerLabels(ground.instance))
        assert.deepStrictEqual(others, [])
        assert.strictEqual(container?.name, spec.name)
        for (const [name, value] of Object.entries(spec.labels)) assert.strictEqual(container?.labels[name], value)
        assert.deepStrictEqual(yield* engine.list(ownerLabels(`${ground.instance}-not`)), [])
        assert.isTrue(yield* engine.remove(spec.name))
        assert.isFalse(yield* engine.remove(spec.name))
        // Nobody knows how a command would have ended whose container somebody took away.
        assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Uncertain")
      }))

    test("somebody at a terminal is heard and answered, and takes the container along", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const typed = yield* Queue.unbounded<string>()
        const sizes = yield* Queue.unbounded<TerminalSize>()
        const seen = yield* Queue.unbounded<string>()
        let all = ""
        const terminal: Terminal = {
          input: Stream.map(Stream.fromQueue(typed), (text) => new TextEncoder().encode(text)),
          sizes: Stream.fromQueue(sizes),
          show: (bytes) => Queue.offer(seen, new TextDecoder().decode(bytes))
        }
        const until = (what: string): Effect.Effect<void> =>
          all.includes(what)
            ? Effect.void
            : Effect.flatMap(Queue.take(seen), (more) => {
                all += more
                return until(what)
              })
        const fiber = yield* Effect.forkDetach(engine.interact(stepOf(ground, "terminal", talking), terminal))
        yield* until("ready")
        yield* Queue.offer(typed, "one\n")
        yield* until("heard one")
        assert.notMatch(all, /heard (?!one)/, "nothing is typed but what was typed")
        yield* Queue.offer(sizes, { columns: 111, rows: 33 })
        // It arrives when it arrives; what is asked meanwhile is answered with the size before.
        yield* Effect.raceFirst(
          until("heard 33 111"),
          Effect.forever(Effect.andThen(Queue.offer(typed, "size\n"), Effect.sleep("300 millis")))
        )
        yield* Queue.offer(typed, "end\n")
        assert.strictEqual(yield* Fiber.join(fiber), 9)
        yield* nothingLeft(ground)
        const left = yield* Effect.forkDetach(engine.interact(stepOf(ground, "left", talking), terminal))
        all = ""
        yield* until("ready")
        yield* Fiber.interrupt(left)
        yield* nothingLeft(ground)
      }))

    test("a step that fails leaves an image of its root if that is wanted, however it fails", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const commitFailed = {
          ...{ reference: `localhost/${ground.instance}/failed:1`, unless: [4] },
          labels: imageLabels(ground.instance, "failed-7")
        }
        const change = { commitFailed, capabilities: "install" } as const
        const ends = (script: string, more: Parameters<typeof stepOf>[3] = {}) =>
          Effect.map(runStep(stepOf(ground, "fails", script, { ...change, ...more })), ({ exit }) => exit)
        assert.isNull((yield* ends("exit 0")).committed)
        assert.isNull((yield* ends("exit 4")).committed, "4 is no failure here")
        const failing = ["echo kept > /kept; exit 3", "echo kept > /kept; kill -9 $$", "echo before; exec sleep 300"]
        for (const script of failing) {
          const { reason, committed } = yield* ends(script, { limits: { wallSeconds: 2 } })
          assert.notStrictEqual(reason._tag, "Uncertain")
          const image = yield* engine.inspectImage(committed ?? "")
          assert.include(image?.references ?? [], commitFailed.reference)
          assert.strictEqual(image?.labels["io.koji.adjutant.image"], "failed-7")
          if (reason._tag === "LimitReached") continue
          const again = yield* runStep(stepOf(ground, "uses", "cat /kept", { image: committed ?? "" }))
          assert.strictEqual(again.text(), "kept\n")
        }
      }))

    test("a step that commits makes an image of its root, and only if it exits with 0", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const commit = {
          reference: `localhost/${ground.instance}/made:1`,
          labels: imageLabels(ground.instance, "key1")
        }
        const failed = yield* runStep(stepOf(ground, "fails", "exit 3", { commit }))
        assert.isNull(failed.exit.committed)
        const { exit } = yield* runStep(
          stepOf(ground, "makes", "echo kept > /kept", { commit, capabilities: "install" })
        )
        assert.isNotNull(exit.committed)
        const image = yield* engine.inspectImage(exit.committed ?? "")
        assert.include(image?.references ?? [], commit.reference)
        assert.strictEqual(image?.labels["io.koji.adjutant.image"], "key1")
        // What people start from the image must not look like a container of ours.
        assert.notStrictEqual(image?.labels["io.koji.adjutant.kind"], "container")
        const listed = yield* engine.listImages(imageLabels(ground.instance, "key1"))
        assert.deepStrictEqual(
          listed.map(({ id }) => id),
          [image?.id]
        )
        const again = yield* runStep(stepOf(ground, "uses", "cat /kept", { image: exit.committed ?? "" }))
        assert.strictEqual(again.text(), "kept\n")
        yield* engine.removeImage(exit.committed ?? "")
        yield* engine.removeImage(exit.committed ?? "")
        assert.isUndefined(yield* engine.inspectImage(exit.committed ?? ""))
      }))

    test("a tar becomes an image with its labels", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const reference = `localhost/${ground.instance}/imported:1`
        const labels = imageLabels(ground.instance, "key2")
        const image = yield* engine.importImage(tar("one"), reference, labels)
        assert.include(image.references, reference)
        for (const [name, value] of Object.entries(labels)) assert.strictEqual(image.labels[name], value)
        assert.deepStrictEqual((yield* engine.inspectImage(reference))?.id, image.id)
        assert.strictEqual((yield* engine.inspectImage(image.id))?.id, image.id)
        yield* engine.removeImage(image.id)
      }))

    test("a tar that breaks off is the reader's failure, and no image", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const reference = `localhost/${ground.instance}/broken:1`
        const broken = Stream.concat(tar("two").pipe(Stream.take(1)), Stream.fail("the disk broke" as const))
        const error = yield* Effect.flip(engine.importImage(broken, reference, imageLabels(ground.instance, "key3")))
        assert.strictEqual(error, "the disk broke")
        assert.isUndefined(yield* engine.inspectImage(reference))
        assert.deepStrictEqual(yield* engine.listImages(imageLabels(ground.instance, "key3")), [])
      }))

    test("an image is ensured as the policy says", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const how = { timeoutSeconds: 30, inactivitySeconds: 30, architecture: null }
        const here = yield* engine.ensureImage(ground.image, { ...how, policy: "if-not-present" })
        assert.strictEqual(here.id, ground.image)
        const never = yield* Effect.flip(engine.ensureImage("localhost/nobody/nothing:1", { ...how, policy: "never" }))
        assert.strictEqual(never.reason, "missing")
        const other = here.architecture === "s390x" ? "amd64" : "s390x"
        const wrong = yield* Effect.flip(
          engine.ensureImage(ground.image, { ...how, policy: "never", architecture: other })
        )
        assert.strictEqual(wrong.reason, "wrong-architecture")
      }))

    test("an image in use is not removed", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const reference = `localhost/${ground.instance}/used:1`
        const labels = imageLabels(ground.instance, "key4")
        const commit = { reference, labels }
        const { exit } = yield* runStep(
          stepOf(ground, "makes", "echo kept > /kept", { commit, capabilities: "install" })
        )
        const image = exit.committed ?? ""
        const { fiber } = yield* begin(stepOf(ground, "uses", "echo before; exec sleep 300", { image }))
        assert.strictEqual((yield* Effect.flip(engine.removeImage(image))).reason, "conflict")
        yield* Fiber.interrupt(fiber)
        yield* engine.removeImage(image)
      }))

    const counting = "for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.25; done; exit 4"
    const counted = [1, 2, 3, 4, 5, 6, 7, 8].map((i) => `line ${i}\n`).join("")

    test("a step that is handed over goes on, and whoever adopts it gets the rest, to the byte", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const before = collector()
        const spec = stepOf(ground, "adopted", counting)
        const fiber = yield* engine
          .run(spec, before.sink, ignore)
          .pipe(Effect.provideService(leaveRunning, Effect.succeed(true)), Effect.forkChild)
        yield* before.first
        yield* Fiber.interrupt(fiber)
        const [left] = yield* engine.list(ownerLabels(ground.instance))
        assert.isTrue(left?.running)
        const after = collector()
        const heard: Array<string> = []
        const held = { stdout: before.bytes().length, stderr: 0 }
        const exit = yield* engine.adopt(
          spec,
          after.sink,
          ({ _tag }) => Effect.sync(() => heard.push(_tag)).pipe(Effect.asVoid),
          held
        )
        assert.deepStrictEqual(exit.reason, { _tag: "Exited", code: 4 })
        assert.strictEqual(before.text() + after.text(), counted)
        assert.strictEqual(exit.outputBytes, counted.length)
        assert.strictEqual(exit.missingBytes, 0)
        assert.deepStrictEqual(heard, ["Created", "Started", "Exited", "Removed"])
        yield* nothingLeft(ground)
      }))

    test("a capture that holds more than the engine is a gap, and said to be one", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const before = collector()
        const spec = stepOf(ground, "gap", "echo out; echo err >&2; echo more")
        yield* engine
          .run(spec, before.sink, ({ _tag }) => (_tag === "Exited" ? Effect.interrupt : Effect.void))
          .pipe(Effect.provideService(leaveRunning, Effect.succeed(true)), Effect.exit)
        const exit = yield* engine.adopt(spec, collector().sink, ignore, { stdout: 20, stderr: 0 })
        assert.strictEqual(exit.missingBytes, 7)
        assert.deepStrictEqual(exit.reason, { _tag: "Exited", code: 0 }, "its engine was there all the time")
      }))

    test("what there is not cannot be adopted, nor what belongs to somebody else", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const { sink } = collector()
        const spec = stepOf(ground, "foreign", "echo before; exec sleep 300")
        const none = { stdout: 0, stderr: 0 }
        assert.strictEqual((yield* Effect.flip(engine.adopt(spec, sink, ignore, none))).reason, "missing")
        const { fiber } = yield* begin(spec)
        const stranger = { ...spec, labels: { ...spec.labels, "io.koji.adjutant.instance": "another" } }
        assert.strictEqual((yield* Effect.flip(engine.adopt(stranger, sink, ignore, none))).reason, "conflict")
        const [container] = yield* engine.list(ownerLabels(ground.instance))
        assert.isTrue(container?.running)
        yield* Fiber.interrupt(fiber)
      }))

    test("the reaper removes what nobody claims, and never what is claimed or another's", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const mine = ["claimed", "orphan"].map((step) => stepOf(ground, step, "echo before; exec sleep 300"))
        const others = stepOf({ ...ground, instance: `${ground.instance}b` }, "orphan", "echo before; exec sleep 300")
        const begun = yield* Effect.forEach([...mine, others], begin)
        const claims = Effect.succeed({
          containers: new Set([mine[0]?.name ?? ""]),
          images: new Set<string>(),
          making: new Set<string>()
        })
        const { sweep } = makeReaper(ground.instance, claims)
        assert.deepStrictEqual(
          (yield* sweep).map(({ name }) => name),
          [mine[1]?.name]
        )
        assert.deepStrictEqual(yield* sweep, [])
        assert.lengthOf(yield* engine.list(ownerLabels(ground.instance)), 1)
        assert.lengthOf(yield* engine.list(ownerLabels(`${ground.instance}b`)), 1)
        yield* Effect.forEach(begun, ({ fiber }) => Fiber.interrupt(fiber))
      }))

    test("the reaper removes an image that nobody claimed at two looks", (ground) =>
      Effect.gen(function* () {
        const engine = yield* Engine
        const make = (marker: string) =>
          engine.importImage(
            tar(marker),
            `localhost/${ground.instance}/${marker}:1`,
            imageLabels(ground.instance, marker)
          )
        const kept = yield* make("kept")
        const claimed = new Set([kept.id])
        const orphan = yield* make("orphan")
        const late = yield* make("late")
        const { sweep } = makeReaper(
          ground.instance,
          Effect.succeed({ containers: new Set<string>(), images: claimed, making: new Set<string>() })
        )
        assert.deepStrictEqual(yield* sweep, [])
        claimed.add(late.id)
        assert.deepStrictEqual(
          (yield* sweep).map(({ name }) => name),
          [orphan.id]
        )
        assert.isDefined(yield* engine.inspectImage(kept.id))
        assert.isDefined(yield* engine.inspectImage(late.id))
      }))
  })
}

/** Whatever a failed test left. */
export const clean = Effect.fnUntraced(function* (ground: Ground) {
  const engine = yield* Engine
  for (const instance of [ground.instance, `${ground.instance}b`]) {
    for (const { name } of yield* engine.list(ownerLabels(instance))) yield* engine.remove(name)
    for (const { id } of yield* engine.listImages({ "io.koji.adjutant.instance": instance })) {
      yield* Effect.ignore(engine.removeImage(id))
    }
  }
})
