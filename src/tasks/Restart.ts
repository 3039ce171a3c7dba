/**
 * The tasks by which administrators restart and stop builders (daemon.md 4.11): `restart` and `restartVerify` on each
 * host, `restartHosts` above them, and `shutdown`.
 *
 * A `restart` does nothing here but answer. That the daemon begins anew once it is closed is a promise of its type and the
 * runner's to keep: a process that goes on with it after a crash must restart as well, since its own session is older
 * than the task's end, and no record of a request could tell it so.
 */
import { Effect, Schema } from "effect"
import { DaemonControl } from "../buildroot/DaemonControl.ts"
import { hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { getChannel, getID, listHosts } from "../hub/calls/host.ts"
import { getTaskInfo, taskFinished } from "../hub/calls/tasks.ts"
import { HostStruct } from "../hub/shapes/Host.ts"
import { asctime } from "../koji/Asctime.ts"
import { GiveBack, genericError } from "../koji/Fault.ts"
import { taskStateName, taskStates } from "../koji/TaskState.ts"
import { subtask, waitFor } from "./Subtasks.ts"
import { type Handler, maybe, parameters, plain, type TaskContext } from "./Task.ts"

const Host = Schema.Struct({ id: Schema.Int })

export const restart: Handler = Effect.fn("restart")(function* (task) {
  yield* ofThisHost(yield* parameters(task, Schema.Struct({ host: Host })))
  return plain("graceful restart initiated")
})

const VerifyParameters = Schema.Struct({ task_id: Schema.Int, host: Host })

export const restartVerify: Handler = Effect.fn("restartVerify")(function* (task) {
  const door = yield* Door
  const given = yield* parameters(task, VerifyParameters)
  const first = yield* hubStep(
    "restart",
    Schema.NullOr(Schema.Struct({ state: Schema.Int, ended: Schema.Finite })),
    Effect.map(getTaskInfo(given.task_id), (info) =>
      info === null ? null : { state: info.state, ended: info.completion_ts ?? 0 }
    )
  )
  if (first?.state !== taskStates.CLOSED) {
    const state = first === null ? "unknown" : (taskStateName(first.state) ?? String(first.state))
    return yield* genericError(`Stage one restart task is ${state}`)
  }
  yield* ofThisHost(given)
  const began = yield* door.step(
    { path: "session", rule: "repeat" },
    Schema.Finite,
    Effect.flatMap(DaemonControl, ({ sessionStart }) => sessionStart)
  )
  if (began < first.ended) return yield* genericError(`Restart failed - start time is ${asctime(began)}`)
  return plain(null)
})

/** A host that is meant is named by the whole of what the hub shows of it; its number is what counts. */
const ofThisHost = Effect.fnUntraced(function* ({ host }: { readonly host: typeof Host.Type }) {
  if (host.id !== (yield* thisHost)) return yield* genericError("Host mismatch")
})

const thisHost = hubStep("this-host", Schema.Int, getID())

const HostsParameters = Schema.Struct({
  options: Schema.NullOr(
    Schema.Struct({
      channel: Schema.optionalKey(Schema.Union([Schema.String, Schema.Int])),
      arches: maybe(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
      timeout: maybe(Schema.Finite)
    })
  )
})

const daySeconds = 86_400

export const restartHosts: Handler = Effect.fn("restartHosts")(function* (task) {
  const { options } = yield* parameters(task, HostsParameters)
  const { channel, arches, timeout: timeoutSeconds = daySeconds } = options ?? {}
  const channelId =
    channel === undefined
      ? null
      : yield* hubStep(
          "channel",
          Schema.Int,
          Effect.map(getChannel(channel), ({ id }) => id)
        )
  const hosts = yield* hubStep(
    "hosts",
    Schema.Array(HostStruct),
    listHosts({
      enabled: true,
      ...(channelId === null ? {} : { channelID: channelId }),
      ...(arches === undefined ? {} : { arches })
    })
  )
  if (hosts.length === 0) return yield* genericError("No matching hosts")
  const own = yield* thisHost
  const children: Array<number> = []
  let ours: { readonly restart: number; readonly verify: number } | undefined
  for (const host of hosts) {
    const first = yield* assigned(task, host, "restart", `restart ${host.id}`, [host])
    const second = yield* assigned(task, host, "restartVerify", `sleep ${host.id}`, [first, host])
    children.push(first, second)
    if (host.id === own) ours = { restart: first, verify: second }
  }
  if (ours !== undefined) {
    yield* waitFor(task, "own", [ours.restart], false, { timeoutSeconds })
    // This daemon restarts once nothing runs here, so this task must not: when it runs again it finds its children.
    if (!(yield* hubStep("restarted", Schema.Boolean, taskFinished(ours.verify)))) {
      return yield* new GiveBack({ message: "this host is about to restart" })
    }
  }
  yield* waitFor(task, "all", children, false, { timeoutSeconds })
  return plain(null)
})

/** A child that this host is to run, and no other. */
const assigned = (
  task: TaskContext,
  host: HostStruct,
  method: string,
  label: string,
  params: ReadonlyArray<HostStruct | number>
) => subtask(task, { method, arguments: params, label, options: { assign: host.id } })

/** `shutdown`: ends the daemon, and with it this attempt. The task is given back, and so comes again (daemon.md 4.11). */
export const shutdown: Handler = Effect.fn("shutdown")(function* (task) {
  const door = yield* Door
  yield* door.step(
    { path: "shutdown", rule: "repeat" },
    Schema.Null,
    Effect.flatMap(DaemonControl, ({ stop }) => stop(`task ${task.id}`)).pipe(Effect.andThen(Effect.never))
  )
  return plain(null)
})
