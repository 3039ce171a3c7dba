/**
 * A daemon that has been at work for long: its state directory holds ten thousand journals that have ended and fifty that
 * have not. The seconds from the start of the process until it has looked at the hub and is ready, and its memory then.
 *
 * The tasks of the fifty were canceled while nobody was there, so their attempts end by themselves. The files are in the
 * system's memory, from which they have just been written.
 */
import { readFileSync } from "node:fs"
import { NodeHttpClient, NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Redacted } from "effect"
import { cancelTask, submitBuild } from "../../src/hub/calls/tasks.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { engine, median, note, progress, seconds } from "./Figures.ts"
import { ofTask, recorded, recordedAs, writeJournal } from "./Journals.ts"
import { daemonAt, type Hub, hub, place } from "./Koji.ts"

const rounds = 3
const finished = 10_000
const open = 50
const firstFinished = 100_000
/** As many as there would be in about a month. */
const secondsBetween = 240

const ended = recorded.filter(({ events }) => events.at(-1)?._tag === "Concluded")
/** An attempt whose daemon was killed while a container ran. */
const interrupted = (() => {
  const { events } = recordedAs("buildArch.closed")
  return events.slice(0, events.findLastIndex(({ _tag }) => _tag === "ContainerStarted") + 1)
})()

/** Tasks that the hub has heard of and that were canceled. */
const canceledTasks = (koji: Hub) =>
  Effect.gen(function* () {
    const tasks: Array<number> = []
    for (let n = 0; n < open; n++) {
      const task = yield* submitBuild(`cli-build/none-${n}.src.rpm`, koji.target, { scratch: true }, null)
      yield* cancelTask(task)
      tasks.push(task)
    }
    return tasks
  }).pipe(
    Effect.provide(
      HubSession.layerPassword({
        server: koji.url,
        user: "demo",
        password: Redacted.make(readFileSync(koji.passwordFile, "utf8").split("\n")[0] ?? ""),
        exclusive: "none",
        retries: { retriesMax: 3, intervalSeconds: 3, offlineIntervalSeconds: 20, timeoutSeconds: 60 }
      }).pipe(Layer.provide(NodeHttpClient.layerUndici))
    )
  )

const residentBytes = (pid: number): number => {
  const [, kibibytes = "0"] = /^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return 1024 * Number(kibibytes)
}

const main = Effect.gen(function* () {
  const koji = yield* hub
  // A builder that has so many tasks at a time, or it would not be ready for more.
  const where = yield* place(`${koji.builder}\nmaxjobs = ${2 * open}\n`)
  const started = Effect.gen(function* () {
    const start = seconds()
    const { pid } = yield* daemonAt(koji, where)
    return { took: seconds() - start, resident: residentBytes(pid) }
  }).pipe(Effect.scoped)

  const empty = yield* started
  progress(`with nothing behind it: ${empty.took.toFixed(2)} s`)
  const tasks = yield* canceledTasks(koji)
  const since = Date.now() - 1000 * secondsBetween * finished
  for (let n = 0; n < finished; n++) {
    const events = ended[n % ended.length]?.events ?? []
    const task = firstFinished + n
    writeJournal(where.state, task, ofTask(events, task), since + 1000 * secondsBetween * n)
  }
  progress(`${finished} journals are there`)
  const all: Array<{ readonly took: number; readonly resident: number }> = []
  for (let round = 0; round < rounds; round++) {
    for (const task of tasks) writeJournal(where.state, task, ofTask(interrupted, task), Date.now() - 600_000)
    all.push(yield* started)
    progress(`${all.at(-1)?.took.toFixed(2)} s`)
  }
  const typical = all.find(({ took }) => took === median(all.map((one) => one.took))) ?? empty
  const told = ({ took, resident }: typeof empty) => `${took.toFixed(2)} s, ${(resident / 1e6).toFixed(0)} MB resident`
  const what = `start on ${engine}, median of ${rounds}`
  note(what, `${told(typical)} (<= 3 s); with nothing behind it ${told(empty)}`)
  note("  behind it", `${finished} journals that have ended, ${open} that have not`)
})

NodeRuntime.runMain(Effect.scoped(main))
