/**
 * The signatures of the hub's methods, written as Python writes them, and calls bound to them as Python binds a call.
 *
 * A client learns from the fault's text what is wrong with its arguments, and some probe for features that way
 * (daemon.md 1.5), so the texts are Python's: `HostExports.openTask() missing 1 required positional argument:
 * 'task_id'`. Methods of Koji's `...Exports` classes count `self` among their arguments, functions do not.
 */
import { Result } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { type KojiFault, parameterError } from "../koji/Fault.ts"

export interface Signature {
  /** As the text of a fault names it. */
  readonly name: string
  readonly required: ReadonlyArray<string>
  readonly optional: ReadonlyMap<string, Value>
  /** The name that collects further positional arguments, and the one for further keywords. */
  readonly rest: string | undefined
  readonly keywords: string | undefined
  /** As written, without the name. */
  readonly text: string
}

const literals: ReadonlyMap<string, Value> = new Map<string, Value>([
  ["None", null],
  ["True", true],
  ["False", false],
  ["''", ""]
])

const literal = (text: string): Value => {
  const known = literals.get(text)
  if (known !== undefined) return known
  const quoted = /^'(\w*)'$/.exec(text)
  return quoted?.[1] ?? Number(text)
}

/** Reads `HostExports.updateHost(task_load, ready, data=None)`. */
export const signature = (text: string): Signature => {
  const [, name = text, inside = ""] = /^([\w.]+)\((.*)\)$/.exec(text) ?? []
  const parameters = inside.split(", ").filter((parameter) => parameter !== "")
  const plain = parameters.filter((parameter) => !parameter.startsWith("*"))
  const optional = new Map<string, Value>()
  for (const parameter of plain) {
    const [key = "", value] = parameter.split("=")
    if (value !== undefined) optional.set(key, literal(value))
  }
  return {
    name,
    required: plain.filter((parameter) => !parameter.includes("=")),
    optional,
    rest: parameters.find((parameter) => /^\*\w/.test(parameter))?.slice(1),
    keywords: parameters.find((parameter) => parameter.startsWith("**"))?.slice(2),
    text: inside
  }
}

/** The arguments by name. Fails with ParameterError (1019) and Python's text when they do not fit. */
export const bind = (
  { name, required, optional, rest, keywords: others }: Signature,
  positional: ReadonlyArray<Value>,
  keywords: Struct
): Result.Result<Struct, KojiFault> => {
  const misfit = (problem: string) => Result.fail(parameterError(`${name}() ${problem}`))
  const names = [...required, ...optional.keys()]
  const bound = new Map<string, Value>()
  const further = new Map<string, Value>()
  for (const [at, value] of positional.entries()) {
    const key = names[at]
    if (key !== undefined) bound.set(key, value)
  }
  for (const [key, value] of Object.entries(keywords)) {
    if (bound.has(key)) return misfit(`got multiple values for argument '${key}'`)
    if (names.includes(key)) bound.set(key, value)
    else if (others === undefined) return misfit(`got an unexpected keyword argument '${key}'`)
    else further.set(key, value)
  }
  if (positional.length > names.length && rest === undefined) {
    const self = name.includes(".") ? 1 : 0
    const most = names.length + self
    const range = optional.size > 0 ? `from ${required.length + self} to ${most}` : `${most}`
    const given = positional.length + self
    const plural = optional.size > 0 || most !== 1 ? "s" : ""
    return misfit(`takes ${range} positional argument${plural} but ${given} ${given === 1 ? "was" : "were"} given`)
  }
  const missing = required.filter((key) => !bound.has(key))
  if (missing.length > 0) {
    const plural = missing.length === 1 ? "" : "s"
    return misfit(`missing ${missing.length} required positional argument${plural}: ${inWords(missing)}`)
  }
  for (const [key, value] of optional) if (!bound.has(key)) bound.set(key, value)
  if (rest !== undefined) bound.set(rest, positional.slice(names.length))
  if (others !== undefined) bound.set(others, Object.fromEntries(further))
  return Result.succeed(Object.fromEntries(bound))
}

/** `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`. */
const inWords = (names: ReadonlyArray<string>): string => {
  const quoted = names.map((name) => `'${name}'`)
  const last = quoted.pop() ?? ""
  if (quoted.length === 0) return last
  return quoted.length === 1 ? `${quoted[0]} and ${last}` : `${quoted.join(", ")}, and ${last}`
}
