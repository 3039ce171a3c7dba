/**
 * The daemon: one look at hub and host after another, and what the pure plan makes of it.
 *
 * The order of calls in a look is kojid's (`getHostTasks`, `getHost`, `updateHost`, `getTasks`; daemon.md 4.3 to 4.7),
 * and checking in never waits for work: attempts run beside the loop, each in a fibre of its own.
 */
import { Context, Effect, Exit, HashSet, Queue, Ref, Result } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { FailedRoots, nameOf } from "../buildroot/FailedRoots.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { told } from "../core/DaemonEvent.ts"
import { type OpenTask, plan, verdict } from "../core/HostPlan.ts"
import { TaskId } from "../core/Ids.ts"
import { Engine } from "../engine/Engine.ts"
import { freeTasks, getHost, getHostTasks, getID, getTasks, updateHost } from "../hub/calls/host.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { TaskAlerts } from "../hub/TaskAlerts.ts"
import { taskStateName, taskStates } from "../koji/TaskState.ts"
import { methods } from "../tasks/Registry.ts"
import { tellAlive } from "./Alive.ts"
import { Attempts } from "./Attempts.ts"
import { expireBuildroots } from "./BuildrootMaintenance.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import { freeSpace, load } from "./Host.ts"
import { keeping } from "./Keeping.ts"
import { recover } from "./Recovery.ts"
import { sweeping } from "./Sweeping.ts"
import { take } from "./Take.ts"

/** How often the daemon looks, and what it may take. */
export interface DaemonOptions {
  readonly sleepSeconds: number
  readonly maxJobs: number
  readonly minSpaceMebibytes: number
  /** Of one minute, per processor. */
  readonly loadAverageMax: number
  /** How long journals and logs of ended tasks are kept. */
  readonly journalAgeSeconds: number
}

/** What somebody outside asks of the daemon. */
export type DaemonRequest =
  | { readonly _tag: "Stop"; readonly why: string }
  | { readonly _tag: "Drain"; readonly why: string }
  | { readonly _tag: "HandOver"; readonly why: string }

export class DaemonRequests extends Context.Service<DaemonRequests, Queue.Queue<DaemonRequest>>()(
  "adjutant/daemon/DaemonRequests"
) {}

/** What the caller is to do when the daemon has ended. */
export type DaemonEnd = "stopped" | "restart" | "handed over"

export const runDaemon = Effect.fn("runDaemon")(function* (options: DaemonOptions) {
  const attempts = yield* Attempts
  const requests = yield* DaemonRequests
  const journal = yield* DaemonJournal
  const hostId = yield* getID()
  const suspects = yield* Ref.make(HashSet.empty<TaskId>())
  const draining = yield* Ref.make(false)
  yield* Effect.log(`koji-adjutant is host ${hostId}, takes ${methods.join(", ")}`)
  const resumed = yield* recover(hostId)
  if (resumed > 0) yield* Effect.log(`going on with ${resumed} attempts of an earlier process`)

  const loop = Effect.gen(function* () {
    for (;;) {
      const busy = yield* cycle(options, hostId, suspects, draining).pipe(
        Effect.catchTag(["HubFault", "HubUnavailable", "HubNonsense"], (error) =>
          error._tag === "HubFault" && sessionGone.includes(error.code)
            ? Effect.fail(error)
            : Effect.as(Effect.logError(`${error.method}: ${error.message}`), false)
        )
      )
      if (yield* Ref.get(draining)) {
        if (HashSet.size(yield* attempts.running) === 0) return "restart" as const
      }
      yield* Effect.raceFirst(attempts.ended, Effect.sleep(`${busy ? 1 : options.sleepSeconds} seconds`))
    }
  })

  const listen: Effect.Effect<DaemonEnd> = Effect.suspend(() =>
    Effect.flatMap(Queue.take(requests), (request) => {
      switch (request._tag) {
        case "Stop":
          return Effect.as(Effect.log(`stopping: ${request.why}`), "stopped" as const)
        case "Drain":
          return Ref.set(draining, true).pipe(
            Effect.andThen(Effect.log(`draining: ${request.why}`)),
            Effect.andThen(listen)
          )
        case "HandOver":
          return Effect.as(Effect.log(`handing over: ${request.why}`), "handed over" as const)
      }
    }).pipe(Effect.orDie)
  )

  yield* Effect.forkScoped(sweeping)
  yield* Effect.forkScoped(keeping(options.journalAgeSeconds))
  const end = yield* Effect.raceFirst(loop, listen).pipe(
    Effect.onExit((exit) =>
      Effect.gen(function* () {
        if (Exit.isSuccess(exit) && exit.value === "handed over") return yield* handOver
        yield* Effect.log(`stopping: ${HashSet.size(yield* attempts.running)} attempts to end`)
        yield* journal.record(told.Stopping.make({ reason: "asked to" })).pipe(Effect.ignoreCause)
        yield* attempts.stopAll("shutdown", "the daemon is stopping")
        // A hub that is away is not waited for: after a while without us it knows by itself.
        yield* updateHost(0, false).pipe(
          Effect.interruptible,
          Effect.timeout(`${farewellSeconds} seconds`),
          Effect.ignore
        )
        yield* journal.record(told.Stopped.make({ exitCode: 0 })).pipe(Effect.ignoreCause)
      })
    )
  )
  return end
})

