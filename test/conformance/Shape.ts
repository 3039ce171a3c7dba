/**
 * Calls without what differs from one hub to the next: which numbers, whose names, how many of a kind. What is left is
 * what the protocol is made of: methods, places of arguments, names of keywords and members, types, and the words that
 * are part of it (`BUILDING`, `build_rpm`, `srpm`).
 */
import { Result } from "effect"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { decodeAnswer } from "../../src/hub/XmlRpcDecoder.ts"
import { tag } from "../model/HubTemplate.ts"

/** A call as somebody made it. `file` is where an upload went. */
export interface Asked {
  readonly method: string
  readonly params: ReadonlyArray<Value>
  readonly keywords: Struct
  readonly file: string | null
}

/** Words that are names: of builders; and of tags, targets and channels here, where the recorded ones have a hyphen. */
const ownNames: ReadonlySet<string> = new Set([...Object.values(tag), "builder1", "builder2", "default"])
const isWord = (text: string): boolean => /^[A-Za-z][A-Za-z_0-9]*$/.test(text) && !ownNames.has(text)

/** A member whose name is data, such as a file's. */
const anyName = "*"
const memberName = (name: string): string => (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ? name : anyName)

const structShape = (structs: ReadonlyArray<Struct>, shape: (value: Value) => string): string => {
  const shapes = new Map<string, Set<string>>()
  for (const struct of structs) {
    for (const [name, value] of Object.entries(struct)) {
      const known = shapes.get(memberName(name)) ?? new Set()
      shapes.set(memberName(name), known.add(shape(value)))
    }
  }
  const members = [...shapes].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, kinds]) => `${name}: ${[...kinds].sort().join(" or ")}`).join(", ")}}`
}

const textShape = (text: string): string => {
  const document = text.startsWith("<?xml") ? decodeAnswer(text) : undefined
  if (document === undefined || Result.isFailure(document)) return isWord(text) ? `"${text}"` : "text"
  const answer = document.success
  return answer._tag === "Fault" ? `a fault ${answer.code}` : `a document of ${shapeOf(answer.value)}`
}

const isText = (value: Value): value is string => typeof value === "string"

/** Of one of many: its words are data. */
const itemShape = (value: Value): string => (isText(value) ? "text" : shapeOf(value))

/** Many of one kind, or each in its place. */
const listShape = (items: ReadonlyArray<Value>): string => {
  if (items.length === 0) return "[]"
  if (items.every(isStruct)) return `[${structShape(items, itemShape)} …]`
  if (new Set(items.map(itemShape)).size === 1) return `[${itemShape(items[0] ?? null)} …]`
  return `[${items.map(shapeOf).join(", ")}]`
}

export const shapeOf = (value: Value): string => {
  if (value === null) return "nil"
  if (typeof value === "boolean") return String(value)
  if (typeof value === "number" || typeof value === "bigint") return "number"
  if (typeof value === "string") return textShape(value)
  if (value instanceof Uint8Array) return "bytes"
  if (Array.isArray(value)) return listShape(value)
  return isStruct(value) ? structShape([value], shapeOf) : "nothing"
}

/** `host.newBuildRoot(number, "x86_64", task_id: number)`. */
export const callShape = ({ method, params, keywords }: Asked): string => {
  const named = Object.entries(keywords).sort(([a], [b]) => (a < b ? -1 : 1))
  const all = [...params.map(shapeOf), ...named.map(([name, value]) => `${name}: ${shapeOf(value)}`)]
  return `${method}(${all.join(", ")})`
}
