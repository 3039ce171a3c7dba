/**
 * JSON as Python's `json.dumps(..., sort_keys=True)` writes it: ASCII only, members sorted by code point. Koji hashes
 * that text, and both kinds of builder must come to the same hash.
 */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [name: string]: Json }

/** On one line, with Python's separators `", "` and `": "`. Numbers are integers. */
export const pythonJson = (value: Json): string => {
  if (value === null || typeof value === "boolean" || typeof value === "number") return `${value}`
  if (typeof value === "string") return stringJson(value)
  if (isList(value)) return `[${value.map(pythonJson).join(", ")}]`
  return `{${sortedMembers(value)
    .map(([name, member]) => `${stringJson(name)}: ${pythonJson(member)}`)
    .join(", ")}}`
}

/** Over several lines, indented by two blanks: `indent=2`. */
export const pythonJsonIndented = (value: Json, indent = ""): string => {
  if (typeof value !== "object" || value === null) return pythonJson(value)
  const deeper = `${indent}  `
  const inside = isList(value)
    ? value.map((member) => pythonJsonIndented(member, deeper))
    : sortedMembers(value).map(([name, member]) => `${stringJson(name)}: ${pythonJsonIndented(member, deeper)}`)
  const [open, close] = isList(value) ? "[]" : "{}"
  return inside.length === 0 ? `${open}${close}` : `${open}\n${deeper}${inside.join(`,\n${deeper}`)}\n${indent}${close}`
}

const isList = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)

const sortedMembers = (value: { readonly [name: string]: Json }): ReadonlyArray<readonly [string, Json]> =>
  Object.entries(value).sort(([a], [b]) => compareCodePoints(a, b))

/** Python's order of strings. JavaScript compares UTF-16 units, which puts U+FFFD after an emoji. */
export const compareCodePoints = (a: string, b: string): number => {
  const left = a[Symbol.iterator]()
  const right = b[Symbol.iterator]()
  for (;;) {
    const one = left.next()
    const other = right.next()
    if (one.done === true || other.done === true) return Number(other.done ?? false) - Number(one.done ?? false)
    const difference = (one.value.codePointAt(0) ?? 0) - (other.value.codePointAt(0) ?? 0)
    if (difference !== 0) return difference
  }
}

const stringJson = (text: string): string =>
  JSON.stringify(text).replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
