/**
 * Noarch packages that several arches have built: one is kept, and the others must be like it (tasks.md 3.9).
 */
import { posix } from "node:path"
import { Effect, Result, Schema } from "effect"
import { buildError, otherError } from "../koji/Fault.ts"
import { noarchContent } from "../koji/RpmDiff.ts"
import type { RpmHeader } from "../koji/RpmHeader.ts"
import { rpmTag } from "../koji/RpmTag.ts"
import { readHeader } from "./Files.ts"

const Content = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Json))
const readContent = Schema.decodeUnknownSync(Content)

/** The paths below `work`, each noarch package once. Fails with BuildError (1005) when two of a name differ. */
export const withoutTwins = Effect.fnUntraced(function* (work: string, paths: ReadonlyArray<string>) {
  const firsts = new Map<string, string>()
  const kept: Array<string> = []
  for (const path of paths) {
    const name = posix.basename(path)
    const first = name.endsWith(".noarch.rpm") ? firsts.get(name) : undefined
    if (first === undefined) {
      firsts.set(name, path)
      kept.push(path)
      continue
    }
    const differences = yield* compare(yield* readHeader(`${work}/${first}`), yield* readHeader(`${work}/${path}`))
    if (differences.length > 0) {
      return yield* buildError(
        `The following noarch package built differently on different architectures: ${name}\n` +
          `rpmdiff output was:\n${differences.join("\n")}`
      )
    }
  }
  return kept
})

/** What differs, one line each: a tag, a kind of dependency, a file. */
const compare = Effect.fnUntraced(function* (one: RpmHeader, other: RpmHeader) {
  const contents = Result.all([noarchContent(one), noarchContent(other)])
  if (Result.isFailure(contents)) return yield* otherError(contents.failure.message)
  const [left, right] = contents.success
  if (left === right) return []
  const before = readContent(left)
  const after = readContent(right)
  return Object.keys(before).flatMap((key) =>
    key === "files" || key === "tags"
      ? differingMembers(before[key] ?? null, after[key] ?? null)
      : JSON.stringify(before[key]) === JSON.stringify(after[key])
        ? []
        : [`changed ${key}`]
  )
})

/** A header tag by its name; the content has its number. */
const tagName = (key: string): string =>
  Object.entries(rpmTag)
    .find(([, number]) => `${number}` === key)?.[0]
    .toUpperCase() ?? key

const differingMembers = (before: Schema.Json, after: Schema.Json): ReadonlyArray<string> => {
  const left = new Map(typeof before === "object" && before !== null ? Object.entries(before) : [])
  const right = new Map(typeof after === "object" && after !== null ? Object.entries(after) : [])
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((name) => {
    if (!right.has(name)) return [`removed ${name}`]
    if (!left.has(name)) return [`added ${name}`]
    return JSON.stringify(left.get(name)) === JSON.stringify(right.get(name)) ? [] : [`changed ${tagName(name)}`]
  })
}
