/**
 * A call's arguments, each read as the type that its method needs.
 *
 * Koji converts where Python can: a string of digits passes for an int, and anything has a truth. What cannot be
 * converted is a ParameterError that says what was given and what was expected (kojihub `convert_value`).
 */
import { Effect } from "effect"
import { isStruct } from "../hub/Keywords.ts"
import type { Struct, Value } from "../hub/Value.ts"
import { type KojiFault, parameterError } from "../koji/Fault.ts"
import { pythonStr, pythonTruth } from "../koji/PythonRepr.ts"

type Read<A> = Effect.Effect<A, KojiFault>

/** `Name` is the names that the method's signature has. */
export class Arguments<Name extends string = string> {
  readonly #bound: Struct

  constructor(bound: Struct) {
    this.#bound = bound
  }

  value(name: Name): Value {
    const value = this.#bound[name]
    // A name that the signature does not have is a slip of this code, not of the caller.
    if (value === undefined) throw new Error(`no parameter ${name}`)
    return value
  }

  int(name: Name): Read<number> {
    return asInt(this.value(name))
  }
  intOrNull(name: Name): Read<number | null> {
    return orNull(this.value(name), asInt)
  }
  float(name: Name): Read<number> {
    return asFloat(this.value(name))
  }
  text(name: Name): Read<string> {
    return asText(this.value(name))
  }
  textOrNull(name: Name): Read<string | null> {
    return orNull(this.value(name), asText)
  }
  list(name: Name): Read<ReadonlyArray<Value>> {
    return asList(this.value(name))
  }
  listOrNull(name: Name): Read<ReadonlyArray<Value> | null> {
    return orNull(this.value(name), asList)
  }
  /** A list of ids. */
  ints(name: Name): Read<ReadonlyArray<number>> {
    return Effect.flatMap(asList(this.value(name)), (values) => Effect.forEach(values, asInt))
  }
  texts(name: Name): Read<ReadonlyArray<string>> {
    return Effect.flatMap(asList(this.value(name)), (values) => Effect.forEach(values, asText))
  }
  struct(name: Name): Read<Struct> {
    return asStruct(this.value(name))
  }
  structOrNull(name: Name): Read<Struct | null> {
    return orNull(this.value(name), asStruct)
  }
  /** A struct, or an empty one where nil is given. */
  structOrEmpty(name: Name): Read<Struct> {
    return orNull(this.value(name), asStruct).pipe(Effect.map((struct) => struct ?? {}))
  }
  truth(name: Name): boolean {
    return pythonTruth(this.value(name))
  }
  /** Nil is neither: a filter that was not given. */
  truthOrNull(name: Name): boolean | null {
    const value = this.value(name)
    return value === null ? null : pythonTruth(value)
  }
}

export const isList = (value: Value | undefined): value is ReadonlyArray<Value> => Array.isArray(value)

const orNull = <A>(value: Value, read: (value: Value) => Read<A>): Read<A | null> =>
  value === null ? Effect.succeed(null) : read(value)

export const asInt = (value: Value): Read<number> => {
  const number =
    typeof value === "string" && /^\s*[-+]?\d+\s*$/.test(value)
      ? Number(value)
      : typeof value === "number" || typeof value === "boolean"
        ? Math.trunc(Number(value))
        : Number.NaN
  return Number.isSafeInteger(number) ? Effect.succeed(number) : Effect.fail(invalid(value, "int"))
}

export const asFloat = (value: Value): Read<number> => {
  const number = typeof value === "string" ? Number(value) : typeof value === "number" ? value : Number.NaN
  return Number.isFinite(number) ? Effect.succeed(number) : Effect.fail(invalid(value, "float"))
}

export const asText = (value: Value): Read<string> =>
  typeof value === "string" ? Effect.succeed(value) : Effect.fail(invalid(value, "str"))

export const asList = (value: Value): Read<ReadonlyArray<Value>> =>
  isList(value) ? Effect.succeed(value) : Effect.fail(invalid(value, "list"))

export const asStruct = (value: Value): Read<Struct> =>
  isStruct(value) ? Effect.succeed(value) : Effect.fail(invalid(value, "dict"))

const invalid = (value: Value, expected: string): KojiFault =>
  parameterError(
    value === null
      ? `Invalid type, expected type <class '${expected}'>`
      : `Invalid type for value '${pythonStr(value)}': <class '${pythonClass(value)}'>, expected type <class '${expected}'>`
  )

/** The name of the Python type that a value arrives as. */
export const pythonClass = (value: Value): string => {
  if (value === null) return "NoneType"
  if (typeof value === "boolean") return "bool"
  if (typeof value === "string") return "str"
  if (typeof value === "bigint") return "int"
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float"
  if (value instanceof Uint8Array) return "Binary"
  return isList(value) ? "list" : "dict"
}
