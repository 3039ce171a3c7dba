/**
 * Roots of failed builds, kept for whoever wants to know why: each a value, not a container.
 *
 * A step that fails leaves the image of its container's own root, which the engine commits before the failure is
 * known. When the task has failed, what that container had mounted is moved out of the attempt's directory, by name and
 * never by copy, and lies beside a record of the step (`roots/<task>-<attempt>/`). The record is written first and the
 * directory gets its name last: what has no record is nobody's, and an attempt that goes on in another process keeps its
 * root in the same way again. Which container failed is read from the attempt's journal alone.
 *
 * A root whose record cannot be read stays, with its image and those that it was made of, until its directory is too old.
 */

import { link, mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises"
import { join, relative } from "node:path"
import { Clock, Context, Effect, HashMap, Layer, Option, Schema } from "effect"
import type { AttemptState } from "../core/AttemptState.ts"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import { ContainerExit, ContainerSpec } from "../engine/ContainerSpec.ts"
import { Engine } from "../engine/Engine.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import {
  encodeRoot,
  type FailedRoot,
  failedRootImage,
  failedRootOutput,
  failedRootsBelow,
  failedRootsIn,
  type KeptRoots,
  nameOf,
  readRoot,
  recordName,
  rootName,
  type UnreadRoot
} from "./FailedRoot.ts"
import { isMissing } from "./Workspace.ts"

export interface EvictedRoot {
  readonly root: Pick<FailedRoot, "task" | "attempt" | "image" | "bytes">
  readonly reason: string
}

/** A container that failed, and the image that was made of it. */
export interface FailedContainer extends Pick<FailedRoot, "step" | "spec" | "exit" | "image"> {
  /** The name of the file with its output. */
  readonly capture: string
}

/** What is kept of an attempt that has failed. */
export interface Keeping extends Pick<FailedRoot, "task" | "attempt" | "method" | "arch" | "failure"> {
  readonly failed: FailedContainer
  /** The attempt's own directory, and where captures are in it: mounts from below it are moved out. */
  readonly workspace: { readonly root: string; readonly captures: string }
}

/** The container that an attempt failed in, if its root could be committed: a failed build has one. */
export const failedContainer = (state: AttemptState): Option.Option<FailedContainer> => {
  if (state._tag === "Unknown") return Option.none()
  const failed = [...HashMap.values(state.containers)].flatMap(({ step, spec, capture, exit }) => {
    const asked = Option.getOrUndefined(decodeSpec(spec))
    const ended = Option.getOrUndefined(decodeExit(exit))
    if (asked?.commitFailed === undefined || ended === undefined || ended.committed === null) return []
    return [{ step, spec: asked, capture, exit: ended, image: ended.committed }]
  })
  return Option.fromUndefinedOr(failed.at(-1))
}

export class FailedRoots extends Context.Service<
  FailedRoots,
  {
    /** Keeps the root of an attempt that has failed. One that is kept already stays as it is. */
    keep(what: Keeping): Effect.Effect<FailedRoot>
    /** Every kept root, the oldest first, and those that cannot be read: whose they are is known by their names alone. */
    readonly list: Effect.Effect<KeptRoots>
    /** Forgets the root of an attempt that has come to another end than failure. */
    drop(task: TaskId, attempt: AttemptNumber): Effect.Effect<void>
    /**
     * Removes what keeping and evicting left half done, but for these attempts (`<task>-<attempt>`), which go on. Says what
     * it cannot read.
     */
    tidy(open: ReadonlySet<string>): Effect.Effect<void>
    /**
     * Evicts what is too old, what is larger than the budget by itself, then the oldest until the budget holds; one more
     * when the disk is nearly full. A root that somebody is in stays; one that cannot be read goes by its directory's age.
     */
    evict(disk: "roomy" | "nearly full"): Effect.Effect<ReadonlyArray<EvictedRoot>>
  }
