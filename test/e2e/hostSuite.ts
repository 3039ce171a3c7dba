/** Builders that have no room, hubs that make no sense, and two daemons that want the same directory. */
import { execFileSync } from "node:child_process"
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs"
import { join } from "node:path"
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import type { Disturbance } from "../../src/hubsim/HubServer.ts"
import { isOver } from "./builder.ts"
import { startDaemon } from "./daemonProcess.ts"
import { behaving, waiting } from "./packages.ts"
import { free, letEnd, System, saying } from "./system.ts"
import { patient } from "./until.ts"

/** A file system of its own, of so many MiB, until the scope closes. */
const smallDisk = (directory: string, mebibytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      mkdirSync(directory, { recursive: true })
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=0700`, "none", directory])
      const filling = join(directory, "filling")
      const fill = () => {
        const file = openSync(filling, "w")
        try {
          for (;;) writeSync(file, Buffer.alloc(1024 * 1024))
        } catch {
          closeSync(file)
        }
      }
      return { fill, clear: () => rmSync(filling) }
    }),
    () => Effect.sync(() => execFileSync("umount", ["-l", directory]))
  )

const nonsense: ReadonlyArray<Disturbance> = [
  { _tag: "Answer", contentType: "text/html", body: "<html><body>Welcome to nginx!</body></html>" },
  { _tag: "Answer", contentType: "text/xml", body: "<?xml version='1.0'?><methodResponse><params><para" },
  { _tag: "Answer", contentType: "text/xml", body: "\u0000\u0001\u0002" },
  { _tag: "Answer", contentType: "text/xml", body: "" },
  { _tag: "Status", status: 502 },
  { _tag: "Status", status: 503 }
]
const none: Disturbance = { _tag: "None" }

const anyBuild = (system: System["Service"], name: string) => waiting(join(system.directory, "sources"), name)

/** A build that wants so many MiB of its directory. */
const filling = (system: System["Service"], mebibytes: number) =>
  behaving(
    join(system.directory, "sources"),
    "filling",
    `dd if=/dev/zero of=/builddir/filling bs=1M count=${mebibytes}`
  )

export const hostSuite = (it: Vitest.MethodsNonLive<System>) => {
  it.effect(
    "a state directory that another daemon holds is left to it, and so is its session at the hub",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const second = yield* startDaemon(system.main.configFile)
        assert.strictEqual(yield* second.exit, 1)
        assert.include(second.said(), `another daemon (process ${system.daemon.pid}, since `)
        assert.include(second.said(), `holds ${system.main.stateDirectory}`)
        const source = yield* behaving(join(system.directory, "sources"), "plain", "true")
        const task = yield* system.buildArch(source, "main")
        assert.strictEqual((yield* system.ended(task)).state, "CLOSED")
      }),
    patient
  )

  it.effect(
    "a builder with too little room says so, and takes nothing",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const builder = yield* system.builder({ name: "cramped", apart: true, kojid: { minspace: 1_000_000_000 } })
        const task = yield* system.buildArch(yield* anyBuild(system, "plain"), "cramped")
        const daemon = yield* builder.start
        yield* daemon.hasSaid(`status: insufficient disk space: ${builder.stateDirectory} has `)
        assert.include(daemon.said(), "MiB, minspace 1000000000")
        yield* daemon.signal("SIGTERM")
        assert.strictEqual(yield* daemon.exit, 0)
        assert.strictEqual((yield* system.info(task)).state, free)
        assert.strictEqual(yield* builder.attempts(task), 0)
        yield* system.cancel(task)
      }),
    patient
  )

  it.effect(
    "a build that takes the builder's last room is left to another builder, and the one beside it goes on",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const stateDirectory = join(system.directory, "roomy/state")
        yield* smallDisk(stateDirectory, 3000)
        const builder = yield* system.builder({ name: "roomy", apart: true, stateDirectory })
        yield* builder.start
        const beside = yield* system.buildArch(yield* anyBuild(system, "beside"), "roomy")
        yield* saying(beside, "\ntick 1\n")
        const task = yield* system.buildArch(yield* filling(system, 4000), "roomy")
        const [message] = yield* system.seen(
          task,
          "a refusal",
          Effect.map(system.refusals(task), (messages) => (messages.length === 0 ? undefined : messages))
        )
        assert.strictEqual(message, "no room for build/1: fewer than 1073741824 bytes were left on the builder's disk")
        assert.strictEqual((yield* system.info(task)).state, free)
        yield* isOver(builder, task, "refused")
        yield* system.cancel(task)
        yield* builder.touch(beside, "go")
        assert.strictEqual((yield* system.ended(beside)).state, "CLOSED")
        yield* isOver(builder, beside, "closed")
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )

  it.effect(
    "a disk that others fill costs no build: it is begun again, by the same daemon or by the next",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const stateDirectory = join(system.directory, "small/state")
        const disk = yield* smallDisk(stateDirectory, 800)
        const builder = yield* system.builder({ name: "small", apart: true, stateDirectory })
        const daemon = yield* builder.start
        const task = yield* system.buildArch(yield* anyBuild(system, "innocent"), "small")
        yield* saying(task, "\ntick 1\n")
        disk.fill()
        const freed = system.seen(
          task,
          "the task to be free",
          Effect.map(system.info(task), ({ state }) => (state === free ? "freed" : undefined))
        )
        const left = yield* Effect.raceFirst(daemon.exit, freed)
        assert.include([1, "freed"], left)
        // A daemon that cannot write leaves its build to the next one, which finds it running.
        const running = (yield* builder.containers()).map((container) => container.labels["io.koji.adjutant.task_id"])
        if (left === 1) {
          assert.match(daemon.said(), /adjutant: the journal cannot be written \(.*ENOSPC.*leaving\n$/)
          for (const id of running) assert.strictEqual(id, String(task))
        } else {
          yield* daemon.hasSaid(`task ${task}, attempt 1: freed: the builder's disk is full: ENOSPC`)
          assert.deepStrictEqual(running, [])
        }

        disk.clear()
        if (left === 1) yield* builder.start
        const { state, message } = yield* letEnd(builder, task)
        assert.deepStrictEqual([state, message], ["CLOSED", ""])
        yield* isOver(builder, task, "closed")
        assert.deepStrictEqual(yield* builder.problems, [])
      }),
    patient
  )

  it.effect(
    "a hub whose answers are garbage half of the time is asked again until they are not",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const source = yield* anyBuild(system, "undisturbed")
        const task = yield* system.buildArch(source, "main")
        yield* saying(task, "\ntick 1\n")
        yield* system.disturb(({ number }) => nonsense[number % (2 * nonsense.length)] ?? none)
        yield* saying(task, "\ntick 20\n")
        yield* system.main.touch(task, "go")
        const { state } = yield* system.ended(task)
        yield* system.disturb(() => none)
        assert.strictEqual(state, "CLOSED")
        assert.match(yield* system.output(task, "build.log"), /\ngone on\n[\s\S]*Child return code was: 0\n$/)
        yield* isOver(system.main, task, "closed")
      }),
    patient
  )

  it.effect(
    "a hub that answers with something else than was asked for fails the task, and says which call",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const body =
          "<?xml version='1.0'?><methodResponse><params><param><value><string>seven</string></value></param></params></methodResponse>"
        yield* system.disturb(({ method }) =>
          method === "host.newBuildRoot" ? { _tag: "Answer", contentType: "text/xml", body } : none
        )
        const task = yield* system.buildArch(yield* anyBuild(system, "plain"), "main")
        const { state, code, message } = yield* system.ended(task)
        yield* system.disturb(() => none)
        assert.deepStrictEqual([state, code], ["FAILED", 1])
        assert.strictEqual(
          message,
          `the hub's answer to host.newBuildRoot makes no sense: Expected number, got "seven"`
        )
        yield* isOver(system.main, task, "failed")
      }),
    patient
  )

  it.effect(
    "a server that is no hub keeps the daemon from starting, and it says what was answered",
    () =>
      Effect.gen(function* () {
        const system = yield* System
        const builder = yield* system.builder({ name: "astray", apart: true, kojid: { server: system.hub.filesUrl } })
        const daemon = yield* builder.start
        assert.strictEqual(yield* daemon.exit, 1)
        const { filesUrl } = system.hub
        assert.include(daemon.said(), `adjutant: ${filesUrl}: login: the hub answered with HTTP status 404`)
      }),
    patient
  )
}
