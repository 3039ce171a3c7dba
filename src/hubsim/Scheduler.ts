/**
 * The scheduler: which host is to run which task (daemon.md 4.10, kojihub `TaskScheduler`).
 *
 * It runs when a host asks for tasks and has none, at most once in an interval. Tasks are taken in the order of their
 * priority, each given to the host that fits and has the least to do: its load, its tasks, and its share of what is
 * still to be given out. Then it looks after what was given out before: a host that is silent loses its tasks, a task
 * that nobody opens is offered again.
 */
import { Effect, Schema } from "effect"
import { taskStates } from "../koji/TaskState.ts"
import { Call, microsecondsPerSecond } from "./Call.ts"
import { Flag, JsonColumn, orNull, rowOf } from "./Database.ts"
import { refuse } from "./Refusals.ts"
import { checkRepoQueue } from "./RepoQueue.ts"
import { freeTask } from "./TaskStates.ts"

/** Only so many of the most urgent tasks are looked at in one run. */
const freeTasksMax = 1000

/** A row of `host.getTasks` (tasks.md 15). */
const readAssigned = rowOf(
  Schema.Struct({
    id: Schema.Int,
    state: Schema.Int,
    channel_id: Schema.Int,
    host_id: Schema.Int,
    arch: Schema.String,
    method: Schema.String,
    priority: Schema.Int,
    create_ts: Schema.Finite
  })
)
const readTime = rowOf(Schema.Struct({ time: Schema.Int }))
const Hostdata = Schema.Struct({ maxjobs: Schema.optionalKey(Schema.Int) })
const readHost = rowOf(
  Schema.Struct({
    id: Schema.Int,
    ready: Flag,
    updated: orNull(Schema.Int),
    arches: orNull(Schema.String),
    capacity: Schema.Finite,
    data: orNull(JsonColumn)
  })
)
const readLink = rowOf(Schema.Struct({ host_id: Schema.Int, channel_id: Schema.Int }))
const readTask = rowOf(
  Schema.Struct({
    id: Schema.Int,
    state: Schema.Int,
    waiting: orNull(Flag),
    weight: Schema.Finite,
    host_id: orNull(Schema.Int),
    bin: Schema.String
  })
)
const readRefusal = rowOf(Schema.Struct({ task_id: Schema.Int, host_id: Schema.Int }))
const readMaxjobs = Schema.is(Hostdata)

type Task = ReturnType<typeof readTask>

/** A host while tasks are given out. */
interface Candidate {
  readonly id: number
  readonly bins: ReadonlySet<string>
  readonly capacity: number
  readonly maxjobs: number
  readonly updated: number | null
  readonly ready: boolean
  load: number
  tasks: number
  demand: number
}

/** The tasks assigned to a host; without any the scheduler runs first, if it may. */
export const tasksFor = Effect.fnUntraced(function* (host: number) {
  const { db } = yield* Call
  const assigned = () =>
    db.all(
      readAssigned,
      `SELECT id, state, channel_id, host_id, arch, method, priority, create_time / 1000000.0 AS create_ts
        FROM task WHERE host_id = ? AND state = ? ORDER BY priority, create_time, id`,
      host,
      taskStates.ASSIGNED
    )
  const tasks = assigned()
  if (tasks.length > 0) return tasks
  yield* runScheduler()
  return assigned()
})

/** Runs the scheduler unless it ran within the interval; whether it did. */
export const runScheduler = Effect.fnUntraced(function* (force = false) {
  const { db, now, options } = yield* Call
  const last = db.first(readTime, "SELECT time FROM scheduler_last_run")?.time
  const interval = options.runIntervalSeconds * microsecondsPerSecond
  // A clock that was set back must not stop the scheduler for long: the time is noted, the next run is due.
  if (last !== undefined && !force && now >= last && now - last < interval) return false
  db.run("INSERT OR REPLACE INTO scheduler_last_run (id, time) VALUES (1, ?)", now)
  if (last !== undefined && now < last && !force) return false
  yield* checkRepoQueue()
  const active = yield* tasksIn("state IN (1, 4) AND host_id IS NOT NULL")
  const free = yield* tasksIn(`state = 0 ORDER BY priority, create_time, id LIMIT ${freeTasksMax}`)
  const hosts = yield* candidates(active)
  yield* giveOut(free, hosts)
  yield* lookAfter(active, hosts)
  return true
})

const tasksIn = (condition: string) =>
  Effect.map(Call, ({ db }) =>
    db.all(
      readTask,
      `SELECT id, state, waiting, weight, host_id, channel_id || ':' || arch AS bin FROM task WHERE ${condition}`
    )
  )

