/** What someone wants to happen in an attempt: an order, which `decide` may reject. */
import { Schema } from "effect"
import { LogText, Outcome, SettlementRule, StepValue, StopReason } from "./AttemptEvent.ts"
import { AttemptNumber, ContainerName, InstanceId, StepPath, TaskId } from "./Ids.ts"

export const AttemptCommand = Schema.TaggedUnion({
  Accept: {
    task: TaskId,
    attempt: AttemptNumber,
    method: Schema.String,
    arch: Schema.String,
    request: Schema.Json,
    instance: InstanceId,
    bootId: Schema.String,
    version: Schema.String
  },
  Resume: { instance: InstanceId, bootId: Schema.String, version: Schema.String },
  IntendStep: { step: StepPath, rule: SettlementRule, input: Schema.String },
  SucceedStep: { step: StepPath, value: StepValue },
  FailStep: { step: StepPath, error: Schema.Json },
  IntendContainer: {
    container: ContainerName,
    step: StepPath,
    spec: Schema.Json,
    capture: Schema.String,
    logs: Schema.Array(Schema.String)
  },
  ConfirmCreated: { container: ContainerName, id: Schema.String },
  ConfirmStarted: { container: ContainerName, startedAt: Schema.Int },
  ConfirmExited: { container: ContainerName, exit: Schema.Json },
  ConfirmRemoved: { container: ContainerName },
  WriteLog: {
    step: Schema.NullOr(StepPath),
    logs: Schema.Array(Schema.String),
    at: Schema.NullOr(Schema.Int),
    text: LogText
  },
  AdvanceLog: { name: Schema.String, offset: Schema.Int },
  ConfirmUpload: { name: Schema.String, bytes: Schema.Int, sha256: Schema.String },
  RequestStop: { reason: StopReason, detail: Schema.String },
  Note: { text: Schema.String },
  DecideResult: { outcome: Outcome },
  Conclude: { note: Schema.String }
})
export type AttemptCommand = typeof AttemptCommand.Type
export const order = AttemptCommand.cases
