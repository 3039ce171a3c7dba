/**
 * A JSON value inside an event.
 *
 * It is `Schema.Json` by type. That one keeps a table of every object that it has met, for values with cycles, and the
 * table costs about as much as reading the line did. What a line of a journal can hold has no cycles, and what has one is
 * refused here as being too deep.
 */
import { Predicate, Schema } from "effect"

/** No step's value is nested a tenth as deep. */
const depthMax = 1000

const isJson = (value: unknown, depth: number): value is Schema.Json => {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true
  if (typeof value === "number") return Number.isFinite(value)
  if (depth === depthMax) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isJson(item, depth + 1)) return false
    return true
  }
  if (!Predicate.isObject(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const name in value) if (!isJson(value[name], depth + 1)) return false
  return true
}

export const Json = Schema.declare((value): value is Schema.Json => isJson(value, 0), { expected: "JSON value" })
