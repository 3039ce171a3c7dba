/** Tags, targets and what a tag says of a package (tasks.md 15). */
import { Schema } from "effect"

const Extra = Schema.Record(Schema.String, Schema.Json)

export const Tag = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  arches: Schema.NullOr(Schema.String),
  /** This tag's own, not inherited. */
  extra: Extra
})
export type Tag = typeof Tag.Type

/** A tag with arches and extra resolved through its inheritance. */
export const BuildConfig = Tag

export const BuildTarget = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  build_tag: Schema.Int,
  build_tag_name: Schema.String,
  dest_tag: Schema.Int,
  dest_tag_name: Schema.String
})

export const PackageConfig = Schema.Struct({
  package_id: Schema.Int,
  package_name: Schema.String,
  blocked: Schema.Boolean,
  extra_arches: Schema.NullOr(Schema.String)
})

/** A row of `getFullInheritance`. */
export const InheritanceRow = Schema.Struct({ parent_id: Schema.Int, currdepth: Schema.Int, name: Schema.String })
