/**
 * A hub's answer of 20 MB, decoded and encoded again: by us, and by Python's `xmlrpc.client`, which is kojid's, on the same
 * bytes; seconds, and the most memory that a process which does just that has taken beyond what it had when it began.
 * Each round is a new process.
 *
 * Then the same answer over HTTP to a session of ours, while a timer watches how long nothing else gets its turn.
 */
import { spawn, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { NodeHttpClient } from "@effect/platform-node"
import { type Context, Effect, Layer } from "effect"
import { HubTransport } from "../../src/hub/HubTransport.ts"
import type { Value } from "../../src/hub/Value.ts"
import { encodeAnswer } from "../../src/hub/XmlRpcEncoder.ts"
import { median, note, report } from "./Figures.ts"

const bytes = 20_000_000
const rounds = 5
const blockMillisecondsMax = 50
const directory = mkdtempSync(join(process.env["ADJUTANT_BENCH_DIR"] ?? tmpdir(), "adjutant-bench-"))
const file = join(directory, "answer.xml")
const script = join(import.meta.dirname, "xmlrpcRound.ts")

/** A row of `listTaggedRPMS`: what long answers are made of. */
const row = (id: number): Value => ({
  ...{
    id,
    name: `package-${id % 977}-devel`,
    version: `${id % 40}.${id % 7}.1`,
    release: `${id % 12}.fc${40 + (id % 3)}`
  },
  ...{ arch: id % 3 === 0 ? "noarch" : "x86_64", epoch: id % 10 === 0 ? 1 : null, draft: false, size: id * 7919 },
  ...{ build_id: Math.floor(id / 4), buildtime: 1_700_000_000 + id, buildroot_id: id * 3, external_repo_id: 0 },
  ...{ external_repo_name: "INTERNAL", payloadhash: (id * 2_654_435_761).toString(16).padStart(32, "a") },
  ...{ metadata_only: false, extra: null, summary: "Files & headers for <developing> with it", ratio: id / 7 }
})

interface Round {
  readonly decodeSeconds: number
  readonly encodeSeconds: number
  readonly startBytes: number
  readonly decodePeakBytes: number
  readonly encodePeakBytes: number
}

const python = `
import json, re, sys, time, xmlrpc.client
peak = lambda: 1024 * int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read()).group(1))
begun = peak()
data = open(sys.argv[1], "rb").read()
start = time.perf_counter()
(value,), _ = xmlrpc.client.loads(data)
decoded, first = time.perf_counter() - start, peak()
start = time.perf_counter()
out = xmlrpc.client.dumps((value,), methodresponse=True, allow_none=True).encode("utf-8")
print(json.dumps({"decodeSeconds": decoded, "encodeSeconds": time.perf_counter() - start,
                  "startBytes": begun, "decodePeakBytes": first, "encodePeakBytes": peak()}))
`

const run = (program: string, ...args: ReadonlyArray<string>): Round => {
  const done = spawnSync(program, args, { encoding: "utf8" })
  if (done.status !== 0) throw new Error(`${program}: ${done.stderr}`)
  return JSON.parse(done.stdout)
}

/** Writes the answer and tells how many rows it has. */
const writeAnswer = (): number => {
  const sample = 1_000
  const rowsOf = (count: number) => Array.from({ length: count }, (_, id) => row(id))
  const length = encodeAnswer({ _tag: "Success", value: rowsOf(sample) }).length
  const rows = Math.ceil((bytes / length) * sample)
  writeFileSync(file, encodeAnswer({ _tag: "Success", value: rowsOf(rows) }))
  return rows
}

const compare = () => {
  const [ours, theirs]: [Array<Round>, Array<Round>] = [[], []]
  for (let round = 0; round < rounds; round++) {
    theirs.push(run("python3", "-c", python, file))
    ours.push(run(process.execPath, ...process.execArgv, script, file))
  }
  const middle = (of: ReadonlyArray<Round>, member: keyof Round) => median(of.map((round) => round[member]))
  for (const what of ["decode", "encode"] as const) {
    const [we, they] = [middle(ours, `${what}Seconds`), middle(theirs, `${what}Seconds`)]
    report(`XML-RPC, ${what} 20 MB`, `${we.toFixed(2)} s`, `Python ${they.toFixed(2)} s`, they / we, ">= 1")
    const taken = (of: ReadonlyArray<Round>) => middle(of, `${what}PeakBytes`) - middle(of, "startBytes")
    const [mine, its] = [taken(ours), taken(theirs)]
    const megabytes = (size: number) => `${(size / 1e6).toFixed(0)} MB`
    report("  memory taken by then, at its peak", megabytes(mine), `Python ${megabytes(its)}`, mine / its, "<= 1.5")
  }
}

/** Serves the answer from a process of its own: what blocks there must not be taken for ours. */
const server = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly stop: () => void }>((resume) => {
    const child = spawn(process.execPath, [import.meta.filename, "serve", file], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    child.stdout.once("data", (port) =>
      resume(Effect.succeed({ url: `http://127.0.0.1:${String(port).trim()}/kojihub`, stop: () => void child.kill() }))
    )
  }),
  ({ stop }) => Effect.sync(stop)
)

