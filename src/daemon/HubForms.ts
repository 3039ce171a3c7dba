/**
 * The daemon's calls whose form depends on how old the hub is (daemon.md 11).
 *
 * No version is asked for: the newest form is tried, and a hub that does not know it is spoken to in the older one. After
 * a while the newest is tried again, for hubs are upgraded under running builders.
 */
import { Clock, Effect, Ref } from "effect"
import { chooseFree, type LoadedHost } from "../core/FreeTasks.ts"
import { getLoadData, getTasks, refuseTask, setHostData, updateHost } from "../hub/calls/host.ts"
import { isNotKnown } from "../hub/calls/older.ts"
import type { HubError } from "../hub/HubError.ts"
import type { HubSession } from "../hub/HubSession.ts"
import type { AssignedTask } from "../hub/shapes/Task.ts"
import type { Struct } from "../hub/Value.ts"
import { taskStates } from "../koji/TaskState.ts"
import { taskType } from "../tasks/Registry.ts"
import type { Refusals } from "./Refusals.ts"

/** For how long a hub is taken for as old as it was found. */
const oldSeconds = 3600

type Calling<A> = Effect.Effect<A, HubError, HubSession>

export interface HubForms {
  /** Tells the hub of our load, whether we are ready, and what we do. */
  checkIn(load: number, ready: boolean, data: Struct): Calling<void>
  /** The tasks that are ours to open. At a glance only those that cost little to know of. */
  offered(at: "look" | "glance"): Calling<ReadonlyArray<AssignedTask>>
  /** Has the hub give a task to another. Where it cannot be told so, the task is not offered again. */
  refuse(id: number, refusal: { readonly soft: boolean; readonly message: string }): Calling<void>
}

export const makeHubForms = Effect.fnUntraced(function* (hostId: number, delaySeconds: number, refusals: Refusals) {
  const oldUntil = yield* Ref.make<ReadonlyMap<string, number>>(new Map())
  const firstSeen = yield* Ref.make<ReadonlyMap<number, number>>(new Map())

  /** The newest form of a call, or the older one on a hub that does not know it. */
  const newest = <A>(name: string, form: Calling<A>, older: Calling<A>): Calling<A> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (now < ((yield* Ref.get(oldUntil)).get(name) ?? 0)) return yield* older
      return yield* form.pipe(
        Effect.catchTag("HubFault", (fault) =>
          isNotKnown(fault)
            ? Ref.update(oldUntil, (until) => new Map(until).set(name, now + 1000 * oldSeconds)).pipe(
                Effect.andThen(Effect.log(`this hub is older than ${name}: doing without`)),
                Effect.andThen(older)
              )
            : Effect.fail(fault)
        )
      )
    })

  /** Hubs before 1.34 give nothing out: builders choose. */
  const chosen = Effect.gen(function* () {
    const [hosts, tasks] = yield* refusals.without(getLoadData())
    const nowSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
    const made = chooseFree({
      ...{ hostId, delaySeconds, nowSeconds, firstSeen: yield* Ref.get(firstSeen) },
      hosts: hosts.map(
        ({ id, arches, capacity, task_load, channels }): LoadedHost => ({
          id,
          arches,
          capacity,
          channels,
          load: task_load
        })
      ),
      free: tasks.flatMap(({ id, method, arch, channel_id: channel, state }) =>
        state === taskStates.FREE ? [{ id, method, arch, channel }] : []
      ),
      handles: (method) => taskType(method) !== undefined
    })
    yield* Ref.set(firstSeen, made.firstSeen)
    const isOurs = new Set(made.open)
    return tasks.flatMap((row): ReadonlyArray<AssignedTask> => {
      const assigned = row.state === taskStates.ASSIGNED && row.host_id === hostId
      // Whoever opens a free task is given it: as good as assigned.
      return assigned || isOurs.has(row.id)
        ? [{ ...row, state: taskStates.ASSIGNED, host_id: hostId, create_ts: null }]
        : []
    })
  })

  return {
    checkIn: (load, ready, data) =>
      newest(
        "host.updateHost with data",
        updateHost(load, ready, data),
        Effect.andThen(updateHost(load, ready), newest("host.setHostData", setHostData(data), Effect.void))
      ),
    offered: (at) => newest("host.getTasks", getTasks(), at === "look" ? chosen : Effect.succeed([])),
    refuse: (id, refusal) => newest("host.refuseTask", refuseTask(id, refusal), refusals.add(id, refusal.soft))
  } satisfies HubForms
})
