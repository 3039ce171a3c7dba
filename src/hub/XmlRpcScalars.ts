/** The texts of XML-RPC's simple types (daemon.md 1.2), read as Python reads them or not at all. */
import type { Value } from "./Value.ts"

const readers: ReadonlyMap<string, (text: string) => Value | undefined> = new Map<
  string,
  (text: string) => Value | undefined
>([
  ["string", (text) => ownText(text)],
  ["nil", (text) => (/\S/.test(text) ? undefined : null)],
  // Python takes these two and nothing else: no blanks, no words.
  ["boolean", (text) => (text === "1" ? true : text === "0" ? false : undefined)],
  ["double", (text) => double(trimmed(text))],
  ["float", (text) => double(trimmed(text))],
  ["base64", (text) => base64(text)],
  // Koji sends times as strings; whoever gets one of these all the same is told what it says.
  ["dateTime.iso8601", (text) => ownText(text)],
  ...["int", "i1", "i2", "i4", "i8", "biginteger"].map(
    (name) => [name, (text: string) => integer(trimmed(text))] as const
  )
])

export const isScalar = (name: string): boolean => readers.has(name)

/** The value that the text means in the element of that name; undefined when it means none. */
export const scalar = (name: string, text: string): Value | undefined => readers.get(name)?.(text)

/** A piece of a text holds on to the whole of it, unless it is short: so does one name to 64 KiB of a document. */
export const ownText = (text: string): string => (text.length < pieceMin ? text : Buffer.from(text).toString())
/** From this length on V8 makes pieces, and no copies. */
const pieceMin = 13

const trimmed = (text: string): string => text.replace(/^[ \t\n]+|[ \t\n]+$/g, "")

/** Within 2^53 a number, beyond a bigint. Koji's own integers have 64 bits; more digits than these are a mistake. */
const integer = (text: string): Value | undefined => {
  if (!/^[+-]?[0-9]{1,40}$/.test(text)) return undefined
  const number = Number(text)
  if (Number.isSafeInteger(number)) return number === 0 ? 0 : number
  return BigInt(text.startsWith("+") ? text.slice(1) : text)
}

const double = (text: string): number | undefined => {
  if (/^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/.test(text)) return Number(text)
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  const infinite = /^([+-]?)inf(inity)?$/i.exec(text)
  if (infinite === null) return undefined
  return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

const base64 = (text: string): Uint8Array | undefined => {
  const packed = text.replace(/\s+/g, "")
  if (packed.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(packed)) return undefined
  return new Uint8Array(Buffer.from(packed, "base64"))
}
