/**
 * Beginning a repo: its row, and on disk what a createrepo task works from (tasks.md 4.3).
 *
 * For each arch there is a list of packages, as paths below `toplink`, a link to the top of the tree; so the lists
 * mean the same wherever the tree is mounted.
 */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs"
import { relative } from "node:path"
import { Effect } from "effect"
import type { Value } from "../hub/Value.ts"
import { canonicalArch } from "../koji/Arch.ts"
import { genericError } from "../koji/Fault.ts"
import { pathInfo, rpmPath } from "../koji/Paths.ts"
import { repoStates } from "../koji/TaskState.ts"
import { Call } from "./Call.ts"
import { renderComps } from "./Comps.ts"
import { findEvent, firstChange, lastChange } from "./Events.ts"
import { noRows } from "./Faults.ts"
import { tagGroups } from "./Groups.ts"
import { packageList } from "./PackageLists.ts"
import { optionsFor, type RepoOptions } from "./Repos.ts"
import type { TaggedRpm } from "./Rpms.ts"
import { getTag } from "./TagConfig.ts"
import { taggedRpms } from "./Tagging.ts"

export interface NewRepo {
  readonly tag: Value
  readonly task: number | null
  readonly event: number | null
  readonly options: RepoOptions
}

/** Makes a repo in state INIT and returns its id and its event. */
export const initRepo = Effect.fnUntraced(function* ({ tag: info, task, event, options: overrides }: NewRepo) {
  const { db, now, paths, event: newEvent } = yield* Call
  const tag = yield* getTag(info, event)
  const { options, custom } = optionsFor(tag, overrides)
  if (overrides.maven === true) return yield* genericError("Maven support not enabled")
  if (event !== null && findEvent(db, event) === undefined) return yield* noRows
  const at = event ?? newEvent()
  const id = db.insert("repo", {
    ...{ tag_id: tag.id, creation_time: now, state: repoStates.INIT, state_time: now, create_event: at },
    begin_event: lastChange(db, tag.id, at) ?? at,
    end_event: firstChange(db, tag.id, at),
    opts: JSON.stringify(options),
    custom_opts: JSON.stringify(custom),
    task_id: task
  })
  const directory = paths.repo(id, tag.name)
  mkdirSync(`${directory}/groups`, { recursive: true })
  writeFileSync(`${directory}/groups/comps.xml`, renderComps(tagGroups(db, tag.id, at)))
  const { src, separate_src: separateSource, debuginfo } = options
  const description = {
    ...{ id, tag: tag.name, tag_id: tag.id, task_id: task, event_id: at, opts: options, custom_opts: custom },
    // The names that older readers look for.
    ...{ with_src: src, with_separate_src: separateSource, with_debuginfo: debuginfo }
  }
  writeFileSync(`${directory}/repo.json`, JSON.stringify(description, null, 2))
  const latest = tag.extra["repo_include_all"] !== true
  const { rpms, builds } = taggedRpms(db, tag.id, { event: at, inherit: true, latest })
  const blocked = [...packageList(db, tag.id, { event: at }).values()].filter((entry) => entry.blocked)
  const tree = pathInfo("toplink")
  const places = new Map(builds.map((build) => [build.id, tree.build(build)]))
  for (const arch of archesOf(tag.arches, separateSource)) {
    const listed = rpms.filter((rpm) => isFor(arch, rpm, options))
    const archDirectory = `${directory}/${arch}`
    mkdirSync(archDirectory)
    symlinkSync(relative(archDirectory, paths.top), `${archDirectory}/toplink`)
    writeFileSync(`${archDirectory}/pkglist`, lines(listed.map((rpm) => `${places.get(rpm.build_id)}/${rpmPath(rpm)}`)))
    writeFileSync(`${archDirectory}/rpmlist.jsonl`, lines(listed.map((rpm) => JSON.stringify(rpm))))
    writeFileSync(`${archDirectory}/blocklist`, lines(blocked.map((entry) => entry.package_name)))
  }
  return [id, at]
})

const lines = (texts: ReadonlyArray<string>) => texts.map((text) => `${text}\n`).join("")

/** The directories of a repo: canonical arches, and `src` where sources are kept apart. */
const archesOf = (arches: string | null, separateSource: boolean): ReadonlySet<string> => {
  const canonical = (arches ?? "")
    .split(" ")
    .filter((arch) => arch !== "")
    .map(canonicalArch)
  return new Set([
    ...(separateSource ? ["src"] : []),
    ...canonical.filter((arch) => arch !== "src" && arch !== "noarch")
  ])
}

const isFor = (arch: string, rpm: TaggedRpm, options: Required<RepoOptions>): boolean => {
  if (!options.debuginfo && isDebuginfo(rpm.name)) return false
  if (rpm.arch === "src") return options.src || (options.separate_src && arch === "src")
  if (rpm.arch === "noarch") return arch !== "src"
  return canonicalArch(rpm.arch) === arch
}

const isDebuginfo = (name: string) =>
  name.endsWith("-debuginfo") || name.endsWith("-debugsource") || name.includes("-debuginfo-")
