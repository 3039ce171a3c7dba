/**
 * The kept root of a failed build as it lies on disk: `roots/<task>-<attempt>/`, with a record of the step.
 *
 * A record that the disk does not show, or that another version wrote, is not a record that is missing: whose the root
 * is its name still says, and so it is not taken for nobody's.
 */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { AttemptNumber, StepPath, TaskId } from "../core/Ids.ts"
import { type Commit, ContainerExit, ContainerSpec } from "../engine/ContainerSpec.ts"
import { imageLabels } from "../engine/Labels.ts"
import { ifThere } from "./SourceFile.ts"
import { isMissing } from "./Workspace.ts"

export const FailedRoot = Schema.Struct({
  task: TaskId,
  attempt: AttemptNumber,
  method: Schema.String,
  arch: Schema.String,
  /** The step that failed, and what was asked of the engine for it; its mounts lie in the kept directory by now. */
  step: StepPath,
  spec: ContainerSpec,
  exit: ContainerExit,
  /** The image of the container's own root as the step left it; `spec.image` is the one it began with. */
  image: Schema.String,
  /** What the hub was told. */
  failure: Schema.String,
  /** Milliseconds since the epoch. */
  keptAt: Schema.Int,
  /** Of the image, without what it was made from, and of the directory; null until they have been counted. */
  bytes: Schema.NullOr(Schema.Int)
})
export type FailedRoot = typeof FailedRoot.Type

/** A root that is there, and whose record cannot be read. */
export interface UnreadRoot extends Pick<FailedRoot, "task" | "attempt"> {
  readonly path: string
  readonly why: string
}

export interface KeptRoots {
  readonly roots: ReadonlyArray<FailedRoot>
  readonly unread: ReadonlyArray<UnreadRoot>
}

/** By which the reaper knows the image of a failed root whose attempt has not ended. */
export const failedRootKey = (task: number): string => `failed-${task}`

/** The image that is made of a container of this attempt when it fails. */
export const failedRootImage = (instance: string, of: { readonly task: number; readonly attempt: number }): Commit => ({
  reference: `adjutant/${instance}/failed:${of.task}-${of.attempt}`,
  labels: imageLabels(instance, failedRootKey(of.task))
})

/** Where a state directory keeps them. */
export const failedRootsBelow = (stateDirectory: string): string => join(stateDirectory, "roots")

/** What the failed container put out, in the directory of a root. */
export const failedRootOutput = "output"

/** `<task>-<attempt>`. */
export const nameOf = (root: Pick<FailedRoot, "task" | "attempt">): string => `${root.task}-${root.attempt}`

/** The record's name in the directory of a root. */
export const recordName = "record.json"

/** `<task>-<attempt>`; anything else in the directory of roots is none. */
export const rootName = /^([1-9]\d{0,14})-([1-9]\d{0,14})$/

/** The roots in this directory, the oldest first, and those that cannot be read; what has no record is none. */
export const failedRootsIn = Effect.fn("failedRootsIn")(function* (directory: string) {
  const names = (yield* Effect.promise(() => ifThere(readdir(directory)))) ?? []
  const roots: Array<FailedRoot> = []
  const unread: Array<UnreadRoot> = []
  for (const name of names) {
    const [, task, attempt] = rootName.exec(name) ?? []
    if (task === undefined || attempt === undefined) continue
    const path = join(directory, name)
    const found = yield* readRoot(path)
    if (found?._tag === "Read") roots.push(found.root)
    if (found?._tag === "Unread") {
      const of = { task: TaskId.make(Number(task)), attempt: AttemptNumber.make(Number(attempt)) }
      unread.push({ ...of, path, why: found.why })
    }
  }
  return { roots: roots.sort((a, b) => a.keptAt - b.keptAt), unread }
})

const json = Schema.fromJsonString(Schema.toCodecJson(FailedRoot))
export const encodeRoot = Schema.encodeSync(json)
const decodeRoot = Schema.decodeUnknownEffect(json)

/** What the record says, or why it does not; undefined when there is none. */
export const readRoot = Effect.fnUntraced(function* (place: string) {
  const text = yield* Effect.result(Effect.tryPromise({ try: () => recordText(place), catch: inWords }))
  if (text._tag === "Failure") return { _tag: "Unread", why: text.failure } as const
  if (text.success === undefined) return undefined
  const root = yield* Effect.result(decodeRoot(text.success))
  if (root._tag === "Success") return { _tag: "Read", root: root.success } as const
  return { _tag: "Unread", why: `${recordName} is not whole, or of another version: ${root.failure.message}` } as const
})

/** Undefined for a directory that has none: what may not be looked at is there. */
const recordText = (place: string): Promise<string | undefined> =>
  readFile(join(place, recordName), "utf8").catch((cause: unknown) => {
    if (isMissing(cause)) return undefined
    throw cause
  })

const inWords = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
