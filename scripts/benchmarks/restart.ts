/**
 * A daemon killed in the middle of a build and started again: the seconds from the start of the process until the capture
 * of the container it finds running has a line that was put out after that start. Beside it, the seconds that the engine's
 * own `logs`, started at such an instant on the same container, takes to its first new line.
 *
 * The package puts out a line with the time every twentieth of a second. The daemon is killed several times over and the
 * build has to end well all the same.
 */
import { spawn } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Fiber, Schedule } from "effect"
import { label } from "../../src/engine/Labels.ts"
import { engine, engineCli, engineCommand, median, note, progress } from "./Figures.ts"
import { type Daemon, daemonAt, hub, type Place, place, submit, ticking, trivial } from "./Koji.ts"

const rounds = 5
/** How long the daemon is away each time. */
const away = "2 seconds"
/** How often the captures are looked at. */
const betweenLooks = "5 millis"

const now = (): number => Date.now() / 1000

/** The time on the last whole line that says one. */
const lastTick = (text: string): number => {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1)
  const at = whole.lastIndexOf("tick ")
  return at < 0 ? Number.NEGATIVE_INFINITY : Number.parseFloat(whole.slice(at + "tick ".length))
}

/** The last time in any capture of this place. */
const lastCaptured = ({ state }: Place): number => {
  const captures = globSync("work/*/captures/*", { cwd: state })
  return Math.max(...captures.map((name) => lastTick(readFileSync(join(state, name), "latin1"))))
}

/** Returns once a line that was put out after this time has been captured. */
const captured = (where: Place, time: number) =>
  Effect.repeat(
    Effect.sync(() => lastCaptured(where) > time),
    { until: (there) => there, schedule: Schedule.spaced(betweenLooks) }
  )

/** Seconds until the engine's own command tells a new line of the container that runs. */
const byLogs = ({ state }: Daemon) =>
  Effect.callback<number>((resume) => {
    const instance = readFileSync(join(state, "instance"), "utf8").trim()
    const [name = ""] = engineCli("ps", "--quiet", "--filter", `label=${label.instance}=${instance}`).split("\n")
    const start = now()
    const [program, ...args] = engineCommand("logs", "--follow", "--tail", "1", name)
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] })
    let output = ""
    child.stdout.on("data", (bytes) => {
      output += String(bytes)
      if (lastTick(output) > start) resume(Effect.succeed(now() - start))
    })
    child.on("close", (code) => resume(Effect.die(new Error(`${program} logs left with ${code}: ${output}`))))
    return Effect.sync(() => child.kill())
  }).pipe(Effect.scoped)

const kill = ({ pid }: Daemon) => Effect.sync(() => process.kill(pid, "SIGKILL"))

const main = Effect.gen(function* () {
  const koji = yield* hub
  const where = yield* place(koji.builder)
  const building = yield* Effect.scoped(
    Effect.gen(function* () {
      const first = yield* daemonAt(koji, where)
      // Makes the images that the other build finds.
      yield* submit(koji, trivial)
      const building = yield* Effect.forkDetach(submit(koji, ticking))
      yield* captured(where, now())
      yield* kill(first)
      return building
    })
  )
  const ours: Array<{ readonly line: number; readonly ready: number }> = []
  const theirs: Array<number> = []
  for (let round = 1; round <= rounds; round++) {
    yield* Effect.sleep(away)
    const start = now()
    yield* Effect.scoped(
      Effect.gen(function* () {
        const line = yield* Effect.forkChild(Effect.andThen(captured(where, start), Effect.sync(now)))
        const again = yield* daemonAt(koji, where)
        const ready = now() - start
        ours.push({ line: (yield* Fiber.join(line)) - start, ready })
        theirs.push(yield* byLogs(again))
        progress(`next line after ${ours.at(-1)?.line.toFixed(2)} s, by logs ${theirs.at(-1)?.toFixed(2)} s`)
        if (round < rounds) yield* kill(again)
        else yield* Fiber.join(building)
      })
    )
  }
  const line = median(ours.map((one) => one.line))
  const what = `restart to the next line on ${engine}, median of ${rounds}`
  note(what, `${line.toFixed(2)} s, by logs ${median(theirs).toFixed(2)} s`)
  note("  from restart to ready", `${median(ours.map(({ ready }) => ready)).toFixed(2)} s; the build ended well`)
})

NodeRuntime.runMain(Effect.scoped(main))
