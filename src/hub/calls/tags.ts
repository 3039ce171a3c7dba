/** Calls about tags and what is in them (daemon.md 3.3; tasks.md 1.11, 1.12). */
import { Effect, Schema } from "effect"
import type { HubError } from "../HubError.ts"
import type { HubSession } from "../HubSession.ts"
import { TaggedBuild } from "../shapes/Build.ts"
import { ExternalRepo } from "../shapes/ExternalRepo.ts"
import { BuildConfig, BuildTarget, InheritanceRow, PackageConfig, Tag } from "../shapes/Tag.ts"
import type { Value } from "../Value.ts"
import { call } from "./call.ts"
import { orOlder } from "./older.ts"

/** A tag that must exist; `tag` is an id, a name, or a struct of both. */
export const getTag = (tag: Value, options: { readonly event?: number | null } = {}) =>
  call(Tag, "getTag", [tag], { strict: true, ...options })

/** A tag that may not exist. */
export const findTag = (tag: Value, options: { readonly event: number | null }) =>
  call(Schema.NullOr(Tag), "getTag", [tag], { ...options })

/** The same, as it is now. */
export const findTagNow = (tag: number | string) => call(Schema.NullOr(Tag), "getTag", [tag])

/** A tag with arches and extra as its inheritance makes them, as of an event. */
export const getBuildConfig = (tag: number | string, options: { readonly event?: number }) =>
  call(BuildConfig, "getBuildConfig", [tag], { ...options })

export const getBuildTarget = (target: number | string, options: { readonly event: number | null }) =>
  call(Schema.NullOr(BuildTarget), "getBuildTarget", [target], { ...options })

/** Every target that there is. */
export const getBuildTargets = () => call(Schema.Array(BuildTarget), "getBuildTargets", [])

export const getPackageConfig = (tag: number, name: string, options: { readonly event: number }) =>
  call(Schema.NullOr(PackageConfig), "getPackageConfig", [tag, name], { ...options })

export const getExternalRepoList = (tag: number, options: { readonly event: number }) =>
  call(Schema.Array(ExternalRepo), "getExternalRepoList", [tag], { ...options })

export const getFullInheritance = (tag: number) => call(Schema.Array(InheritanceRow), "getFullInheritance", [tag])

export const listTagged = (
  tag: number,
  options: { readonly event: number | null; readonly package: string; readonly inherit: boolean }
) => call(Schema.Array(TaggedBuild), "listTagged", [tag], { ...options })

/** The event of a tag's last change; hubs before 1.35 cannot tell, and what is to be taken for it there is asked of `older`. */
export const tagLastChangeEvent = <A>(tag: number, older: Effect.Effect<A, HubError, HubSession>) =>
  call(Schema.NullOr(Schema.Int), "tagLastChangeEvent", [tag]).pipe(orOlder(older))

/** The same, of its first change after an event. */
export const tagFirstChangeEvent = (tag: number, options: { readonly after: number }) =>
  call(Schema.NullOr(Schema.Int), "tagFirstChangeEvent", [tag], { ...options }).pipe(
    orOlder(Effect.succeed(options.after))
  )
