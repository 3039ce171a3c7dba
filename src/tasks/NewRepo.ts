/** `newRepo`: has the hub begin a repository, its children make the metadata, and the hub finish it (tasks.md 4.4). */

import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { happenedIf, hubStep } from "../buildroot/HubSteps.ts"
import { ifThere } from "../buildroot/SourceFile.ts"
import { Door } from "../buildroot/World.ts"
import { getRepo, repoDone, repoInfo, repoInit, takesOldForNew } from "../hub/calls/repos.ts"
import { getFullInheritance, getTag } from "../hub/calls/tags.ts"
import { Repo } from "../hub/shapes/Repo.ts"
import { genericError, parameterError, RefuseTask } from "../koji/Fault.ts"
import { pathInfo, safeComponent } from "../koji/Paths.ts"
import { repoStates } from "../koji/TaskState.ts"
import { subtask, waitFor } from "./Subtasks.ts"
import { type Handler, maybe, parameters, plain, TagReference } from "./Task.ts"

const Parameters = Schema.Struct({
  tag: TagReference,
  event: maybe(Schema.Int),
  src: maybe(Schema.Unknown),
  debuginfo: maybe(Schema.Unknown),
  separate_src: maybe(Schema.Unknown),
  opts: maybe(Schema.Record(Schema.String, Schema.Boolean))
})

/** What a `createrepo` child returns: where it uploaded to, and which files. */
const Uploaded = Schema.Tuple([Schema.String, Schema.Array(Schema.String)])

const TagFacts = Schema.Struct({ id: Schema.Int, name: Schema.String, extra: Schema.Json })

export const newRepo: Handler = Effect.fn("newRepo")(function* (task) {
  const door = yield* Door
  const given = yield* parameters(task, Parameters)
  const event = given.event ?? null
  const legacy = Object.entries({ src: given.src, debuginfo: given.debuginfo, separate_src: given.separate_src })
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => [name, Boolean(value)] as const)
  if (legacy.length > 0 && given.opts != null)
    return yield* parameterError("opts parameter incompatible with legacy options")
  const opts = given.opts ?? Object.fromEntries(legacy)

  const tag = yield* hubStep(
    "tag",
    TagFacts,
    getTag(given.tag, { event }).pipe(Effect.map(({ id, name, extra }) => ({ id, name, extra })))
  )
  yield* reposAreHere("topdir")
  const [repoId, repoEvent] = yield* hubStep(
    "repoInit",
    Schema.Tuple([Schema.Int, Schema.Int]),
    repoInit(tag.id, { opts, taskId: task.id, event, debuginfo: hasDebuginfo(tag.extra) })
  )
  const arches = yield* door.step(
    { path: "arches", rule: "repeat", input: repoId },
    Schema.Array(Schema.String),
    archesOf(repoId, tag.name)
  )
  const updates = yield* door.step(
    { path: "settings", rule: "repeat" },
    Schema.Boolean,
    Effect.map(BuilderSettings, (settings) => settings.createrepoUpdate)
  )
  const oldRepo = updates ? yield* hubStep("old-repo", Schema.NullOr(Repo), findOldRepo(tag)) : null
  const oldRepoValue =
    oldRepo === null ? null : yield* Schema.encodeEffect(Schema.toCodecJson(Repo))(oldRepo).pipe(Effect.orDie)

  const children = new Map<string, number>()
  for (const arch of arches) {
    const child = yield* subtask(task, {
      method: "createrepo",
      arguments: [repoId, arch, oldRepoValue],
      label: arch,
      arch: "noarch"
    })
    children.set(arch, child)
  }
  const results = yield* waitFor(task, "createrepo", [...children.values()], true)
  const data: Record<string, typeof Uploaded.Type> = {}
  for (const [arch, child] of children) {
    data[arch] = yield* Schema.decodeUnknownEffect(Uploaded)(results.get(child)).pipe(
      Effect.mapError((error) => genericError(`createrepo task ${child} returned no file list: ${error.message}`))
    )
  }
  const finish = Effect.gen(function* () {
    yield* repoDone(repoId, data, event !== null && (yield* takesOldForNew(repoId)))
    return null
  })
  const done: ReadonlyArray<number> = [repoStates.READY, repoStates.EXPIRED]
  yield* hubStep("repoDone", Schema.Null, finish, {
    ask: happenedIf(Effect.map(repoInfo(repoId), ({ state }) => done.includes(state)))
  })
  return plain([repoId, repoEvent])
})

const WithDebuginfo = Schema.Struct({ with_debuginfo: Schema.Literal(true) })
const hasDebuginfo = Schema.is(WithDebuginfo)

/** Refuses the task where the hub's repositories are not mounted: kojid's own test of that capability. */
export const reposAreHere = (path: string) =>
  Effect.gen(function* () {
    const door = yield* Door
    yield* door.step(
      { path, rule: "repeat" },
      Schema.Null,
      Effect.gen(function* () {
        const { topDirectory } = yield* BuilderSettings
        const repos = join(topDirectory, "repos")
        const here = yield* Effect.promise(() =>
          stat(repos).then(
            (found) => found.isDirectory(),
            () => false
          )
        )
        return here ? null : yield* new RefuseTask({ soft: true, message: `No access to repos dir ${repos}` })
      })
    )
  })

/** The arches the hub has prepared: directories that hold a package list. */
const archesOf = Effect.fnUntraced(function* (repoId: number, tagName: string) {
  const { topDirectory } = yield* BuilderSettings
  const name = yield* Effect.fromResult(safeComponent(tagName))
  const directory = pathInfo(topDirectory).repo(repoId, name)
  const names = yield* Effect.promise(() => ifThere(readdir(directory)))
  if (names === undefined) return yield* genericError(`Repo directory missing: ${directory}`)
  const arches: Array<string> = []
  for (const arch of names.sort()) {
    if (arch === "groups") continue
    const found = yield* Effect.promise(() => ifThere(stat(join(directory, arch, "pkglist"))))
    if (found !== undefined) arches.push(arch)
  }
  return arches
})

const Hints = Schema.Struct({ "repo.oldrepo_hint": Schema.Union([Schema.String, Schema.Array(Schema.String)]) })

/** A repository whose metadata can be reused: the tag's own, one that it hints at, or a parent's. */
const findOldRepo = Effect.fnUntraced(function* (tag: typeof TagFacts.Type) {
  const own = yield* getRepo(tag.id)
  if (own !== null) return own
  const hints = yield* Schema.decodeUnknownEffect(Hints)(tag.extra).pipe(
    Effect.map((extra) => extra["repo.oldrepo_hint"]),
    Effect.catchTag("SchemaError", () => Effect.succeed([]))
  )
  for (const hint of typeof hints === "string" ? [hints] : hints) {
    const found = yield* getTag(hint).pipe(Effect.catchTag("HubFault", () => Effect.succeed(undefined)))
    const repo = found === undefined ? null : yield* getRepo(found.id)
    if (repo !== null) return repo
  }
  const parents = [...(yield* getFullInheritance(tag.id))].sort((a, b) => a.currdepth - b.currdepth)
  for (const parent of parents) {
    const repo = yield* getRepo(parent.parent_id)
    if (repo !== null) return repo
  }
  return null
})
