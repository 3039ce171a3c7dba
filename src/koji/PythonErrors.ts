/**
 * What Python says of a value of the wrong type. kojid lets it say so, and fails the task with code 1 and the whole
 * trace; the last line of that is what there is of it here.
 */
import { type KojiFault, otherError } from "./Fault.ts"
import { isPythonDict, PythonFloat, PythonTuple, type PythonValue } from "./PythonRepr.ts"

/** The name of a value's type: `str`. */
export const pythonTypeName = (value: PythonValue): string => {
  if (value === null) return "NoneType"
  if (typeof value === "boolean") return "bool"
  if (typeof value === "string") return "str"
  if (typeof value === "bigint") return "int"
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float"
  if (value instanceof PythonFloat) return "float"
  if (value instanceof Uint8Array) return "bytes"
  if (value instanceof PythonTuple) return "tuple"
  return isPythonDict(value) ? "dict" : "list"
}

/** `TypeError: 'str' object cannot be interpreted as an integer`. */
export const notAnInteger = (value: PythonValue): KojiFault =>
  otherError(`TypeError: '${pythonTypeName(value)}' object cannot be interpreted as an integer`)

/** What an operator says of operands that it does not know: `'>' not supported between instances of 'str' and 'int'`. */
export const notSupported = (operator: string, left: PythonValue, right: PythonValue): KojiFault =>
  otherError(
    `TypeError: '${operator}' not supported between instances of '${pythonTypeName(left)}' and '${pythonTypeName(right)}'`
  )

/** A number where Python wants one: a truth value is one too. */
export const pythonNumber = (value: PythonValue): number | undefined =>
  typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : undefined
