/**
 * A daemon that is killed at one instant of a history, and started again: what must be so afterwards, whichever instant
 * it was.
 *
 * Instants are counted wherever the process touches the world: before each operation of its journal's disk and of its
 * other files, before and after each call of the hub and of the engine. Between two of them nothing can be seen from
 * outside, so to be killed at each of them is to be killed anywhere.
 */
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { violations } from "../../src/core/Invariants.ts"
import type { Value } from "../../src/hub/Value.ts"
import { type Fate, runs, watchedDisk } from "../journal/WatchedDisk.ts"
import type { ModelDaemon } from "../model/Daemon.ts"
import { done, type Seen } from "../model/Hub.ts"
import { story, type World } from "../model/World.ts"

export interface Doomed {
  readonly method: string
  readonly before: (world: World) => ReadonlyArray<Value>
  readonly making?: { readonly arch: string }
}

export interface Survived {
  readonly instants: number
  /** Operations of the journal's disk. */
  readonly journaled: number
  /** By task: how it ended, what it was closed or failed with. */
  readonly ends: ReadonlyMap<number, { readonly state: string | undefined; readonly result: Value }>
  /** Digests of what lies in the tasks' directories at the hub, journals and time stamps left out. */
  readonly files: Readonly<Record<string, string>>
  /** How often each call was carried out that has an effect that cannot be had twice. */
  readonly effects: Readonly<Record<string, number>>
  readonly histories: ReadonlyArray<ReadonlyArray<AttemptEvent>>
}

/** What happens while the daemon is away. */
export type Meanwhile = (world: World, task: number) => Effect.Effect<void>

/** Calls that leave something behind each time. */
export const onceOnly = [
  "host.openTask",
  "host.newBuildRoot",
  "host.setBuildRootList",
  "host.completeBuild",
  "host.tagBuild",
  "host.repoDone",
  "host.closeTask",
  "host.failTask"
]

/** How long a daemon stays away: less than the hub waits before it gives its tasks to others. */
const awayMillis = 20_000

/**
 * What ends the daemon's life: the instant of this number; a call of this method, once the hub has done it and before
 * its answer is heard; the journal, whose disk takes nothing more from the operation of this number on for a while.
 */
export type Fatality = { readonly at: number } | { readonly after: string } | { readonly journalFailsAt: number }

/** Runs the task, the daemon's life ended so (or undisturbed), and looks at what is there in the end. */
export const surviving = (doomed: Doomed, fatality?: Fatality, meanwhile?: Meanwhile): Promise<Survived> => {
  const at = fatality !== undefined && "at" in fatality ? fatality.at : undefined
  let count = 0
  let daemon: ModelDaemon | undefined
  let dead = false
  let over = false
  const instant = (): boolean => {
    if (dead || over || daemon === undefined || !daemon.running) return false
    count++
    if (count !== at) return false
    dead = true
    Effect.runSync(daemon.kill)
    return true
  }
  const die = () => {
    if (dead || over || daemon === undefined || !daemon.running) return
    dead = true
    Effect.runSync(daemon.kill)
  }
  let journaled = 0
  const journal = (): Fate => {
    instant()
    if (over || dead) return runs
    journaled++
    if (fatality === undefined || !("journalFailsAt" in fatality) || journaled < fatality.journalFailsAt) return runs
    return { _tag: "Fails", code: "ENOSPC", part: 0.5 }
  }
  const tell = (world: World) =>
    Effect.gen(function* () {
      const { hub, engine } = world
      hub.fateOf = () => (instant() ? { _tag: "Silence", done: false } : done)
      hub.afterwards = ({ method }) => {
        if (fatality !== undefined && "after" in fatality && method === fatality.after) die()
        else instant()
      }
      daemon = yield* world.daemon({
        options: { sleepSeconds: 5 },
        disk: (disk) => watchedDisk(disk, () => Effect.sync(journal)),
        through: (_, call) =>
          Effect.gen(function* () {
            instant()
            const answer = yield* call
            instant()
            return answer
          })
      })
      const params = doomed.before(world)
      const task = hub.makeTask(doomed.method, params, doomed.making ?? {})
      yield* daemon.start
      const finished = () => ["CLOSED", "FAILED", "CANCELED"].includes(hub.state(task) ?? "")
      const tasks = () => idsOf(hub.admin("listTasks"))
      const concluded = () => finished() && tasks().every((id) => !daemon?.isWorking(id))
      const gone = () => dead || daemon?.running === false
      yield* world.until(() => gone() || concluded(), 100)
      over = true
      if (gone()) {
        yield* Effect.sleep(`${awayMillis} millis`)
        yield* meanwhile?.(world, task) ?? Effect.void
        yield* daemon.start
      }
      yield* world.until(concluded)
      // What has no owner is swept soon after a start.
      yield* Effect.sleep("30 seconds")
      const left = (yield* engine.containers).map(({ name }) => name)
      assert.deepStrictEqual(left, [], "no container is left")
      const work = `${daemon.settings.stateDirectory}/work`
      assert.deepStrictEqual(readdirSync(work), [], "no directory of an attempt is left")
      const histories: Array<ReadonlyArray<AttemptEvent>> = []
      for (const id of tasks()) histories.push(yield* daemon.history(id))
      for (const history of histories) {
        assert.deepStrictEqual(violations(history), [])
        assert.strictEqual(history.at(-1)?._tag, "Concluded")
      }
      const survived: Survived = {
        instants: count,
        journaled,
        ends: new Map(
          tasks().map((id) => [
            id,
            { state: hub.state(id), result: hub.state(id) === "CANCELED" ? null : hub.result(id) }
          ])
        ),
        files: Object.assign({}, ...tasks().map((id) => digestsIn(hub.outputOf(id), id, dirname(hub.top)))),
        effects: Object.fromEntries(
          onceOnly.map((method) => [
            method,
            hub.calls.filter((call) => call.method === method && call.said?._tag === "Success" && !isRefusal(call))
              .length
          ])
        ),
        histories
      }
      yield* daemon.terminate
      return survived
    })
  return story(tell, { files: () => (instant() ? "never" : "done") })
}

/** A task that is open already is not opened: the hub says so by answering nothing. */
const isRefusal = ({ method, said }: Seen): boolean =>
  method === "host.openTask" && said?._tag === "Success" && said.value === null

const idsOf = (rows: Value): ReadonlyArray<number> =>
  Array.isArray(rows) ? rows.map((row) => Number(Object(row).id)).sort((a, b) => a - b) : []

const stamps = /\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},\d{3}/g

/** An attempt's directory: a task that was given back before anything was done has a second one. */
const attempts = /(\/work\/\d+)-\d+\//g

const digestsIn = (directory: string, task: number, world: string): Record<string, string> => {
  const digests: Record<string, string> = {}
  for (const name of namesIn(directory)) {
    if (name === "adjutant-events.log" || name === "hw_info.log") continue
    const text = readFileSync(`${directory}/${name}`, "latin1")
      .replaceAll(stamps, "-")
      .replaceAll(world, "")
      .replaceAll(attempts, "$1/")
    digests[`${task}/${name}`] = createHash("sha256").update(text).digest("hex")
  }
  return digests
}

const namesIn = (directory: string): ReadonlyArray<string> => {
  try {
    return readdirSync(directory).sort()
  } catch {
    return []
  }
}
