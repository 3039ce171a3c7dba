/** What a daemon costs that has nothing to do, or only waits: memory, processor time, and its calls to the hub. */
import { readFileSync } from "node:fs"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted, Schema } from "effect"
import { FetchHttpClient } from "effect/http"
import { call } from "../../src/hub/calls/call.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { engine, note } from "./Figures.ts"
import { build, daemon, type Hub, hub, trivial } from "./Koji.ts"

/** A daemon that has just ended an attempt is given the time to put things away. */
const settleSeconds = 15
const measuredSeconds = 60
const secondsPerHour = 3600
/** Of each of kojid's idle cycles: listBuildroots, host.getHostTasks, host.getHost, host.updateHost, host.getTasks. */
const kojidCalls = 5
const kojidHourly = (sleeptime: number) => (kojidCalls * secondsPerHour) / sleeptime
/** The kernel's clock ticks, as /proc counts them. */
const ticksPerSecond = 100

/** Stands before the hub and counts what is called. */
const counting = (hub: string) => {
  const calls = new Map<string, number>()
  const server = createServer((asked: IncomingMessage, answer: ServerResponse) => {
    const body: Array<Buffer> = []
    asked.on("data", (bytes: Buffer) => body.push(bytes))
    asked.on("end", () => {
      const whole = Buffer.concat(body)
      const [, method = "rawUpload"] = /<methodName>([^<]*)/.exec(whole.toString("latin1", 0, 1024)) ?? []
      calls.set(method, (calls.get(method) ?? 0) + 1)
      const passed = request(
        new URL(asked.url ?? "", hub),
        { method: asked.method, headers: asked.headers },
        (came) => {
          answer.writeHead(came.statusCode ?? 502, came.headers)
          came.pipe(answer)
        }
      )
      passed.on("error", () => answer.destroy())
      passed.end(whole)
    })
  })
  const listening = Effect.callback<string>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(`127.0.0.1:${typeof address === "object" ? address?.port : 0}`))
    })
  })
  return Effect.acquireRelease(
    Effect.map(listening, (address) => ({ address, calls })),
    () => Effect.sync(() => server.close().closeAllConnections())
  )
}

/** Resident bytes and processor seconds of a process. */
const usage = (pid: number) => {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const [, kibibytes = "0"] = /^VmRSS:\s*(\d+) kB$/m.exec(status) ?? []
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ")
  const [user, system] = [Number(fields[11]), Number(fields[12])]
  return { resident: 1024 * Number(kibibytes), seconds: (user + system) / ticksPerSecond }
}

const main = Effect.gen(function* () {
  const koji = yield* hub
  const { address, calls } = yield* counting(koji.url)
  // The hub's own suggestion is to look every two seconds, which is for demonstrations; kojid's default is 15.
  const configuration = koji.builder
    .replace(/^server = .*$/m, `server = ${new URL(new URL(koji.url).pathname, `http://${address}`)}`)
    .replace(/^sleeptime = .*\n/m, "maxjobs = 100\n")
  const builder = yield* daemon(koji, configuration)
  const measure = Effect.fnUntraced(function* (what: string) {
    yield* Effect.sleep(`${settleSeconds} seconds`)
    calls.clear()
    const before = usage(builder.pid)
    yield* Effect.sleep(`${measuredSeconds} seconds`)
    const after = usage(builder.pid)
    const spent = after.seconds - before.seconds
    const percent = ((100 * spent) / measuredSeconds).toFixed(2)
    const memory = `${(after.resident / 1e6).toFixed(0)} MB resident`
    note(`idle ${what} on ${engine}`, `${memory}, ${spent.toFixed(2)} s of processor in a minute (${percent} %)`)
    const told = [...calls].map(([method, count]) => `${method} ${count}`).join(", ")
    note("  calls to the hub in that minute", told)
    const inAll = [...calls.values()].reduce((sum, count) => sum + count, 0)
    const hourly = Math.round((inAll * secondsPerHour) / measuredSeconds)
    note("  so in an hour", `${hourly} calls; a kojid makes ${kojidHourly(15)}, and ${kojidHourly(3)} with sleeptime=3`)
  })
  yield* measure("after its start")
  yield* build(koji, builder, trivial)
  yield* measure("after a build")
  yield* wait(koji)
  yield* measure(`with ${waitingTasks} tasks that wait for others`)
})

const waitingTasks = 50
/** Longer than anybody measures. */
const childSeconds = 3600

/** Gives the daemon tasks that wait, each for a child; few of the children find room to run. */
const wait = (koji: Hub) =>
  Effect.gen(function* () {
    const params = [[], [["sleep", [childSeconds]]]]
    for (let nth = 0; nth < waitingTasks; nth++) yield* call(Schema.Int, "makeTask", ["dependantTask", params])
  }).pipe(
    Effect.provide(
      HubSession.layerPassword({
        server: koji.url,
        user: "demo",
        password: Redacted.make(readFileSync(koji.passwordFile, "utf8").trim()),
        exclusive: "none",
        retries: { retriesMax: 3, intervalSeconds: 1, offlineIntervalSeconds: 0, timeoutSeconds: 60 }
      }).pipe(Layer.provide(FetchHttpClient.layer))
    )
  )

NodeRuntime.runMain(Effect.scoped(main))
