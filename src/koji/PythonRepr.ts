/**
 * Values written as Python writes them, by `repr()` and by `str()`.
 *
 * A mock configuration is a Python file, and users feed it to a local mock; much of what stands in it comes from tag
 * extras, which a tag's editor chose. So it is never interpolated, only written as literals by this one function:
 * whatever the text, Python reads back exactly that text. Some of Koji's error texts quote lists the same way.
 */

/** A tuple, which JavaScript does not tell from a list. */
export class PythonTuple {
  readonly items: ReadonlyArray<PythonValue>
  constructor(...items: ReadonlyArray<PythonValue>) {
    this.items = items
  }
}

/** A float even when it has no fraction, as `1.0`. A bare number without a fraction is an int. */
export class PythonFloat {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** What a task request or a tag's extras can hold, and what Python would have made of it. */
export type PythonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PythonTuple
  | PythonFloat
  | ReadonlyArray<PythonValue>
  | { readonly [key: string]: PythonValue }

/** The Python literal for a value. Members of a dict keep their order. */
export const pythonRepr = (value: PythonValue): string => {
  if (value === null) return "None"
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value === "string") return stringRepr(value)
  if (typeof value === "bigint") return value.toString()
  if (typeof value === "number") return Number.isInteger(value) ? BigInt(value).toString() : floatRepr(value)
  if (value instanceof PythonFloat) return floatRepr(value.value)
  if (value instanceof Uint8Array) return bytesRepr(value)
  if (value instanceof PythonTuple) {
    const items = value.items.map(pythonRepr)
    return items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`
  }
  if (isList(value)) return `[${value.map(pythonRepr).join(", ")}]`
  return `{${Object.entries(value)
    .map(([key, member]) => `${stringRepr(key)}: ${pythonRepr(member)}`)
    .join(", ")}}`
}

/** `str()` of a value: a string is itself, everything else is its literal (tasks.md 16: `True`, `1`). */
export const pythonStr = (value: PythonValue): string => (typeof value === "string" ? value : pythonRepr(value))

/** Whether Python takes the value for true: `bool()`. */
export const pythonTruth = (value: PythonValue | undefined): boolean => {
  if (value === undefined || value === null) return false
  if (typeof value === "boolean") return value
  if (typeof value === "number") return value !== 0
  if (typeof value === "bigint") return value !== 0n
  if (typeof value === "string" || value instanceof Uint8Array) return value.length > 0
  if (value instanceof PythonFloat) return value.value !== 0
  if (value instanceof PythonTuple) return value.items.length > 0
  if (isList(value)) return value.length > 0
  return Object.keys(value).length > 0
}

/** Whether the value is a dict: what Koji calls a struct. */
export const isPythonDict = (value: PythonValue): value is { readonly [key: string]: PythonValue } =>
  typeof value === "object" &&
  value !== null &&
  !isList(value) &&
  !(value instanceof Uint8Array || value instanceof PythonTuple || value instanceof PythonFloat)

const isList = (value: PythonValue): value is ReadonlyArray<PythonValue> => Array.isArray(value)

const escapes: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t"
}
/** What `str.isprintable()` says no to: controls, formats, surrogates, private and unassigned, separators but space. */
const unprintable = /[\p{C}\p{Z}]/u

const stringRepr = (text: string): string => {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  let literal = quote
  for (const character of text) {
    const escaped = escapes[character]
    if (escaped !== undefined) literal += escaped
    else if (character === quote) literal += `\\${quote}`
    else if (character !== " " && unprintable.test(character)) literal += numericEscape(character.codePointAt(0) ?? 0)
    else literal += character
  }
  return literal + quote
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

const numericEscape = (point: number): string => {
  if (point <= 0xff) return `\\x${hex(point, 2)}`
  return point <= 0xffff ? `\\u${hex(point, 4)}` : `\\U${hex(point, 8)}`
}

const bytesRepr = (bytes: Uint8Array): string => {
  const quote = bytes.includes(0x27) && !bytes.includes(0x22) ? '"' : "'"
  let literal = `b${quote}`
  for (const byte of bytes) {
    const character = String.fromCharCode(byte)
    const escaped = escapes[character]
    if (escaped !== undefined) literal += escaped
    else if (character === quote) literal += `\\${quote}`
    else literal += byte < 0x20 || byte > 0x7e ? `\\x${hex(byte, 2)}` : character
  }
  return literal + quote
}

/** The shortest digits that read back as the same double, in Python's layout. */
const floatRepr = (value: number): string => {
  if (Number.isNaN(value)) return "nan"
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf"
  if (Object.is(value, -0)) return "-0.0"
  const [mantissa = "0", power = "0"] = value.toExponential().split("e")
  const exponent = Number.parseInt(power, 10)
  if (exponent < -4 || exponent >= 16) {
    return `${mantissa}e${exponent < 0 ? "-" : "+"}${Math.abs(exponent).toString().padStart(2, "0")}`
  }
  const sign = mantissa.startsWith("-") ? "-" : ""
  const digits = mantissa.replace(/[-.]/g, "")
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0")
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`
}
