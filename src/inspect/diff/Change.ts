/** One thing that is so in one build and otherwise in the other. */
import type { Schema } from "effect"
import { canonical } from "../../journal/Canonical.ts"
import { type LineChange, lineDiff } from "./LineDiff.ts"

export const sections = [
  "result",
  "steps",
  "request",
  "source",
  "packages",
  "images",
  "configuration",
  "macros",
  "environment",
  "commands",
  "limits"
] as const
export type Section = (typeof sections)[number]

/** Something that is so in one and otherwise in the other; null where it is not there at all. */
export interface Change {
  readonly section: Section
  readonly what: string
  readonly a: string | null
  readonly b: string | null
  /** For long texts: the lines that only one of them has. */
  readonly lines?: ReadonlyArray<LineChange>
}

type Named = readonly [what: string, a: string | null, b: string | null]

/** What differs of some things that have names. */
export const compared = (section: Section, pairs: ReadonlyArray<Named>): ReadonlyArray<Change> =>
  pairs.flatMap(([what, a, b]) => (a === b ? [] : [{ section, what, a, b }]))

export const shown = (value: Schema.Json): string => (typeof value === "string" ? value : canonical(value))

export type Members = { readonly [name: string]: Schema.Json }

/** The same of the members of two values. */
export const valueChanges = (section: Section, a: Members, b: Members, prefix = ""): ReadonlyArray<Change> =>
  compared(
    section,
    namesOf(a, b).map((name) => [prefix + name, memberText(a, name), memberText(b, name)])
  )

export const namesOf = (a: Members, b: Members): ReadonlyArray<string> => [
  ...new Set([...Object.keys(a), ...Object.keys(b)])
]

export const memberText = (members: Members, name: string): string | null => {
  const value = Object.hasOwn(members, name) ? members[name] : undefined
  return value === undefined ? null : shown(value)
}

/** The same of a text that may have many lines. */
export const textChange = (
  section: Section,
  what: string,
  a: string | null,
  b: string | null
): ReadonlyArray<Change> => {
  if (a === b) return []
  if (a === null || b === null || !(a.includes("\n") || b.includes("\n"))) return [{ section, what, a, b }]
  const lines = lineDiff(a, b)
  return [{ section, what, a, b, ...(lines === undefined ? {} : { lines }) }]
}
