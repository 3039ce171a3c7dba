/** A repository and a request for one (daemon.md 3.3). Times are seconds since the epoch. */
import { Schema } from "effect"

const nullable = Schema.NullOr(Schema.Finite)

export const Repo = Schema.Struct({
  id: Schema.Int,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  state: Schema.Int,
  create_event: Schema.Int,
  create_ts: Schema.optionalKey(nullable),
  creation_time: Schema.optionalKey(Schema.NullOr(Schema.String)),
  creation_ts: Schema.optionalKey(nullable),
  state_time: Schema.optionalKey(Schema.NullOr(Schema.String)),
  state_ts: Schema.optionalKey(nullable),
  begin_event: Schema.optionalKey(nullable),
  begin_ts: Schema.optionalKey(nullable),
  end_event: Schema.optionalKey(nullable),
  end_ts: Schema.optionalKey(nullable),
  dist: Schema.optionalKey(Schema.NullOr(Schema.Boolean)),
  opts: Schema.optionalKey(Schema.Json),
  custom_opts: Schema.optionalKey(Schema.Json),
  task_id: Schema.optionalKey(Schema.NullOr(Schema.Int)),
  task_state: Schema.optionalKey(Schema.NullOr(Schema.Int))
})
export type Repo = typeof Repo.Type

export const RepoRequest = Schema.Struct({
  id: Schema.Int,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  active: Schema.Boolean,
  min_event: Schema.NullOr(Schema.Int),
  at_event: Schema.NullOr(Schema.Int),
  task_id: Schema.NullOr(Schema.Int),
  repo_id: Schema.NullOr(Schema.Int)
})
export type RepoRequest = typeof RepoRequest.Type

export const Event = Schema.Struct({ id: Schema.Int, ts: Schema.Finite })
