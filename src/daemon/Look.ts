/**
 * What the daemon sees of the hub and of the host, and what it does about it.
 *
 * A look is kojid's cycle, its calls in kojid's order (`getHostTasks`, `getHost`, `updateHost`, `getTasks`; daemon.md 4.3
 * to 4.7). A glance is the part of it that cannot wait for the next look (adr/0016). Neither waits for work: attempts run
 * beside them, and so does whatever keeps the builder tidy.
 */
import { Effect, HashSet, Ref, Result } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { DaemonControl } from "../buildroot/DaemonControl.ts"
import { told } from "../core/DaemonEvent.ts"
import { account, type OpenTask, places, type Room, readiness, verdict } from "../core/HostPlan.ts"
import { TaskId } from "../core/Ids.ts"
import { Engine, EngineError } from "../engine/Engine.ts"
import { freeTasks, getHost, getHostTasks } from "../hub/calls/host.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import type { HostTaskRow } from "../hub/shapes/Task.ts"
import { TaskAlerts } from "../hub/TaskAlerts.ts"
import { taskStateName } from "../koji/TaskState.ts"
import { methods } from "../tasks/Registry.ts"
import { Attempts } from "./Attempts.ts"
import { DaemonJournal } from "./DaemonJournal.ts"
import { freeSpace, load as systemLoad } from "./Host.ts"
import { makeHubForms } from "./HubForms.ts"
import { ServiceManager } from "./ServiceManager.ts"
import { takeOffered } from "./Take.ts"

/** What the daemon may take. */
export interface LookOptions {
  readonly maxJobs: number
  readonly minSpaceMebibytes: number
  /** Of one minute, per processor. */
  readonly loadAverageMax: number
  /** On hubs before 1.34: how long the host with the least room waits before it opens a free task. */
  readonly taskAvailDelaySeconds: number
}

/** What is remembered from one look to the next. */
interface Seen {
  /** Open tasks that could not be explained. */
  readonly suspects: HashSet.HashSet<TaskId>
  /** Attempts that have been told to stop: there is nothing more to ask about them. */
  readonly stopping: HashSet.HashSet<TaskId>
  readonly ready: boolean
  readonly capacity: number
  readonly arches: string | null
  readonly nearlyFull: boolean
}

const nothing: Seen = {
  ...{ suspects: HashSet.empty(), stopping: HashSet.empty() },
  ...{ ready: false, capacity: 0, arches: null, nearlyFull: false }
}

