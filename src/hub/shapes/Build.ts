/** Builds and their packages (tasks.md 15). */
import { Schema } from "effect"

export const Build = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  epoch: Schema.NullOr(Schema.Int),
  nvr: Schema.String,
  state: Schema.Int,
  task_id: Schema.NullOr(Schema.Int),
  owner_name: Schema.optionalKey(Schema.NullOr(Schema.String)),
  package_name: Schema.optionalKey(Schema.String),
  draft: Schema.optionalKey(Schema.NullOr(Schema.Boolean))
})
export type Build = typeof Build.Type

/** A row of `listTagged`, as far as it is read. */
export const TaggedBuild = Schema.Struct({
  build_id: Schema.Int,
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  nvr: Schema.String
})

/** A row of `listTaggedRPMS`, as far as it is read. */
export const TaggedRpm = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  arch: Schema.String,
  payloadhash: Schema.NullOr(Schema.String)
})

/** A row of `listBuildroots`, as far as it is read. */
export const BuildrootRow = Schema.Struct({
  id: Schema.Int,
  state: Schema.NullOr(Schema.Int),
  task_id: Schema.NullOr(Schema.Int)
})
