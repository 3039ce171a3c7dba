/** A row of `getExternalRepoList` (tasks.md 15): a repository outside, merged into a tag's own. */
import { Schema } from "effect"

export const ExternalRepo = Schema.Struct({
  external_repo_id: Schema.Int,
  external_repo_name: Schema.String,
  /** With `$arch` for the architecture. */
  url: Schema.String,
  merge_mode: Schema.NullOr(Schema.String),
  priority: Schema.Int,
  /** Words apart by blanks; null is all. */
  arches: Schema.NullOr(Schema.String),
  tag_id: Schema.Int,
  tag_name: Schema.String
})
export type ExternalRepo = typeof ExternalRepo.Type
