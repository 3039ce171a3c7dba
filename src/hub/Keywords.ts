/**
 * Keyword arguments: one more positional argument, a struct marked with `__starstar` (daemon.md 1.5).
 */
import type { Struct, Value } from "./Value.ts"

const marker = "__starstar"

/** The parameters with the keywords folded in; without keywords nothing is added. */
export const withKeywords = (params: ReadonlyArray<Value>, keywords?: Struct): ReadonlyArray<Value> =>
  keywords === undefined || Object.keys(keywords).length === 0 ? params : [...params, { ...keywords, [marker]: true }]

export const isStruct = (value: Value | undefined): value is Struct =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** The reverse: a last struct with a true marker holds keywords, anything else is an ordinary argument. */
export const splitKeywords = (
  params: ReadonlyArray<Value>
): { readonly positional: ReadonlyArray<Value>; readonly keywords: Struct } => {
  const last = params.at(-1)
  if (!isStruct(last) || !last[marker]) return { positional: params, keywords: {} }
  const { [marker]: _, ...keywords } = last
  return { positional: params.slice(0, -1), keywords }
}
