/** Calls about builds (tasks.md 3.8, 3.11). */
import { Effect, Schema } from "effect"
import { Build, TaggedRpm } from "../shapes/Build.ts"
import type { Struct } from "../Value.ts"
import { call, perform } from "./call.ts"
import { orOlder } from "./older.ts"

export const getBuild = (build: number | string) => call(Build, "getBuild", [build], { strict: true })

/** Null when there is none. */
export const findBuild = (build: number | string) => call(Schema.NullOr(Build), "getBuild", [build])

const ChangelogEntry = Schema.Struct({ date: Schema.String, author: Schema.String, text: Schema.String })

/** The newest first. */
export const getChangelogEntries = (build: number, options: { readonly queryOpts: Struct }) =>
  call(Schema.Array(ChangelogEntry), "getChangelogEntries", [build], { ...options })

/** Seconds, over the last `age` months; null when nothing is known. */
export const getAverageBuildDuration = (name: string, options: { readonly age: number }) =>
  call(Schema.NullOr(Schema.Finite), "getAverageBuildDuration", [name], { ...options })

export const initBuild = (data: Struct) => call(Schema.Int, "host.initBuild", [data])
export const failBuild = (taskId: number, buildId: number) => perform("host.failBuild", [taskId, buildId])

type Logs = Readonly<Record<string, ReadonlyArray<string>>>

export const completeBuild = (
  taskId: number,
  buildId: number,
  srpm: string,
  rpms: ReadonlyArray<string>,
  buildroots: Struct,
  options: { readonly logs: Logs }
) => perform("host.completeBuild", [taskId, buildId, srpm, rpms, buildroots], { ...options })

export const moveBuildToScratch = (
  taskId: number,
  srpm: string,
  rpms: ReadonlyArray<string>,
  options: { readonly logs: Logs }
) => perform("host.moveBuildToScratch", [taskId, srpm, rpms], { ...options })

type Reference = number | string

export const tagBuild = (
  taskId: number,
  tag: Reference,
  build: Reference,
  options: { readonly force: boolean | null; readonly fromtag: Reference | null }
) => perform("host.tagBuild", [taskId, tag, build], { ...options })

export const tagNotification = (
  success: boolean,
  tag: Reference,
  from: Reference | null,
  build: Reference,
  user: number,
  ignoreSuccess: boolean | null,
  failure: string
) =>
  perform("host.tagNotification", [
    success,
    tag,
    from,
    build,
    user,
    ignoreSuccess,
    ...(failure === "" ? [] : [failure])
  ])

const TaggedRpms = Schema.Tuple([Schema.Array(TaggedRpm), Schema.Array(Schema.Json)])

/** The RPMs of a tag's draft builds. Hubs before 1.34 know no drafts, and have none. */
export const listDraftRpms = (tag: Reference, options: { readonly event: number; readonly latest: boolean }) =>
  call(TaggedRpms, "listTaggedRPMS", [tag], { ...options, draft: true }).pipe(
    Effect.map(([rpms]) => rpms),
    orOlder(Effect.succeed([]))
  )
