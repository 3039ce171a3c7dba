/** What is wrong with the configuration: everything at once, so that nobody corrects it line by line. */
import { Schema } from "effect"

/** One thing that is wrong. */
export interface ConfigProblem {
  /** Where: a file and line, a variable, a flag; null for what nobody has said. */
  readonly place: string | null
  readonly option: string | null
  readonly message: string
}

export class ConfigError extends Schema.TaggedError<ConfigError>()("ConfigError", {
  problems: Schema.Array(
    Schema.Struct({
      place: Schema.NullOr(Schema.String),
      option: Schema.NullOr(Schema.String),
      message: Schema.String
    })
  ),
  /** kojid's (daemon.md 7.4): 2 when server or topurl is missing, else 1. */
  exitCode: Schema.Literals([1, 2]),
  message: Schema.String
}) {}

/** The error of at least one problem. */
export const configError = (problems: ReadonlyArray<ConfigProblem>, exitCode: 1 | 2 = 1): ConfigError =>
  new ConfigError({
    problems,
    exitCode,
    message: problems.map(({ place, message }) => (place === null ? message : `${place}: ${message}`)).join("\n")
  })