const farewellSeconds = 10

/** Leaves every attempt as it is, for the next process to go on with: containers run on, the hub hears nothing. */
const handOver = Effect.gen(function* () {
  const attempts = yield* Attempts
  const journal = yield* DaemonJournal
  yield* Effect.log(`leaving ${HashSet.size(yield* attempts.running)} attempts to the next process`)
  yield* journal.record(told.Stopping.make({ reason: "handing over" })).pipe(Effect.ignoreCause)
  yield* attempts.stopAll("handover", "the daemon hands over to another process")
  yield* journal.record(told.Stopped.make({ exitCode: 0 })).pipe(Effect.ignoreCause)
})

/** These say that the session is not ours any more: stop, and free nothing (daemon.md 1.9). */
const sessionGone: ReadonlyArray<number> = [1002, 1006, 1007, 1008, 1009]

/** One look. True when something was taken, so that the next look comes soon. */
const cycle = Effect.fn("Daemon.cycle")(function* (
  options: DaemonOptions,
  hostId: number,
  suspects: Ref.Ref<HashSet.HashSet<TaskId>>,
  draining: Ref.Ref<boolean>
) {
  const attempts = yield* Attempts
  const alerts = yield* TaskAlerts
  const engine = yield* Engine
  const journal = yield* DaemonJournal
  const settings = yield* BuilderSettings

  yield* tellAlive(settings.stateDirectory)
  const running = yield* attempts.running
  const rows = yield* getHostTasks()
  const host = yield* getHost()
  const info = yield* Effect.result(engine.info)
  const dataRoot = Result.isSuccess(info) ? [info.success.dataRoot] : []
  const disks = yield* freeSpace([settings.stateDirectory, settings.logDirectory, ...dataRoot])
  const nearlyFull = disks.some(({ freeMebibytes }) => freeMebibytes < options.minSpaceMebibytes)
  const disk = nearlyFull ? "nearly full" : "roomy"
  const made = plan({
    open: rows.map(asOpenTask),
    running,
    suspects: yield* Ref.get(suspects),
    enabled: host.enabled,
    capacity: host.capacity,
    maxJobs: options.maxJobs,
    draining: yield* Ref.get(draining),
    disks,
    minSpaceMebibytes: options.minSpaceMebibytes,
    loadAverageMax: options.loadAverageMax,
    ...(yield* load)
  })
  yield* Ref.set(suspects, made.suspects)
  for (const task of made.wake) yield* alerts.alert(task)
  if (made.release.length > 0) {
    yield* Effect.logWarning(
      `freeing tasks that the hub calls ours and that do not run here: ${made.release.join(", ")}`
    )
    yield* freeTasks(made.release)
    for (const task of made.release) yield* journal.record(told.StaleTaskFreed.make({ task }))
  }
  for (const task of made.inquire) yield* inquire(task, hostId)

  // An engine that does not answer can run nothing: not ready, but still checking in.
  const ready = made.ready && Result.isSuccess(info)
  const status = Result.isSuccess(info) ? made.status : `container engine: ${info.failure.message}`
  yield* tellStatus(ready ? "ready" : status)
  yield* updateHost(made.load, ready, { methods, maxjobs: options.maxJobs })
  if (!ready) {
    // A full disk is mended by eviction, so upkeep does not wait for readiness.
    yield* upkeep(hostId, disk)
    return false
  }

  let places = made.places
  let taken = false
  for (const row of yield* getTasks()) {
    if (places <= 0) break
    if (HashSet.has(running, TaskId.make(row.id)) || row.state !== taskStates.ASSIGNED || row.host_id !== hostId)
      continue
    if (!(yield* take(row, hostId, host.arches))) continue
    places--
    taken = true
  }
  if (!taken) yield* upkeep(hostId, disk)
  return taken
})

