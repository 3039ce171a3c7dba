/** Calls that only a builder makes (daemon.md 3.4). Each needs the exclusive session. */
import { Effect, Schema } from "effect"
import { encodeFault, encodeResult } from "../Document.ts"
import { HostInfo, HostStruct, LoadedHost } from "../shapes/Host.ts"
import { AssignedTask, HostTaskRow, LoadedTask, OpenedTask } from "../shapes/Task.ts"
import type { Struct, Value } from "../Value.ts"
import { call, perform } from "./call.ts"

export const getID = () => call(Schema.Int, "host.getID", [])
export const getHost = () => call(HostInfo, "host.getHost", [])
export const getHostTasks = () => call(Schema.Array(HostTaskRow), "host.getHostTasks", [])
export const getTasks = () => call(Schema.Array(AssignedTask), "host.getTasks", [])

/** Checks in. `data` tells the scheduler what we handle and how much at once. */
export const updateHost = (load: number, ready: boolean, data?: Struct) =>
  data === undefined
    ? perform("host.updateHost", [], { task_load: load, ready })
    : perform("host.updateHost", [load, ready], { data })

/** What only hubs of 1.34.0 want to be told apart from the check-in. */
export const setHostData = (data: Struct) => perform("host.setHostData", [data])

/** Every host that is ready, and the tasks that they could run or have been given: what hubs before 1.34 show. */
export const getLoadData = () => call(LoadData, "host.getLoadData", [])
const LoadData = Schema.Tuple([Schema.Array(LoadedHost), Schema.Array(LoadedTask)])

/** Null when the task is not to be had: somebody else's, canceled, or open already. */
export const openTask = (id: number) => call(Schema.NullOr(OpenedTask), "host.openTask", [id])
export const setTaskWeight = (id: number, weight: number) => perform("host.setTaskWeight", [id, weight])

/** Reports success; the value travels as a document of its own (daemon.md 1.8). */
export const closeTask = (id: number, result: Value) =>
  Effect.suspend(() => perform("host.closeTask", [id, encodeResult(result)]))
/** Reports failure. */
export const failTask = (id: number, fault: { readonly code: number; readonly message: string }) =>
  Effect.suspend(() => perform("host.failTask", [id, encodeFault(fault)]))
/** Gives tasks back; ids that are not open here are skipped by the hub. */
export const freeTasks = (ids: ReadonlyArray<number>) => perform("host.freeTasks", [ids])
/** Not for this host: for a while (soft), or until the task has ended. */
export const refuseTask = (id: number, refusal: { readonly soft: boolean; readonly message: string }) =>
  perform("host.refuseTask", [id], { soft: refusal.soft, msg: refusal.message })

/** The hosts that fit, each as the hub shows it: tasks about a host are given the whole of that. */
export const listHosts = (filter: {
  readonly enabled: boolean
  readonly channelID?: number
  readonly arches?: Value
}) => call(Schema.Array(HostStruct), "listHosts", [], { ...filter })

/** A channel that must exist. */
export const getChannel = (channel: Value) =>
  call(Schema.Struct({ id: Schema.Int }), "getChannel", [channel], { strict: true })

/** Fails with fault 1004 when the policy denies. */
export const assertPolicy = (name: string, data: Struct) => perform("host.assertPolicy", [name, data])
