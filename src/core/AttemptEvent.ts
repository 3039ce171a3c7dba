/**
 * What has happened in one attempt: past tense, one meaning for ever.
 *
 * A tag's meaning never changes. A field may be added with a decoding default; anything else is a new version, and
 * older lines are upcast when they are read (`journal/Upcast.ts`).
 */
import { Schema } from "effect"
import { AttemptNumber, ContainerName, InstanceId, StepPath, TaskId } from "./Ids.ts"
import { Json } from "./Json.ts"

/** How a step that was begun and never settled is to be settled: repeat it, ask the world, or give the attempt up. */
export const SettlementRule = Schema.Literals(["repeat", "ask", "give-up"])
export type SettlementRule = typeof SettlementRule.Type

/** The value of a step: in the event, or, past 64 KiB, in the content-addressed file of that digest. */
export const StepValue = Schema.TaggedUnion({
  Inline: { value: Json },
  Blob: { digest: Schema.String, bytes: Schema.Int }
})
export type StepValue = typeof StepValue.Type

/** What was written to a log: here, or, when it is long or no UTF-8, in the content-addressed file of that digest. */
export const LogText = Schema.TaggedUnion({
  Inline: { text: Schema.String },
  Blob: { digest: Schema.String, bytes: Schema.Int }
})
export type LogText = typeof LogText.Type

/** What is reported to the hub, decided once. */
export const Outcome = Schema.TaggedUnion({
  /** `closeTask` with this value. `files` are the uploads the value names. */
  Success: { result: StepValue, files: Schema.Array(Schema.String) },
  /** `failTask` with this Koji fault. */
  Fault: { code: Schema.Int, message: Schema.String },
  /** `freeTasks`: given back, to run again here or elsewhere. */
  Freed: { reason: Schema.String },
  /** `refuseTask`: not for this host. */
  Refused: { soft: Schema.Boolean, reason: Schema.String },
  /** Somebody canceled the task; there is nothing to report. */
  Canceled: { reason: Schema.String },
  /** The task is not ours any more; there is nothing to report. */
  Lost: { reason: Schema.String }
})
export type Outcome = typeof Outcome.Type

/** Why a running attempt was told to stop. */
export const StopReason = Schema.Literals(["canceled", "lost", "shutdown", "handover"])
export type StopReason = typeof StopReason.Type

export const AttemptEvent = Schema.TaggedUnion({
  Accepted: {
    task: TaskId,
    attempt: AttemptNumber,
    method: Schema.String,
    arch: Schema.String,
    /** The task's parameters as the hub gave them, credentials in URLs removed. */
    request: Json,
    instance: InstanceId,
    bootId: Schema.String,
    version: Schema.String
  },
  /** Another process of the daemon has taken the attempt over. */
  Resumed: { instance: InstanceId, bootId: Schema.String, version: Schema.String },
  StepIntended: { step: StepPath, rule: SettlementRule, input: Schema.String },
  StepSucceeded: { step: StepPath, value: StepValue },
  StepFailed: { step: StepPath, error: Json },
  /**
   * `spec` is the whole of what was asked of the engine. The output goes into the capture of that name, and from there
   * into each of `logs`. The same container may be intended again once it is gone: its step is then run again.
   */
  ContainerIntended: {
    container: ContainerName,
    step: StepPath,
    spec: Json,
    capture: Schema.String,
    logs: Schema.Array(Schema.String)
  },
  ContainerCreated: { container: ContainerName, id: Schema.String },
  ContainerStarted: { container: ContainerName, startedAt: Schema.Int },
  ContainerExited: { container: ContainerName, exit: Json },
  ContainerRemoved: { container: ContainerName },
  /**
   * Words of ours in Koji's logs, apart from what containers put out: so that each log is a function of this journal and
   * the captures. `step` is the step that wrote it; `at`, where there is one, is the time its line is stamped with.
   */
  LogWritten: {
    step: Schema.NullOr(StepPath),
    logs: Schema.Array(Schema.String),
    at: Schema.NullOr(Schema.Int),
    text: LogText
  },
  /** So many bytes of a growing log have reached the hub. */
  LogAdvanced: { name: Schema.String, offset: Schema.Int },
  /** The whole file has reached the hub, and the hub has confirmed its size. */
  FileUploaded: { name: Schema.String, bytes: Schema.Int, sha256: Schema.String },
  StopRequested: { reason: StopReason, detail: Schema.String },
  /** Something a reader should know that decides nothing: a gap in a log, a limit that is not enforced. */
  Noted: { text: Schema.String },
  ResultDecided: { outcome: Outcome },
  /** The hub has taken the outcome, or there was nothing to report: the last event. */
  Concluded: { how: Schema.Literals(["closed", "failed", "freed", "refused", "canceled", "lost"]), note: Schema.String }
})
export type AttemptEvent = typeof AttemptEvent.Type
export const happened = AttemptEvent.cases
