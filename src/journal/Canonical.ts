/** One text for one value: what is hashed when two JSON values are compared by digest. */

import { createHash } from "node:crypto"
import type { Schema } from "effect"

/** JSON without white space, members sorted by name, so that equal values have equal texts. */
export const canonical = (value: Schema.Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (value !== null && typeof value === "object") {
    const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`
  }
  return JSON.stringify(value)
}

/** 128 bits of the SHA-256 of the canonical text, in hex: enough to tell values apart, short enough to read. */
export const digestOf = (value: Schema.Json): string =>
  createHash("sha256").update(canonical(value)).digest("hex").slice(0, 32)

/** The same, of bytes. */
export const digestOfBytes = (bytes: Uint8Array): string =>
  createHash("sha256").update(bytes).digest("hex").slice(0, 32)
