/** The hub's rows about tasks (tasks.md 15, daemon.md 3.2 to 3.4). Members we do not use are let through unread. */
import { Schema } from "effect"

const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

export const TaskInfo = Schema.Struct({
  id: Schema.Int,
  state: Schema.Int,
  method: Schema.String,
  arch: Schema.String,
  owner: Schema.Int,
  host_id: Schema.NullOr(Schema.Int),
  parent: Schema.NullOr(Schema.Int),
  channel_id: Schema.NullOr(Schema.Int),
  label: Schema.NullOr(Schema.String),
  waiting: Schema.NullOr(Schema.Boolean),
  awaited: Schema.NullOr(Schema.Boolean),
  priority: Schema.NullOr(Schema.Int),
  weight: Schema.NullOr(Schema.Finite),
  create_ts: Schema.NullOr(Schema.Finite),
  start_ts: optional(Schema.Finite),
  completion_ts: optional(Schema.Finite),
  /** Decoded parameters, when they were asked for. */
  request: optional(Schema.Array(Schema.Json))
})
export type TaskInfo = typeof TaskInfo.Type

/** `host.openTask` answers the same with the request as undecoded XML, which nobody needs. */
export const OpenedTask = Schema.Struct({ id: Schema.Int, method: Schema.String, arch: Schema.String })

/** A row of `host.getHostTasks`: a task that is OPEN here. */
export const HostTaskRow = Schema.Struct({
  id: Schema.Int,
  waiting: Schema.NullOr(Schema.Boolean),
  weight: Schema.Finite,
  alert: Schema.optionalKey(Schema.NullOr(Schema.Boolean))
})
export type HostTaskRow = typeof HostTaskRow.Type

/** A task in `host.getLoadData`, assigned to somebody or free (daemon.md 3.7). */
export const LoadedTask = Schema.Struct({
  id: Schema.Int,
  state: Schema.Int,
  host_id: Schema.NullOr(Schema.Int),
  channel_id: Schema.NullOr(Schema.Int),
  arch: Schema.String,
  method: Schema.String,
  priority: Schema.NullOr(Schema.Int)
})

/** A row of `host.getTasks`: a task that is ASSIGNED to us. */
export const AssignedTask = Schema.Struct({ ...LoadedTask.fields, create_ts: Schema.NullOr(Schema.Finite) })
export type AssignedTask = typeof AssignedTask.Type