/** The enabled hosts with what they carry; those that have been silent too long are marked as not ready. */
const candidates = Effect.fnUntraced(function* (active: ReadonlyArray<Task>) {
  const { db, now, options } = yield* Call
  const oldest = now - options.readyTimeoutSeconds * microsecondsPerSecond
  db.run("UPDATE host SET ready = 0 WHERE ready AND (update_time IS NULL OR update_time < ?)", oldest)
  const links = db.all(
    readLink,
    `SELECT host_id, channel_id FROM host_channels JOIN channels ON channels.id = channel_id
      WHERE revoke_event IS NULL AND channels.enabled`
  )
  const rows = db.all(
    readHost,
    `SELECT host.id, ready, update_time AS updated, arches, capacity, data FROM host
      JOIN host_config ON host_id = host.id WHERE enabled AND revoke_event IS NULL ORDER BY host.id`
  )
  return rows.map(({ id, ready, updated, arches, capacity, data }): Candidate => {
    const channels = links.filter((link) => link.host_id === id).map((link) => link.channel_id)
    const words = [...(arches ?? "").split(" ").filter((arch) => arch !== ""), "noarch"]
    const own = active.filter((task) => task.host_id === id)
    return {
      ...{ id, capacity, updated, ready },
      bins: new Set(channels.flatMap((channel) => words.map((arch) => `${channel}:${arch}`))),
      maxjobs: (readMaxjobs(data) ? data.maxjobs : undefined) ?? options.maxJobs,
      load: own.filter((task) => task.waiting !== true).reduce((sum, task) => sum + task.weight, 0),
      tasks: own.length,
      demand: 0
    }
  })
})

const giveOut = Effect.fnUntraced(function* (free: ReadonlyArray<Task>, hosts: ReadonlyArray<Candidate>) {
  const { db, now, options } = yield* Call
  const refusals = yield* currentRefusals
  const fits = (host: Candidate, task: Task) =>
    host.tasks < host.maxjobs && host.capacity - host.load > Math.max(0, task.weight - options.capacityOvercommit)
  const choices = free.map((task) => ({
    task,
    hosts: hosts.filter(
      (host) => host.ready && host.bins.has(task.bin) && fits(host, task) && !refusals.has(`${task.id}:${host.id}`)
    )
  }))
  for (const { task, hosts: able } of choices) for (const host of able) host.demand += task.weight / able.length
  const total = hosts.reduce((sum, host) => sum + host.demand, 0)
  const rank = (host: Candidate) => host.load + host.tasks + (total > 0 ? host.demand / total : 0)
  for (const { task, hosts: able } of choices) {
    const host = able.toSorted((one, other) => rank(one) - rank(other)).find((candidate) => fits(candidate, task))
    if (host === undefined) continue
    db.run("UPDATE task SET state = ?, host_id = ? WHERE id = ?", taskStates.ASSIGNED, host.id, task.id)
    db.run("UPDATE scheduler_task_runs SET active = 0 WHERE task_id = ?", task.id)
    db.insert("scheduler_task_runs", { task_id: task.id, host_id: host.id, create_time: now })
    host.load += task.weight
    host.tasks += 1
  }
})

/** The refusals that still hold, as `task:host`; the others are forgotten. */
const currentRefusals = Effect.gen(function* () {
  const { db, now, options } = yield* Call
  db.run(
    `DELETE FROM scheduler_task_refusals WHERE (soft AND time < ?)
      OR task_id IN (SELECT id FROM task WHERE state NOT IN (0, 1, 4))`,
    now - options.softRefusalTimeoutSeconds * microsecondsPerSecond
  )
  const rows = db.all(readRefusal, "SELECT task_id, host_id FROM scheduler_task_refusals")
  return new Set(rows.map((row) => `${row.task_id}:${row.host_id}`))
})

/** Takes back what was given out and not opened in time, or opened by a host that fell silent. */
const lookAfter = Effect.fnUntraced(function* (active: ReadonlyArray<Task>, hosts: ReadonlyArray<Candidate>) {
  const { db, now, options } = yield* Call
  const olderThan = (time: number, seconds: number) => now - time > seconds * microsecondsPerSecond
  for (const task of active) {
    const host = hosts.find((candidate) => candidate.id === task.host_id)
    const run = "SELECT min(create_time) AS time FROM scheduler_task_runs WHERE task_id = ? AND active HAVING time > 0"
    const given = db.first(readTime, run, task.id)?.time
    // Assigned by hand: left alone.
    if (host === undefined || given === undefined) continue
    if (task.state === taskStates.ASSIGNED && olderThan(given, options.assignTimeoutSeconds)) {
      if (host.updated !== null && host.updated > given) {
        yield* refuse({ task: task.id, host: host.id, soft: true, byHost: false, message: "assignment timeout" })
      }
      yield* freeTask(task.id)
    } else if (task.state === taskStates.OPEN && olderThan(host.updated ?? given, options.hostTimeoutSeconds)) {
      yield* freeTask(task.id)
    }
  }
  db.run("UPDATE scheduler_task_runs SET active = 0 WHERE task_id IN (SELECT id FROM task WHERE state NOT IN (1, 4))")
})
