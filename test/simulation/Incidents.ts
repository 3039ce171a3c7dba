/**
 * Makes a plan's incidents happen. Every way by which a daemon touches the world leads through here: each time it does is
 * an instant, and an incident that is due happens at it.
 */
import { Effect, Exit } from "effect"
import { EngineError } from "../../src/engine/Engine.ts"
import type { Through } from "../../src/engine/MemoryClient.ts"
import { type Fate, runs, watchedDisk } from "../journal/WatchedDisk.ts"
import type { DaemonChoices, ModelDaemon } from "../model/Daemon.ts"
import { done, type HubFate } from "../model/Hub.ts"
import type { FileFate } from "../model/Machine.ts"
import { Process } from "../model/Time.ts"
import type { World } from "../model/World.ts"
import type { Incident } from "./Plan.ts"

type Place = "hub" | "engine" | "file" | "journal"

/** What can only happen at one kind of instant. */
const placeOf: Partial<Record<Incident["what"], Place>> = {
  "hub request": "hub",
  "engine call": "engine",
  "file operation fails": "file",
  "journal operation fails": "journal"
}

/** Operations that a full disk refuses. */
const needsSpace = new Set(["appendFile", "copyFile", "cp", "mkdir", "write", "writeFile"])

/** The pause of a service manager before it starts again what has left by itself. */
const restartMillis = 10_000
const machineMillis = 60_000

export class Incidents {
  instants = 0
  readonly happened: Array<Incident> = []
  /** Of daemons that left by themselves: how. */
  readonly left: Array<string> = []
  /** Tasks that somebody canceled or gave back, as far as they were not at their end. */
  readonly touched = new Set<number>()
  #due: Array<Incident>
  #world: World | undefined
  #over = false
  #diskFullUntil = 0
  #boots = 1
  readonly #daemons: Array<ModelDaemon> = []
  /** Who is down, and until when. */
  readonly #down = new Map<ModelDaemon, number>()
  readonly #roots: () => ReadonlyArray<number>
  /** What was begun at an instant and goes on by itself. */
  #errands = 0

  constructor(incidents: ReadonlyArray<Incident>, roots: () => ReadonlyArray<number>) {
    this.#due = [...incidents]
    this.#roots = roots
  }

