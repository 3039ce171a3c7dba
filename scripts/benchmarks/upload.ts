/**
 * A gigabyte to a server on this machine: in blocks, each with its digest, the whole confirmed, as results go to a hub;
 * against `curl`'s PUT of the same file to the same server. That is once a plain one, which nobody checks, and once one
 * of which the server makes the digests that a hub makes: the difference between the two is the hub's, whoever sends. Then fifty logs that grow at once, a line each tenth of
 * a second: how long the slowest line took to its arrival.
 */
import { spawn, spawnSync } from "node:child_process"
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { appendFile, mkdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { NodeHttpClient } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { HubSession } from "../../src/hub/HubSession.ts"
import { followLogs } from "../../src/hub/LogFollower.ts"
import { uploadFile } from "../../src/hub/Upload.ts"
import { median, note, report, seconds } from "./Figures.ts"

const bytes = 1024 ** 3
const blockBytes = 1024 ** 2
const rounds = 5
const tasks = 50
const linesEach = 100
const lineMillis = 100
/** As `TaskUploads` follows logs. */
const passMillis = 1_000
const delaySecondsMax = 2

const directory = mkdtempSync(join(process.env["ADJUTANT_BENCH_DIR"] ?? tmpdir(), "adjutant-bench-"))
const file = join(directory, "gigabyte")
/** What the server is sent. */
const kept = join(directory, "kept")
mkdirSync(kept)

const server = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly stop: () => void }>((resume) => {
    const child = spawn("python3", [join(import.meta.dirname, "uploadServer.py"), kept], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.stdout.once("data", (port) =>
      resume(Effect.succeed({ port: Number(port), stop: () => void child.kill("SIGINT") }))
    )
  }),
  ({ stop }) => Effect.sync(stop)
)

const writeFile = () => {
  const block = Buffer.alloc(blockBytes)
  for (let at = 0; at < blockBytes; at += 4) block.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at)
  const handle = openSync(file, "w")
  for (let written = 0; written < bytes; written += blockBytes) {
    block.writeUInt32LE(written / blockBytes, 0)
    writeSync(handle, block)
  }
  closeSync(handle)
}

const put = (port: number, target: "file" | "file?checked"): number => {
  const start = seconds()
  const done = spawnSync("curl", ["--silent", "--fail", "--upload-file", file, `http://127.0.0.1:${port}/${target}`])
  if (done.status !== 0) throw new Error(`curl left with ${done.status}`)
  return bytes / (seconds() - start)
}

const uploading = Effect.gen(function* () {
  const start = seconds()
  const sent = yield* uploadFile(file, "tasks/1/1", "gigabyte")
  if (sent.bytes !== bytes) throw new Error(`${sent.bytes} bytes arrived`)
  return bytes / (seconds() - start)
})

const compare = Effect.fnUntraced(function* (port: number) {
  const [ours, plain, checked]: [Array<number>, Array<number>, Array<number>] = [[], [], []]
  let peak = 0
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 50)
  for (let round = 0; round < rounds; round++) {
    plain.push(put(port, "file"))
    checked.push(put(port, "file?checked"))
    ours.push(yield* uploading)
  }
  clearInterval(timer)
  const rate = (of: ReadonlyArray<number>) => `${(median(of) / 1e6).toFixed(0)} MB/s`
  report("upload of 1 GiB", rate(ours), `curl ${rate(plain)}`, median(ours) / median(plain), ">= 0.8")
  const ratio = median(ours) / median(checked)
  report("  against a PUT with a hub's digests", rate(ours), `curl ${rate(checked)}`, ratio, ">= 0.8")
  note("  resident memory at its peak", `${(peak / 1e6).toFixed(0)} MB`)
})

/** One task's log: written to, and followed in a session of its own. */
const following = Effect.fnUntraced(function* (task: number) {
  const main = yield* HubSession
  const session = yield* main.subsession
  const logs = join(directory, `logs-${task}`)
  yield* Effect.promise(() => mkdir(logs))
  const follower = yield* followLogs(logs, "tasks/1/1")
  const pass = follower.pass.pipe(Effect.provideService(HubSession, session))
  const passing = yield* Effect.forkScoped(Effect.forever(Effect.andThen(pass, Effect.sleep(`${passMillis} millis`))))
  for (let line = 0; line < linesEach; line++) {
    yield* Effect.promise(() => appendFile(join(logs, `${task}.log`), `${Date.now() / 1000}\n`))
    yield* Effect.sleep(`${lineMillis} millis`)
  }
  yield* Effect.sleep(`${2 * passMillis} millis`)
  return passing
})

const followAll = Effect.gen(function* () {
  yield* Effect.forEach(Array.from({ length: tasks }).keys(), following, { concurrency: "unbounded", discard: true })
  const session = yield* HubSession
  const [lines, slowest] = Array.from(Object(yield* session.call("slowest", [])), Number)
  if (lines !== tasks * linesEach) throw new Error(`${lines} lines arrived of ${tasks * linesEach}`)
  const worst = slowest ?? Number.NaN
  report(
    `log lines of ${tasks} tasks, the slowest`,
    `${worst.toFixed(2)} s`,
    `allowed ${delaySecondsMax} s`,
    worst / delaySecondsMax,
    "<= 1"
  )
})

const main = Effect.gen(function* () {
  const { port } = yield* server
  writeFile()
  const session = HubSession.layerPassword({
    server: `http://127.0.0.1:${port}/kojihub`,
    user: "builder1",
    password: Redacted.make("secret"),
    exclusive: "none",
    retries: { retriesMax: 0, intervalSeconds: 1, offlineIntervalSeconds: 1, timeoutSeconds: 60 }
  }).pipe(Layer.provide(NodeHttpClient.layerUndici))
  yield* Effect.andThen(compare(port), followAll).pipe(Effect.provide(session))
}).pipe(Effect.ensuring(Effect.sync(() => rmSync(directory, { recursive: true, force: true }))))

await Effect.runPromise(Effect.scoped(main))
