/**
 * What has happened on a builder outside any attempt: to the daemon itself, in the stream `daemon.jsonl`; and in the kept
 * roots that people have opened a shell in, in the stream `shell.jsonl`.
 */
import { Schema } from "effect"
import { AttemptNumber, ContainerName, InstanceId, TaskId } from "./Ids.ts"

export const DaemonEvent = Schema.TaggedUnion({
  Started: {
    instance: InstanceId,
    bootId: Schema.String,
    version: Schema.String,
    pid: Schema.Int,
    engine: Schema.String,
    hub: Schema.String
  },
  TaskTaken: { task: TaskId, attempt: AttemptNumber, method: Schema.String },
  TaskRefused: { task: TaskId, method: Schema.String, soft: Schema.Boolean, reason: Schema.String },
  /** The hub called a task ours that we did not know, on two looks; it was given back. */
  StaleTaskFreed: { task: TaskId },
  /** Something with our labels that no live attempt owned. */
  Reaped: { kind: Schema.Literals(["container", "image"]), name: Schema.String, reason: Schema.String },
  /** Of so many attempts, values and tasks' logs, older than `before`, nothing is kept any more. */
  Forgotten: { attempts: Schema.Int, values: Schema.Int, logs: Schema.Int, before: Schema.Int },
  BuildrootExpired: { buildroot: Schema.Int, reason: Schema.String },
  ImageMade: { key: Schema.String, image: Schema.String, bytes: Schema.Int },
  ImageEvicted: { key: Schema.String, image: Schema.String, reason: Schema.String },
  /** The root of a failed task that was kept for whoever wanted to look into it is gone. */
  FailedRootEvicted: {
    task: TaskId,
    attempt: AttemptNumber,
    image: Schema.String,
    bytes: Schema.NullOr(Schema.Int),
    reason: Schema.String
  },
  /** Somebody has gone into a kept root: who, as the system knows them, and to do what. `command` null: at a terminal. */
  ShellOpened: {
    task: TaskId,
    attempt: AttemptNumber,
    container: ContainerName,
    image: Schema.String,
    by: Schema.String,
    asRoot: Schema.Boolean,
    command: Schema.NullOr(Schema.String)
  },
  /** `exitCode` null: it did not come to an end of its own. */
  ShellClosed: { container: ContainerName, exitCode: Schema.NullOr(Schema.Int) },
  AttemptRecovered: { task: TaskId, attempt: AttemptNumber, how: Schema.String },
  Stopping: { reason: Schema.String },
  Stopped: { exitCode: Schema.Int }
})
export type DaemonEvent = typeof DaemonEvent.Type
export const told = DaemonEvent.cases