  /** What a daemon is made with, so that whatever it does comes by here. */
  choicesFor(name: DaemonChoices["name"]): DaemonChoices {
    const find = () => this.#daemons.find((daemon) => daemon.name === name)
    return {
      name,
      options: { sleepSeconds: 60, pollSeconds: 20 },
      disk: (disk) => watchedDisk(disk, () => Effect.sync(() => this.#journalFate(find()))),
      through: this.#through(find)
    }
  }

  /** From now on, in this world, with these daemons. */
  begin(world: World, daemons: ReadonlyArray<ModelDaemon>) {
    this.#world = world
    this.#daemons.push(...daemons)
    world.hub.fateOf = ({ from }) => this.#hubFate(this.#daemons.find(({ name }) => name === from))
    world.hub.afterwards = ({ from }) =>
      void this.#instant(
        undefined,
        this.#daemons.find(({ name }) => name === from)
      )
  }

  /** Nothing more happens. */
  end() {
    this.#over = true
  }

  /** Every daemon runs and nothing is broken any more. */
  get healed(): boolean {
    const world = this.#world
    if (world === undefined || this.#errands > 0 || this.#down.size > 0) return false
    const { hub, time } = world
    return time.now >= Math.max(hub.awayUntil, hub.offlineUntil, this.#diskFullUntil)
  }

  fileFate(operation: string, path: string): FileFate {
    const daemon = this.#daemons.find(({ settings }) => path.startsWith(settings.stateDirectory))
    if (daemon === undefined) return "done"
    const incident = this.#instant("file", daemon)
    if (!daemon.running && this.#down.has(daemon)) return "never"
    const full = { code: "ENOSPC" } as const
    if (incident?.what === "file operation fails" && incident.code === "EIO") return { code: "EIO" }
    return needsSpace.has(operation) && (incident?.what === "file operation fails" || this.#isFull()) ? full : "done"
  }

  /** Starts again what is down. To be called again and again. */
  readonly attend = Effect.gen({ self: this }, function* () {
    const world = this.#world
    if (world === undefined) return
    for (const daemon of this.#daemons) {
      if (daemon.running) continue
      const until = this.#down.get(daemon)
      if (until === undefined) {
        const { exit } = daemon
        this.left.push(exit !== undefined && Exit.isFailure(exit) ? String(exit.cause) : "well")
        this.#down.set(daemon, world.time.now + restartMillis)
      } else if (world.time.now >= until) {
        this.#down.delete(daemon)
        yield* daemon.start
      }
    }
  })

  #hubFate(daemon: ModelDaemon | undefined): HubFate {
    const incident = this.#instant("hub", daemon)
    if (daemon !== undefined && this.#down.has(daemon)) return { _tag: "Silence", done: false }
    if (incident?.what !== "hub request") return done
    switch (incident.how) {
      case "request lost":
        return { _tag: "Lost" }
      case "answer lost":
        return { _tag: "AnswerLost" }
      case "late":
        return { _tag: "Late", millis: incident.millis }
      case "twice":
        return { _tag: "Twice" }
    }
  }

  #through(find: () => ModelDaemon | undefined): Through {
    return (operation, call) =>
      Effect.gen({ self: this }, function* () {
        const incident = this.#instant("engine", find())
        const how = incident?.what === "engine call" ? incident.how : undefined
        const lost = new EngineError({ operation, subject: "engine", reason: "unreachable", message: "it went away" })
        if (how === "request lost") return yield* lost
        if (how === "late" && incident?.what === "engine call") yield* Effect.sleep(`${incident.millis} millis`)
        const answer = yield* call
        this.#instant(undefined, find())
        return how === "answer lost" ? yield* lost : answer
      })
  }

  #journalFate(daemon: ModelDaemon | undefined): Fate {
    const incident = this.#instant("journal", daemon)
    if (incident?.what === "journal operation fails") {
      return { _tag: "Fails", code: incident.code, part: incident.part }
    }
    return this.#isFull() ? { _tag: "Fails", code: "ENOSPC", part: 0 } : runs
  }

  #isFull(): boolean {
    return (this.#world?.time.now ?? 0) < this.#diskFullUntil
  }

  /** One touch of the world. The incident that happens to this very touch, if there is one. */
  #instant(place: Place | undefined, daemon: ModelDaemon | undefined): Incident | undefined {
    const world = this.#world
    if (world === undefined || this.#over || daemon === undefined || !daemon.running) return undefined
    this.instants++
    const found = this.#due.find(({ at, what }) => {
      const only = placeOf[what]
      return at <= this.instants && (only === undefined || only === place)
    })
    if (found === undefined) return undefined
    this.#due = this.#due.filter((incident) => incident !== found)
    this.happened.push(found)
    this.#happen(found, world, daemon)
    return found
  }

  #happen(incident: Incident, world: World, daemon: ModelDaemon) {
    const { hub, engine, time } = world
    const now = time.now
    switch (incident.what) {
      case "killed":
        this.#goDown(daemon, daemon.kill, incident.awayMillis)
        return
      case "power lost":
        for (const one of this.#daemons) {
          this.#goDown(one, one.losePower, Math.max(machineMillis, incident.awayMillis))
          one.bootId = `boot-${this.#boots + 1}`
        }
        this.#boots++
        this.#begin(
          Effect.gen(function* () {
            yield* engine.goAway("die")
            yield* engine.comeBack
          })
        )
        return
      case "terminated":
        this.#leave(daemon, daemon.terminate, incident.awayMillis)
        return
      case "handed over":
        this.#leave(daemon, daemon.handOver, incident.awayMillis)
        return
      case "drained":
        // Its tasks may wait for others that it does not take any more: its operator loses patience.
        this.#begin(
          Effect.gen(function* () {
            yield* daemon.drain
            yield* Effect.raceFirst(daemon.ended, Effect.sleep("10 minutes"))
            if (daemon.running) yield* daemon.terminate
          })
        )
        return
      case "hub away":
        hub.awayUntil = now + incident.millis
        return
      case "hub offline":
        hub.offlineUntil = now + incident.millis
        return
      case "engine away":
      case "engine killed": {
        const { millis } = incident
        const containers = incident.what === "engine away" ? "go on" : "die"
        this.#begin(
          Effect.gen(function* () {
            yield* engine.goAway(containers)
            yield* Effect.sleep(`${millis} millis`)
            yield* engine.comeBack
          })
        )
        return
      }
      case "container killed":
        this.#begin(
          Effect.gen(function* () {
            const [running] = (yield* engine.containers).filter((container) => container.running)
            if (running !== undefined) yield* engine.kill(running.name)
          })
        )
        return
      case "disk full":
        this.#diskFullUntil = now + incident.millis
        return
      case "clock jumps":
        time.wallOffset += incident.millis
        return
      case "canceled":
        this.#begin(this.#administer(world, (task) => void hub.admin("cancelTask", [task])))
        return
      case "freed":
        this.#begin(
          this.#administer(world, (task) => {
            if (["OPEN", "ASSIGNED"].includes(hub.state(task) ?? "")) hub.admin("freeTask", [task])
          })
        )
        return
      case "reaped":
        this.#begin(Effect.forEach(this.#daemons, (one) => one.reap, { discard: true }))
        return
      case "hub request":
      case "engine call":
      case "file operation fails":
      case "journal operation fails":
        return
    }
  }

  #begin(errand: Effect.Effect<unknown>) {
    const time = this.#world?.time
    if (time === undefined) return
    this.#errands++
    const counted = Effect.ensuring(
      errand,
      Effect.sync(() => void this.#errands--)
    )
    Effect.runForkWith(time.contextOf(new Process("incidents"), 0))(counted)
  }

  #administer(world: World, act: (task: number) => void) {
    return Effect.sync(() => {
      const running = this.#roots().find((task) => !isAtEnd(world.hub.state(task)))
      if (running === undefined) return
      this.touched.add(running)
      act(running)
    })
  }

  #goDown(daemon: ModelDaemon, how: Effect.Effect<void>, awayMillis: number) {
    if (this.#down.has(daemon)) return
    this.#down.set(daemon, (this.#world?.time.now ?? 0) + awayMillis)
    Effect.runSync(how)
  }

  /** It is told to leave, and started again a while after it has. */
  #leave(daemon: ModelDaemon, how: Effect.Effect<unknown>, awayMillis: number) {
    this.#begin(
      Effect.gen({ self: this }, function* () {
        yield* how
        yield* Effect.raceFirst(daemon.ended, Effect.sleep("1 hour"))
        // Killed on its way out, it is down as long as that takes.
        if (!daemon.running && !this.#down.has(daemon))
          this.#down.set(daemon, (this.#world?.time.now ?? 0) + awayMillis)
      })
    )
  }
}

export const isAtEnd = (state: string | undefined): boolean => ["CLOSED", "FAILED", "CANCELED"].includes(state ?? "")
