/** What a handler is: an Effect program that needs nothing but a door, and returns what the hub is to be told. */
import { Effect, Schema } from "effect"
import type { Door } from "../buildroot/World.ts"
import type { TaskId } from "../core/Ids.ts"
import { parameterError, type TaskFailure } from "../koji/Fault.ts"
import type { PythonValue } from "../koji/PythonRepr.ts"
import type { BoundParameters } from "../koji/TaskParameters.ts"

export interface TaskContext {
  readonly id: TaskId
  readonly method: string
  /** What the scheduler matched: a canonical arch, or `noarch`. */
  readonly arch: string
  /** The parameters by name, those not given with their defaults. */
  readonly parameters: BoundParameters<PythonValue>
}

/** The result, and the names of the uploads that it speaks of: those must have arrived before it is reported. */
export interface HandlerResult {
  readonly value: Schema.Json
  readonly files: ReadonlyArray<string>
}

export type Handler = (task: TaskContext) => Effect.Effect<HandlerResult, TaskFailure, Door>

export interface TaskType {
  readonly method: string
  readonly handler: Handler
  /** Runs in the daemon's own session, and nothing else is taken until it has ended (daemon.md 4.7). */
  readonly foreground?: boolean
  /** Once it is closed the daemon is to drain, and to begin anew. */
  readonly restarts?: boolean
  /** The tag in the parameters, for methods whose host check needs one (tasks.md 1.11). */
  readonly tagOf: ((parameters: BoundParameters<PythonValue>) => PythonValue) | null
}

/** A result that names no file. */
export const plain = (value: Schema.Json): HandlerResult => ({ value, files: [] })

/** The parameters as this handler needs them. Fails with ParameterError that says which one is wrong. */
export const parameters = <A, I>(task: TaskContext, schema: Schema.Codec<A, I>): Effect.Effect<A, TaskFailure> =>
  Schema.decodeUnknownEffect(schema)(task.parameters).pipe(
    Effect.mapError((error) => parameterError(`${task.method}: ${error.message}`))
  )

/** A parameter as it was given, where Python itself would have said what is wrong with it. */
export const givenValue = (task: TaskContext, name: string): PythonValue => task.parameters[name] ?? null

/** A tag where a task names one: by id, by name, or as the hub's struct of it. */
export const TagReference = Schema.Union([
  Schema.Int,
  Schema.String,
  Schema.Struct({ id: Schema.Int, name: Schema.String })
])

/** What the hub is asked for: id or name. */
export const tagKey = (tag: typeof TagReference.Type): number | string => (typeof tag === "object" ? tag.id : tag)

/** A member that may be missing or nil. */
export const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