/** What a look does when it takes nothing: buildroots that nobody uses, images and kept roots beyond their bounds. */
const upkeep = Effect.fn("Daemon.upkeep")(function* (hostId: number, disk: "roomy" | "nearly full") {
  const journal = yield* DaemonJournal
  const images = yield* ImageStore
  const roots = yield* FailedRoots
  yield* expireBuildroots(hostId)
  for (const { root, reason } of yield* roots.evict(disk)) {
    const { task, attempt, image, bytes } = root
    yield* images.unpin(nameOf(root))
    yield* journal.record(told.FailedRootEvicted.make({ task, attempt, image, bytes, reason }))
  }
  for (const one of yield* images.evict) yield* journal.record(told.ImageEvicted.make(one))
})

const asOpenTask = (row: {
  id: number
  waiting: boolean | null
  weight: number
  alert?: boolean | null
}): OpenTask => ({
  id: TaskId.make(row.id),
  waiting: row.waiting ?? false,
  weight: row.weight,
  alert: row.alert ?? false
})

/** A task that left the hub's list of open ones: closed by us a moment ago, canceled, or somebody else's. */
const inquire = Effect.fn("Daemon.inquire")(function* (task: TaskId, hostId: number) {
  const attempts = yield* Attempts
  const info = yield* getTaskInfo(task)
  const name = info === null ? undefined : taskStateName(info.state)
  switch (verdict(info === null || name === undefined ? undefined : { state: name, hostId: info.host_id }, hostId)) {
    case "leave":
      return
    case "stop-canceled":
      yield* Effect.log(`task ${task} was canceled`)
      return yield* attempts.stop(task, "canceled", "the hub says CANCELED").pipe(Effect.forkDetach, Effect.asVoid)
    case "stop-lost":
      yield* Effect.log(`task ${task} is not ours any more`)
      return yield* attempts
        .stop(task, "lost", `the hub says ${name ?? "unknown"}`)
        .pipe(Effect.forkDetach, Effect.asVoid)
  }
})

/** Says why we are not ready when that changes, not at every look. */
const tellStatus = Effect.fnUntraced(function* (text: string) {
  const status = yield* HostStatus
  if ((yield* Ref.getAndSet(status, text)) !== text) yield* Effect.log(`status: ${text}`)
})

/** What was said last about the host's readiness. */
const HostStatus = Context.Reference<Ref.Ref<string>>("adjutant/daemon/HostStatus", {
  defaultValue: () => Ref.makeUnsafe("")
})
