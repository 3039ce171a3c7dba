/** External repos: package repositories elsewhere that a tag's repo is merged with. */
import { Effect, Schema } from "effect"
import type { Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { asInt } from "./Arguments.ts"
import { assertPermission, Call } from "./Call.ts"
import { atEvent, type Database, orNull, rowOf } from "./Database.ts"
import { withParents } from "./Inheritance.ts"
import { method } from "./Method.ts"
import { getId } from "./NameOrId.ts"
import { getTag } from "./TagConfig.ts"

/** A row of `getExternalRepoList` (tasks.md 15). */
const ExternalRepo = Schema.Struct({
  external_repo_id: Schema.Int,
  external_repo_name: Schema.String,
  priority: Schema.Int,
  tag_id: Schema.Int,
  tag_name: Schema.String,
  url: Schema.String,
  merge_mode: Schema.String,
  arches: orNull(Schema.String)
})
export type ExternalRepo = typeof ExternalRepo.Type
const readRepo = rowOf(ExternalRepo)

/** Those of a tag itself, the most important first. */
export const externalReposOf = (db: Database, tag: number, event: number | null): ReadonlyArray<ExternalRepo> =>
  db.all(readRepo, `SELECT * FROM external_repo_info WHERE tag_id = ? AND ${atEvent(event)} ORDER BY priority`, tag)

export const createExternalRepo = Effect.fnUntraced(function* (name: string, url: string) {
  const { db, event } = yield* Call
  if (db.has("SELECT 1 FROM external_repo WHERE name = ?", name)) {
    return yield* genericError(`An external repo named "${name}" already exists`)
  }
  const id = db.insert("external_repo", { name })
  const ended = url.endsWith("/") ? url : `${url}/`
  db.insert("external_repo_config", { external_repo_id: id, url: ended, create_event: event() })
  return { id, name, url: ended }
})

interface Link {
  readonly tag: Value
  readonly repo: Value
  readonly priority: number
  readonly mergeMode: string
  readonly arches: string | null
}

export const addExternalRepo = Effect.fnUntraced(function* ({ tag: tagInfo, repo, priority, mergeMode, arches }: Link) {
  const { db, event } = yield* Call
  const tag = yield* getTag(tagInfo)
  const id = yield* getId("external_repo", repo)
  for (const other of externalReposOf(db, tag.id, null)) {
    if (other.external_repo_id === id) {
      return yield* genericError(`tag ${tag.name} already associated with external repo ${other.external_repo_name}`)
    }
    if (other.priority === priority) {
      return yield* genericError(
        `tag ${tag.name} already associated with external repo ${other.external_repo_name} at priority ${priority}`
      )
    }
  }
  db.insert("tag_external_repos", {
    ...{ tag_id: tag.id, external_repo_id: id, priority, merge_mode: mergeMode, arches },
    create_event: event()
  })
})

export const externalRepoMethods = [
  method(
    "getExternalRepoList",
    "get_external_repo_list(tag_info, event=None)",
    Effect.fnUntraced(function* (given) {
      const { db } = yield* Call
      const event = yield* given.intOrNull("event")
      const tag = yield* getTag(given.value("tag_info"), event)
      const found = withParents(db, tag.id, event).flatMap((id) => externalReposOf(db, id, event))
      const firsts = new Map(found.toReversed().map((repo) => [repo.external_repo_id, repo]))
      return found.filter((repo) => firsts.get(repo.external_repo_id) === repo)
    })
  ),
  method(
    "createExternalRepo",
    "create_external_repo(name, url)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("admin")
      return yield* createExternalRepo(yield* given.text("name"), yield* given.text("url"))
    })
  ),
  method(
    "addExternalRepoToTag",
    "RootExports.addExternalRepoToTag(tag_info, repo_info, priority, merge_mode='koji', arches=None)",
    Effect.fnUntraced(function* (given) {
      yield* assertPermission("tag")
      yield* addExternalRepo({
        tag: given.value("tag_info"),
        repo: given.value("repo_info"),
        priority: yield* asInt(given.value("priority")),
        mergeMode: yield* given.text("merge_mode"),
        arches: yield* given.textOrNull("arches")
      })
    })
  )
]
