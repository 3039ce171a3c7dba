/** A daemon that is a process: for a `restart` it executes itself again, for a `shutdown` it leaves. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Value } from "../../src/hub/Value.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { verify } from "../../src/inspect/Verify.ts"
import { taskStateName } from "../../src/koji/TaskState.ts"
import { startDaemon } from "../e2e/daemonProcess.ts"
import { patient, until } from "../e2e/until.ts"
import { idleEngine } from "../engine/idleEngine.ts"
import { get, login } from "../hubsim/Client.ts"
import { freshHub } from "../hubsim/Hub.ts"

const stage = Effect.gen(function* () {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "adjutant-restart-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const { url, filesUrl, topdir } = yield* freshHub({ topdir: join(directory, "top") })
  const socket = join(directory, "engine.sock")
  yield* idleEngine(socket)
  const state = join(directory, "state")
  const config = join(directory, "kojid.conf")
  const kojid = { server: url, topurl: filesUrl, topdir, user: "builder1", password: "builder1", minspace: 1 }
  const adjutant = {
    ...{ engine: "docker", engine_socket: socket, state_dir: state, log_dir: join(directory, "log") },
    ...{ log_format: "text", load_average_max: 4096 }
  }
  const section = (name: string, options: object) =>
    [`[${name}]`, ...Object.entries(options).map(([option, value]) => `${option} = ${value}`), ""].join("\n")
  writeFileSync(config, section("kojid", kojid) + section("adjutant", adjutant), { mode: 0o600 })
  const admin = yield* login(url, "kojiadmin")
  const ask = (method: string, params: ReadonlyArray<Value> = [], keywords = {}) =>
    get(url, admin, { method, params, keywords })
  const stateOf = (task: number) =>
    Effect.map(ask("getTaskInfo", [task]), (info) => taskStateName(Number(Object(info).state)))
  const daemon = yield* startDaemon(config)
  const becomes = (task: number, wanted: string) =>
    until(
      `task ${task} to be ${wanted}`,
      daemon.said,
      Effect.map(stateOf(task), (found) => (found === wanted ? true : undefined))
    )
  return { daemon, ask, becomes, state }
})

const problems = (state: string) =>
  Effect.gen(function* () {
    const names = readdirSync(state, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".jsonl"))
    assert.isNotEmpty(names)
    const verdicts = yield* Effect.forEach(names, (name) => verify(fileSource(join(state, name))))
    return verdicts.flatMap(({ problem }) => (problem === null ? [] : [problem.message]))
  })

describe("the daemon's process", () => {
  it.live(
    "executes itself again when hosts are restarted, with a new session, and leaves when it is shut down",
    () =>
      Effect.gen(function* () {
        const { daemon, ask, becomes, state } = yield* stage
        yield* ask("disableHost", ["builder2"])
        yield* daemon.hasSaid("status: ready")
        const restart = Number(yield* ask("makeTask", ["restartHosts", []]))
        yield* becomes(restart, "CLOSED")
        assert.strictEqual(daemon.said().split("koji-adjutant is host ").length - 1, 2)
        const children = Object(yield* ask("getTaskChildren", [restart]))
        assert.deepStrictEqual(
          Array.from(children, (child) => [Object(child).method, taskStateName(Object(child).state)]),
          [
            ["restart", "CLOSED"],
            ["restartVerify", "CLOSED"]
          ]
        )
        const sleep = Number(yield* ask("makeTask", ["sleep", []], {}))
        yield* becomes(sleep, "FAILED")
        const shutdown = Number(yield* ask("makeTask", ["shutdown", []], { assign: "builder1" }))
        assert.strictEqual(yield* daemon.exit, 0)
        yield* becomes(shutdown, "FREE")
        const host = Object(yield* ask("getHost", ["builder1"]))
        assert.strictEqual(host.ready, false)
        assert.deepStrictEqual(yield* problems(state), [])
      }).pipe(Effect.scoped),
    patient
  )
})
