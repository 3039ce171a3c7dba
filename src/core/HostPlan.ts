/**
 * What the daemon should do next, decided from one look at the hub, the host and its own attempts.
 *
 * `plan` looks and decides; the daemon carries out. Between two looks the only thing remembered is who is under
 * suspicion: the hub's list and ours are never read at the same instant, so one disagreement proves nothing and two
 * do. The readiness rules and their order are kojid's (daemon.md 4.5, 4.6); waiting tasks cost no load but a place.
 */
import { HashSet } from "effect"
import type { TaskId } from "./Ids.ts"

/** A task that the hub calls OPEN on this host (`host.getHostTasks`). */
export interface OpenTask {
  readonly id: TaskId
  readonly waiting: boolean
  readonly weight: number
  /** A child it waits for has finished. */
  readonly alert: boolean
}

/** A task ASSIGNED to this host, most urgent first (`host.getTasks`). */
export interface AssignedTask {
  readonly id: TaskId
  readonly method: string
  readonly arch: string
}

export interface HostView {
  readonly open: ReadonlyArray<OpenTask>
  /** Attempts that were running here before the hub was asked. */
  readonly running: HashSet.HashSet<TaskId>
  /** Tasks that the last look could not explain. */
  readonly suspects: HashSet.HashSet<TaskId>
  readonly enabled: boolean
  readonly capacity: number
  readonly maxJobs: number
  readonly draining: boolean
  readonly disks: ReadonlyArray<{ readonly path: string; readonly freeMebibytes: number }>
  readonly minSpaceMebibytes: number
  readonly loadAverage: number
  /** Per processor; kojid's bound is 4. */
  readonly loadAverageMax: number
  readonly cpus: number
}

export interface HostPlan {
  /** The weight of open tasks that do not wait: what `updateHost` reports. */
  readonly load: number
  readonly ready: boolean
  /** Why not, for people. */
  readonly status: string
  /** How many more attempts may begin. */
  readonly places: number
  /** Parents to wake. */
  readonly wake: ReadonlyArray<TaskId>
  /** Running here, not open at the hub: ask what became of them. */
  readonly inquire: ReadonlyArray<TaskId>
  /** Open at the hub on two looks, unknown here: free them. */
  readonly release: ReadonlyArray<TaskId>
  readonly suspects: HashSet.HashSet<TaskId>
}

export const plan = (view: HostView): HostPlan => {
  const release: Array<TaskId> = []
  const wake: Array<TaskId> = []
  let suspects = HashSet.empty<TaskId>()
  let seen = HashSet.empty<TaskId>()
  let load = 0
  for (const task of view.open) {
    seen = HashSet.add(seen, task.id)
    if (HashSet.has(view.running, task.id)) {
      if (!task.waiting) load += task.weight
      if (task.alert) wake.push(task.id)
    } else if (HashSet.has(view.suspects, task.id)) release.push(task.id)
    else suspects = HashSet.add(suspects, task.id)
  }
  const inquire = [...view.running].filter((id) => !HashSet.has(seen, id))
  const occupied = HashSet.size(view.running)
  const { ready, status } = readiness(view, load, occupied)
  return { load, ready, status, places: ready ? view.maxJobs - occupied : 0, wake, inquire, release, suspects }
}

const readiness = (view: HostView, load: number, occupied: number): { ready: boolean; status: string } => {
  const not = (status: string) => ({ ready: false, status })
  if (view.draining) return not("pending restart")
  if (!view.enabled) return not("host is disabled")
  if (load > view.capacity) return not(`over capacity: load ${load.toFixed(2)} > ${view.capacity.toFixed(2)}`)
  if (occupied >= view.maxJobs) return not(`full queue: ${occupied} tasks, maxjobs ${view.maxJobs}`)
  for (const disk of view.disks) {
    if (disk.freeMebibytes < view.minSpaceMebibytes) {
      return not(
        `insufficient disk space: ${disk.path} has ${disk.freeMebibytes} MiB, minspace ${view.minSpaceMebibytes}`
      )
    }
  }
  const bound = view.loadAverageMax * view.cpus
  if (view.loadAverage > bound) return not(`load average ${view.loadAverage.toFixed(2)} > ${bound.toFixed(2)}`)
  return { ready: true, status: "ready" }
}

/** What to do about an attempt whose task is no longer in the hub's list of open ones. */
export type Verdict = "leave" | "stop-canceled" | "stop-lost"

/** From `getTaskInfo` (undefined: the hub knows no such task). Our own report in flight looks closed: leave it. */
export const verdict = (
  info:
    | {
        readonly state: "FREE" | "OPEN" | "CLOSED" | "CANCELED" | "ASSIGNED" | "FAILED"
        readonly hostId: number | null
      }
    | undefined,
  ourHost: number
): Verdict => {
  if (info === undefined) return "stop-lost"
  if (info.state === "CANCELED") return "stop-canceled"
  return info.hostId === ourHost ? "leave" : "stop-lost"
}
