/** A builder, as the hub knows it (daemon.md 3.4). */
import { Schema } from "effect"

export const HostInfo = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  user_id: Schema.Int,
  /** Words apart by blanks, not canonicalised. */
  arches: Schema.NullOr(Schema.String),
  capacity: Schema.Finite,
  enabled: Schema.Boolean,
  ready: Schema.NullOr(Schema.Boolean),
  task_load: Schema.NullOr(Schema.Finite)
})
export type HostInfo = typeof HostInfo.Type

/** The same with nothing left out. */
export const HostStruct = Schema.StructWithRest(Schema.Struct({ id: Schema.Int }), [
  Schema.Record(Schema.String, Schema.Json)
])
export type HostStruct = typeof HostStruct.Type

/** A host in `host.getLoadData` (daemon.md 3.7). */
export const LoadedHost = Schema.Struct({
  id: Schema.Int,
  arches: Schema.NullOr(Schema.String),
  capacity: Schema.Finite,
  task_load: Schema.Finite,
  channels: Schema.Array(Schema.Int)
})
