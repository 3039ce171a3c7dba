/**
 * One container is one step: everything that decides how its one command runs, and nothing left to an image.
 *
 * The values are plain data, journaled as they are; there is no field that could grant a privilege by accident.
 */
import { Schema } from "effect"

/** How a host path is seen inside. `relabel` is SELinux's: `private` (Z) for a task's own directory, `none` for shared
 * storage, which is never relabelled. */
export const VolumeMount = Schema.Struct({
  source: Schema.String,
  target: Schema.String,
  readOnly: Schema.Boolean,
  relabel: Schema.Literals(["private", "shared", "none"])
})
export type VolumeMount = typeof VolumeMount.Type

/** An engine takes 0 and -1 for no limit at all. */
const Limit = Schema.Int.check(Schema.isGreaterThan(0))

/** What a step may use. Every limit is set. Sizes in bytes, times in seconds, cpu in cores. */
export const ResourceLimits = Schema.Struct({
  memoryBytes: Limit,
  cpus: Schema.Finite.check(Schema.isGreaterThan(0)),
  processes: Limit,
  openFiles: Limit,
  /** From the start of the command to its end. */
  wallSeconds: Limit,
  /** Without a byte of output. */
  silenceSeconds: Limit,
  outputBytes: Limit,
  /** What the container's own layer and its read-write mounts may hold together. */
  diskBytes: Limit
})
export type ResourceLimits = typeof ResourceLimits.Type

export const Network = Schema.Union([Schema.Literals(["none", "host"]), Schema.Struct({ named: Schema.String })])
export type Network = typeof Network.Type

/** What the step needs beyond an ordinary user's rights; `build` is none at all (design, "Containers"). */
export const Capabilities = Schema.Literals(["build", "install"])
export type Capabilities = typeof Capabilities.Type

/** An image to make of a container that has ended, and its labels. */
const Commit = Schema.Struct({ reference: Schema.String, labels: Schema.Record(Schema.String, Schema.String) })
export type Commit = typeof Commit.Type

export const ContainerSpec = Schema.Struct({
  /** `adjutant-<instance>-<task>-<attempt>-<step>`, unique on the engine. */
  name: Schema.String,
  /** An image id or digest, never a moving tag. */
  image: Schema.String,
  command: Schema.Array(Schema.String),
  environment: Schema.Record(Schema.String, Schema.String),
  /** `uid:gid`, numeric. */
  user: Schema.String,
  workingDirectory: Schema.String,
  hostname: Schema.String,
  labels: Schema.Record(Schema.String, Schema.String),
  mounts: Schema.Array(VolumeMount),
  /** Directories inside that live in memory, with their size in bytes. */
  tmpfs: Schema.Record(Schema.String, Schema.Int),
  network: Network,
  capabilities: Capabilities,
  readOnlyRoot: Schema.Boolean,
  limits: ResourceLimits,
  /** Joined in the order written (what a person reads), or apart (queries); apart needs two captures. */
  output: Schema.Literals(["joined", "apart"]),
  /** The image to make of the container when it exits with 0. */
  commit: Schema.NullOr(Commit),
  /**
   * The image to make of it when it fails, so that somebody can look into it: when it ends in any other way than with 0
   * or one of `unless`. How it ended stands, whatever becomes of the image.
   */
  commitFailed: Schema.optionalKey(Schema.Struct({ ...Commit.fields, unless: Schema.Array(Schema.Int) }))
})
export type ContainerSpec = typeof ContainerSpec.Type

/** How the command ended. Only `Exited` and `Signaled` are the command's own doing. */
export const ExitReason = Schema.TaggedUnion({
  Exited: { code: Schema.Int },
  /** Killed by a signal that nobody of ours sent. */
  Signaled: { signal: Schema.Int },
  OutOfMemory: { memoryBytes: Schema.Int },
  /** A limit of ours ended it: which one, and what it was. */
  LimitReached: { limit: Schema.Literals(["wall", "silence", "output", "disk", "space"]), value: Schema.Int },
  /** The engine was away when it ended: nobody knows. Never a build failure. */
  Uncertain: { detail: Schema.String }
})
export type ExitReason = typeof ExitReason.Type

export const ContainerExit = Schema.Struct({
  reason: ExitReason,
  /** The engine's clock, milliseconds since the epoch. */
  startedAt: Schema.Int,
  finishedAt: Schema.Int,
  outputBytes: Schema.Int,
  /** Bytes that our capture holds and the engine no longer has: what follows them in the capture may have a gap. */
  missingBytes: Schema.Int,
  /** The id of the image made of it, if one was. */
  committed: Schema.NullOr(Schema.String)
})
export type ContainerExit = typeof ContainerExit.Type
