/**
 * What the daemon should do next, decided from one look at the hub, the host and its own attempts.
 *
 * These functions decide; the daemon carries out. Between two looks the only thing remembered is who is under suspicion:
 * the hub's list and ours are never read at the same instant, so one disagreement proves nothing and two do. The
 * readiness rules and their order are kojid's (daemon.md 4.5, 4.6); waiting tasks cost no load but a place.
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

export interface OpenTasks {
  readonly open: ReadonlyArray<OpenTask>
  /** Attempts that were running here before the hub was asked. */
  readonly running: HashSet.HashSet<TaskId>
  /** Tasks that could not be explained the last time. */
  readonly suspects: HashSet.HashSet<TaskId>
}

/** What the hub's list of open tasks means, held against what runs here. */
export interface Account {
  /** The weight of open tasks that do not wait: what `updateHost` reports. */
  readonly load: number
  /** Parents to wake. */
  readonly wake: ReadonlyArray<TaskId>
  /** Running here, not open at the hub: ask what became of them. */
  readonly inquire: ReadonlyArray<TaskId>
  /** Open at the hub on two looks, unknown here: free them. */
  readonly release: ReadonlyArray<TaskId>
  readonly suspects: HashSet.HashSet<TaskId>
}

export const account = ({ open, running, suspects: before }: OpenTasks): Account => {
  const release: Array<TaskId> = []
  const wake: Array<TaskId> = []
  let suspects = HashSet.empty<TaskId>()
  let seen = HashSet.empty<TaskId>()
  let load = 0
  for (const task of open) {
    seen = HashSet.add(seen, task.id)
    if (HashSet.has(running, task.id)) {
      if (!task.waiting) load += task.weight
      if (task.alert) wake.push(task.id)
    } else if (HashSet.has(before, task.id)) release.push(task.id)
    else suspects = HashSet.add(suspects, task.id)
  }
  const inquire = [...running].filter((id) => !HashSet.has(seen, id))
  return { load, wake, inquire, release, suspects }
}

/** What may change on a host from one moment to the next. */
export interface Room {
  readonly load: number
  readonly capacity: number
  /** How many attempts run. */
  readonly running: number
  readonly maxJobs: number
  readonly draining: boolean
  /** An attempt runs beside which kojid would do nothing else: the host is ready, and takes nothing. */
  readonly foreground: boolean
}

export interface HostView extends Room {
  readonly enabled: boolean
  readonly disks: ReadonlyArray<{ readonly path: string; readonly freeMebibytes: number }>
  readonly minSpaceMebibytes: number
  readonly loadAverage: number
  /** Per processor; kojid's bound is 4. */
  readonly loadAverageMax: number
  readonly cpus: number
}

export interface Readiness {
  readonly ready: boolean
  /** Why not, for people. */
  readonly status: string
}

export const readiness = (view: HostView): Readiness => {
  const { load, capacity, running, maxJobs } = view
  const not = (status: string) => ({ ready: false, status })
  if (view.draining) return not("pending restart")
  if (!view.enabled) return not("host is disabled")
  if (load > capacity) return not(`over capacity: load ${load.toFixed(2)} > ${capacity.toFixed(2)}`)
  if (running >= maxJobs) return not(`full queue: ${running} tasks, maxjobs ${maxJobs}`)
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

/** How many more attempts may begin on a host that was ready at its last look. */
export const places = ({ load, capacity, running, maxJobs, draining, foreground }: Room): number =>
  draining || foreground || load > capacity ? 0 : Math.max(0, maxJobs - running)

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