>()("adjutant/buildroot/FailedRoots") {
  /** `bytesBelow` counts what a directory holds; undefined when it cannot. */
  static readonly layer = (bytesBelow: (directory: string) => Effect.Effect<number | undefined>) =>
    Layer.effect(
      FailedRoots,
      Effect.gen(function* () {
        const engine = yield* Engine
        const settings = yield* BuilderSettings
        const directory = failedRootsBelow(settings.stateDirectory)
        yield* Effect.promise(() => mkdir(directory, { recursive: true, mode: 0o700 }))
        const placeOf = (root: Pick<FailedRoot, "task" | "attempt">) => join(directory, nameOf(root))

        const keep = Effect.fn("FailedRoots.keep")(function* (what: Keeping) {
          const place = placeOf(what)
          const before = yield* readRoot(place)
          if (before?._tag === "Unread") return yield* Effect.die(new Error(`${place} cannot be read: ${before.why}`))
          if (before !== undefined) return before.root
          const { failed, workspace, ...rest } = what
          const { capture, ...container } = failed
          const moves = failed.spec.mounts.flatMap(({ source }) => {
            const below = relative(workspace.root, source)
            return below.startsWith("..") ? [] : [{ source, name: below.replaceAll("/", "-") }]
          })
          const moved = new Map(moves.map(({ source, name }) => [source, join(place, name)]))
          const mounts = failed.spec.mounts.map((mount) => ({
            ...mount,
            source: moved.get(mount.source) ?? mount.source
          }))
          const root: FailedRoot = {
            ...rest,
            ...container,
            spec: { ...failed.spec, mounts },
            keptAt: yield* Clock.currentTimeMillis,
            bytes: null
          }
          const unfinished = `${place}${unfinishedSuffix}`
          yield* Effect.promise(async () => {
            await mkdir(unfinished, { recursive: true, mode: 0o700 })
            await writeFile(join(unfinished, recordName), encodeRoot(root))
            // Linked, for the attempt's logs can be made again from it until its end.
            await link(join(workspace.captures, capture), join(unfinished, failedRootOutput)).catch(ifMissingOrThere)
            for (const { source, name } of moves) await rename(source, join(unfinished, name)).catch(ifMissingOrThere)
            await rename(unfinished, place)
          })
          return root
        })

        const remove = (root: Pick<FailedRoot, "task" | "attempt">) =>
          Effect.promise(async () => {
            const gone = `${placeOf(root)}${goneSuffix}`
            await rename(placeOf(root), gone).catch(ifMissingOrThere)
            await rm(gone, { recursive: true, force: true })
          })

        /** What it holds, counted the first time it is asked for. */
        const counted = Effect.fnUntraced(function* (root: FailedRoot) {
          if (root.bytes !== null) return root
          const size = (image: string) => Effect.map(engine.inspectImage(image), (found) => found?.sizeBytes ?? 0)
          const below = yield* bytesBelow(placeOf(root))
          if (below === undefined) return root
          const image = Math.max(0, (yield* size(root.image)) - (yield* size(root.spec.image)))
          const known = { ...root, bytes: below + image }
          const path = join(placeOf(root), recordName)
          // A disk that takes nothing is counted again, and is no reason not to evict.
          yield* Effect.ignore(
            Effect.tryPromise(() => writeFile(`${path}.new`, encodeRoot(known)).then(() => rename(`${path}.new`, path)))
          )
          return known
        })

        const list = Effect.suspend(() => failedRootsIn(directory))

        /** What eviction needs to know of a root that cannot be read; none when the disk shows nothing of it. */
        const guessed = Effect.fnUntraced(function* (root: UnreadRoot) {
          const directory = yield* Effect.option(Effect.tryPromise(() => stat(root.path)))
          if (Option.isNone(directory)) return []
          const keptAt = directory.value.mtimeMs
          const { reference } = failedRootImage(settings.instance, root)
          const found = yield* engine.inspectImage(reference).pipe(Effect.orElseSucceed(() => undefined))
          return [{ ...root, keptAt, image: found?.id ?? reference, bytes: null }]
        })

        const evict = Effect.fn("FailedRoots.evict")(function* (disk: "roomy" | "nearly full") {
          const now = yield* Clock.currentTimeMillis
          const { roots: readable, unread } = yield* list
          const known = yield* Effect.forEach(readable, (root) => counted(root).pipe(Effect.orElseSucceed(() => root)))
          const roots: ReadonlyArray<Evictable> = [...known, ...(yield* Effect.forEach(unread, guessed)).flat()].sort(
            (a, b) => a.keptAt - b.keptAt
          )
          const { failedRootAgeSecondsMax: ageMax, failedRootBytesMax: bytesMax } = settings
          let bytes = roots.reduce((sum, root) => sum + (root.bytes ?? 0), 0)
          let full = disk === "nearly full"
          const evicted: Array<EvictedRoot> = []
          const tooLarge = ({ bytes }: Evictable) => (bytes ?? 0) > bytesMax
          for (const root of [...roots.filter(tooLarge), ...roots.filter((root) => !tooLarge(root))]) {
            const age = Math.round((now - root.keptAt) / 1000)
            const reason = tooLarge(root)
              ? `it holds ${root.bytes} bytes, and all together may hold ${bytesMax}`
              : age > ageMax
                ? `kept for ${age} s`
                : bytes > bytesMax && root.bytes !== null
                  ? `failed roots hold ${bytes} bytes, and may hold ${bytesMax}`
                  : full
                    ? "the disk is nearly full"
                    : undefined
            if (reason === undefined) continue
            const removed = yield* Effect.result(engine.removeImage(root.image))
            if (removed._tag === "Failure") continue
            yield* remove(root)
            bytes -= root.bytes ?? 0
            full = false
            evicted.push({ root, reason })
          }
          return evicted
        })

        return FailedRoots.of({
          keep,
          list,
          drop: Effect.fn("FailedRoots.drop")(function* (task, attempt) {
            const found = yield* readRoot(placeOf({ task, attempt }))
            if (found === undefined) return
            if (found._tag === "Read") yield* Effect.ignore(engine.removeImage(found.root.image))
            yield* remove({ task, attempt })
          }),
          tidy: Effect.fn("FailedRoots.tidy")(function* (open) {
            for (const name of yield* Effect.promise(() => readdir(directory))) {
              if (name.endsWith(unfinishedSuffix) && open.has(name.slice(0, -unfinishedSuffix.length))) continue
              const path = join(directory, name)
              const found = rootName.test(name) ? yield* readRoot(path) : undefined
              if (found?._tag === "Unread") {
                yield* Effect.logWarning(`the kept root ${path} cannot be read, and stays as it is: ${found.why}`)
              }
              if (found === undefined) yield* Effect.promise(() => rm(path, { recursive: true, force: true }))
            }
          }),
          evict
        })
      })
    )
}

const unfinishedSuffix = ".new"
const goneSuffix = ".gone"

/** What eviction goes by. */
interface Evictable extends Pick<FailedRoot, "task" | "attempt" | "image" | "bytes" | "keptAt"> {}

const decodeSpec = Schema.decodeUnknownOption(Schema.toCodecJson(ContainerSpec))
const decodeExit = Schema.decodeUnknownOption(Schema.toCodecJson(ContainerExit))

/** Somebody was here before: an earlier process of the same attempt. */
const ifMissingOrThere = (cause: unknown): void => {
  const isThere = cause instanceof Error && "code" in cause && cause.code === "EEXIST"
  if (!isMissing(cause) && !isThere) throw cause
}