export const makeEyes = Effect.fnUntraced(function* (options: LookOptions, hostId: number) {
  const attempts = yield* Attempts
  const alerts = yield* TaskAlerts
  const control = yield* DaemonControl
  const journal = yield* DaemonJournal
  const manager = yield* ServiceManager
  const said = yield* Ref.make("")
  const forms = yield* makeHubForms(hostId, options.taskAvailDelaySeconds, attempts.refusals)
  const memory = yield* Ref.make(nothing)
  const note = (what: Partial<Seen>) => Ref.update(memory, (before) => ({ ...before, ...what }))

  /** Asks which tasks are open here, and does what that calls for. Returns the load. */
  const attend = Effect.fn("Daemon.attend")(function* () {
    const running = yield* attempts.running
    const rows = yield* getHostTasks()
    const { suspects, stopping } = yield* Ref.get(memory)
    const made = account({ open: rows.map(asOpenTask), running, suspects })
    yield* note({ suspects: made.suspects, stopping: HashSet.intersection(stopping, running) })
    for (const task of made.wake) yield* alerts.alert(task)
    if (made.release.length > 0) {
      yield* Effect.logWarning(
        `freeing tasks that the hub calls ours and that do not run here: ${made.release.join(", ")}`
      )
      yield* freeTasks(made.release)
      for (const task of made.release) yield* journal.record(told.StaleTaskFreed.make({ task }))
    }
    for (const task of made.inquire) {
      if (HashSet.has(stopping, task) || !(yield* stopsAfterInquiry(task, hostId))) continue
      yield* Ref.update(memory, (before) => ({ ...before, stopping: HashSet.add(before.stopping, task) }))
    }
    return made.load
  })

  /** Says why we are not ready when that changes, not at every look. */
  const tellStatus = Effect.fnUntraced(function* (text: string) {
    if ((yield* Ref.getAndSet(said, text)) === text) return
    yield* Effect.log(`status: ${text}`)
    yield* manager.tell({ _tag: "Status", text })
  })

  const room = Effect.fnUntraced(function* (load: number, capacity: number) {
    return {
      ...{ load, capacity, maxJobs: options.maxJobs, running: HashSet.size(yield* attempts.running) },
      draining: yield* control.restarting,
      foreground: yield* attempts.foreground
    } satisfies Room
  })

  const takeMore = Effect.fnUntraced(function* (
    at: "look" | "glance",
    load: number,
    { capacity, arches }: { readonly capacity: number; readonly arches: string | null }
  ) {
    if (places(yield* room(load, capacity)) === 0) return 0
    const offered = yield* forms.offered(at)
    // The hub may have been away meanwhile, and much may have happened.
    const now = yield* room(load, capacity)
    return yield* takeOffered(offered, { ...now, hostId, arches, refuse: forms.refuse, places: places(now) })
  })

  /** One look. Returns how many tasks were taken. */
  const look = Effect.fn("Daemon.look")(function* () {
    const settings = yield* BuilderSettings
    const load = yield* attend()
    const { enabled, capacity, arches } = yield* getHost()
    const engine = yield* Effect.result(engineAnswer)
    const dataRoot = Result.isSuccess(engine) ? [engine.success.dataRoot] : []
    const disks = yield* freeSpace([settings.stateDirectory, settings.logDirectory, ...dataRoot])
    const { minSpaceMebibytes, loadAverageMax } = options
    const now = yield* room(load, capacity)
    const host = readiness({
      ...{ ...now, enabled, disks, minSpaceMebibytes, loadAverageMax },
      ...(yield* systemLoad)
    })
    // An engine that does not answer can run nothing: not ready, but still checking in.
    const ready = host.ready && Result.isSuccess(engine)
    const nearlyFull = disks.some(({ freeMebibytes }) => freeMebibytes < minSpaceMebibytes)
    yield* note({ ready, capacity, arches, nearlyFull })
    yield* tellStatus(Result.isSuccess(engine) ? host.status : `container engine: ${engine.failure.message}`)
    yield* forms.checkIn(load, ready, { methods, maxjobs: options.maxJobs })
    yield* manager.tell({ _tag: "CheckedIn" })
    return ready ? yield* takeMore("look", load, { capacity, arches }) : 0
  })

  /** One glance. Returns how many tasks were taken. */
  const glance = Effect.fn("Daemon.glance")(function* () {
    const { ready, capacity, arches, suspects } = yield* Ref.get(memory)
    const isConcerned = HashSet.size(yield* attempts.running) > 0 || HashSet.size(suspects) > 0
    const load = isConcerned ? yield* attend() : 0
    return ready ? yield* takeMore("glance", load, { capacity, arches }) : 0
  })

  return { look, glance, nearlyFull: Effect.map(Ref.get(memory), ({ nearlyFull }) => nearlyFull) }
})

/** An engine that takes longer to say who it is would keep us from checking in. */
const engineSeconds = 10

const engineAnswer = Effect.flatMap(Engine, ({ info }) =>
  Effect.timeoutOrElse(info, {
    duration: `${engineSeconds} seconds`,
    orElse: () =>
      Effect.fail(
        new EngineError({
          ...{ operation: "info", subject: "the engine", reason: "timeout" },
          message: `no answer within ${engineSeconds} seconds`
        })
      )
  })
)

const asOpenTask = ({ id, waiting, weight, alert }: HostTaskRow): OpenTask => ({
  ...{ id: TaskId.make(id), weight },
  waiting: waiting ?? false,
  alert: alert ?? false
})

/**
 * A task that left the hub's list of open ones: closed by us a moment ago, canceled, or somebody else's. Whether its
 * attempt was told to stop, which is not waited for.
 */
const stopsAfterInquiry = Effect.fn("Daemon.inquire")(function* (task: TaskId, hostId: number) {
  const attempts = yield* Attempts
  const info = yield* getTaskInfo(task)
  const name = info === null ? undefined : taskStateName(info.state)
  const what = verdict(info === null || name === undefined ? undefined : { state: name, hostId: info.host_id }, hostId)
  if (what === "leave") return false
  const canceled = what === "stop-canceled"
  yield* Effect.log(`task ${task} ${canceled ? "was canceled" : "is not ours any more"}`)
  yield* Effect.forkDetach(attempts.stop(task, canceled ? "canceled" : "lost", `the hub says ${name ?? "unknown"}`))
  return true
})
