/**
 * What can go wrong with a task, in the words of Koji.
 *
 * A fault is what the hub stores as a failed task's result: a number and a text. Scripts and people read both, so
 * numbers and wording are those of kojid (protocol: `koji/__init__.py`, the classes below GenericError).
 */
import { Schema } from "effect"

/** Koji's fault codes by the name of the Python class that carries them. */
export const faultCodes = {
  GenericError: 1000,
  LockError: 1001,
  AuthError: 1002,
  TagError: 1003,
  ActionNotAllowed: 1004,
  BuildError: 1005,
  AuthLockError: 1006,
  AuthExpired: 1007,
  SequenceError: 1008,
  RetryError: 1009,
  PreBuildError: 1010,
  PostBuildError: 1011,
  BuildrootError: 1012,
  FunctionDeprecated: 1013,
  ServerOffline: 1014,
  LiveCDError: 1015,
  PluginError: 1016,
  CallbackError: 1017,
  ApplianceError: 1018,
  ParameterError: 1019,
  ImportError: 1020,
  ConfigurationError: 1021,
  LiveMediaError: 1022,
  GSSAPIAuthError: 1023,
  NameValidationError: 1024
} as const
export type FaultName = keyof typeof faultCodes

/** A fault as the hub knows it. Code 1 is "anything else". */
export class KojiFault extends Schema.TaggedError<KojiFault>()("KojiFault", {
  code: Schema.Int,
  message: Schema.String
}) {}

/** The name of the Python class with this code, if Koji has one. */
export const faultName = (code: number): FaultName | undefined => {
  for (const [name, value] of Object.entries(faultCodes)) if (value === code) return name as FaultName
  return undefined
}

const fault = (name: FaultName) => (message: string) => new KojiFault({ code: faultCodes[name], message })

export const genericError = fault("GenericError")
export const tagError = fault("TagError")
export const buildError = fault("BuildError")
export const buildrootError = fault("BuildrootError")
export const parameterError = fault("ParameterError")
/** Anything kojid has no class for; it reports those with code 1. */
export const otherError = (message: string) => new KojiFault({ code: 1, message })

/** This host cannot run the task (now): the hub should give it to another. Soft refusals expire at the hub after 15 min. */
export class RefuseTask extends Schema.TaggedError<RefuseTask>()("RefuseTask", {
  soft: Schema.Boolean,
  message: Schema.String
}) {}

/** Nothing is wrong with the task, but it cannot go on here: it is given back to run again (kojid's "server restart"). */
export class GiveBack extends Schema.TaggedError<GiveBack>()("GiveBack", { message: Schema.String }) {}

/** The ways in which a task, or a step of one, fails. Everything else is a defect. */
export const TaskFailure = Schema.Union([KojiFault, RefuseTask, GiveBack])
export type TaskFailure = typeof TaskFailure.Type