const ask = (services: Context.Context<HubTransport>, target: string) =>
  Effect.flatMap(HubTransport, ({ exchange }) =>
    exchange({
      target,
      headers: {},
      inSession: true,
      content: { _tag: "Call", call: { method: "listTaggedRPMS", params: [] } }
    })
  ).pipe(Effect.provide(services))

/** The most processor time that this thread takes between two turns of a timer: what is left of a block on an idle machine. */
const watchProcessor = () => {
  const now = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1e3
  }
  let [last, longest] = [now(), 0]
  const timer = setInterval(() => {
    const before = last
    last = now()
    longest = Math.max(longest, last - before)
  }, 1)
  return () => {
    clearInterval(timer)
    return longest
  }
}

const watchLoop = Effect.gen(function* () {
  const { url } = yield* server
  const services = yield* Layer.build(HubTransport.layerHttp(url).pipe(Layer.provide(NodeHttpClient.layerUndici)))
  const blocked: Array<number> = []
  const worked: Array<number> = []
  // A daemon has logged in before it is told anything long.
  yield* ask(services, "?short")
  for (let round = 0; round < rounds; round++) {
    const delays = monitorEventLoopDelay({ resolution: 1 })
    delays.enable()
    const stop = watchProcessor()
    yield* ask(services, "")
    yield* Effect.sleep("20 millis")
    delays.disable()
    worked.push(stop())
    blocked.push(delays.max / 1e6)
  }
  const worst = Math.max(...blocked)
  report(
    "  event loop, longest without a turn",
    `${worst.toFixed(0)} ms`,
    `allowed ${blockMillisecondsMax} ms`,
    worst / blockMillisecondsMax,
    "<= 1"
  )
  note("  of which the processor worked for us", `${Math.max(...worked).toFixed(0)} ms`)
})

if (process.argv[2] === "serve") {
  const answer = readFileSync(process.argv[3] ?? "")
  const short = Buffer.from(encodeAnswer({ _tag: "Success", value: null }))
  const serving = createServer((request, response) => {
    const body = request.url?.endsWith("short") ? short : answer
    response.writeHead(200, { "Content-Type": "text/xml", "Content-Length": body.length }).end(body)
  })
  serving.listen(0, "127.0.0.1", () => {
    const address = serving.address()
    process.stdout.write(`${typeof address === "object" ? address?.port : 0}\n`)
  })
} else {
  note("XML-RPC, an answer of 20 MB", `${writeAnswer()} structs of 18 members`)
  compare()
  await Effect.runPromise(Effect.scoped(watchLoop))
  rmSync(directory, { recursive: true, force: true })
}
