/**
 * The one structure that an RPM's signature and its header share: an index of tagged, typed entries, and a store of
 * bytes they point into (rpm's `header.c`; all numbers big-endian and unsigned).
 *
 * Every number in it was written by somebody else. Nothing is read without a bounds check, nothing is allocated by a
 * count before that count is known to fit into bytes that are there, and what does not fit is an error that says
 * where. The store is not copied: entries are read when they are asked for.
 */
import { Result, Schema } from "effect"
import { decodeSurrogateEscape } from "./Utf8.ts"

/** Why these bytes are no RPM header, and at which byte of the file it shows. */
export class RpmHeaderError extends Schema.TaggedError<RpmHeaderError>()("RpmHeaderError", {
  /** not-rpm: something else. cut-short: more bytes are needed. too-large: beyond a limit of ours. damaged: contradicts itself. */
  reason: Schema.Literals(["not-rpm", "cut-short", "too-large", "damaged"]),
  offset: Schema.Int,
  message: Schema.String
}) {}

type Checked<A> = Result.Result<A, RpmHeaderError>

const failure = (reason: RpmHeaderError["reason"], offset: number, message: string): Checked<never> =>
  Result.fail(new RpmHeaderError({ reason, offset, message: `${message} (byte ${offset})` }))

/** rpm's own limit of entries. */
export const indexEntriesMax = 65_535
/** A quarter of what rpm allows, and far above the largest header seen (some 30 MB, per-file signatures included). */
export const storeBytesMax = 64 * 1024 * 1024
/** Items of one tag. The largest packages list some hundred thousand files; an item may take no more than one byte. */
export const itemsMax = 1_000_000

/** Magic, reserved, number of entries, size of the store. */
export const introBytes = 16
const entryBytes = 16
const magic = [0x8e, 0xad, 0xe8, 0x01]

const stringTypes = [6, 8, 9]

interface Entry {
  readonly type: number
  readonly offset: number
  readonly count: number
}

export interface RpmEntries {
  /** Where this structure stands in the file, and where it ends. */
  readonly start: number
  readonly end: number
  readonly index: ReadonlyMap<number, Entry>
  readonly storeStart: number
  readonly store: Uint8Array
}

/** Where the structure that starts at `start` ends, by its first 16 bytes. */
export const entriesEnd = (bytes: Uint8Array, start: number): Checked<number> => {
  if (start + introBytes > bytes.length) return cutShort(bytes, start + introBytes)
  if (magic.some((byte, at) => bytes[start + at] !== byte)) {
    return failure("damaged", start, "no header where one must begin")
  }
  const view = viewOf(bytes)
  const entries = view.getUint32(start + 8)
  const store = view.getUint32(start + 12)
  if (entries > indexEntriesMax) {
    return failure("too-large", start + 8, `${entries} header entries, at most ${indexEntriesMax}`)
  }
  if (store > storeBytesMax) return failure("too-large", start + 12, `${store} header bytes, at most ${storeBytesMax}`)
  return Result.succeed(start + introBytes + entries * entryBytes + store)
}

/** Bytes an element of each type takes: null, char, int8, int16, int32, int64, string, bytes, strings, translated. */
const elementBytes = [0, 1, 1, 2, 4, 8, 1, 1, 1, 1]

/**
 * Reads the index of the structure at `start` and checks that every entry points into the store, and that all of them
 * together take no more than is there: in rpm's own headers no two share a byte, and what is made of an entry, however
 * many there are, stays in proportion to the file.
 */
export const parseEntries = (bytes: Uint8Array, start: number): Checked<RpmEntries> =>
  Result.gen(function* () {
    const end = yield* entriesEnd(bytes, start)
    if (end > bytes.length) return yield* cutShort(bytes, end)
    const view = viewOf(bytes)
    const entries = view.getUint32(start + 8)
    const storeStart = start + introBytes + entries * entryBytes
    const store = bytes.subarray(storeStart, end)
    const index = new Map<number, Entry>()
    let taken = 0
    for (let at = start + introBytes; at < storeStart; at += entryBytes) {
      const tag = view.getUint32(at)
      const entry = { type: view.getUint32(at + 4), offset: view.getUint32(at + 8), count: view.getUint32(at + 12) }
      const size = elementBytes[entry.type]
      if (size === undefined) return yield* failure("damaged", at + 4, `tag ${tag} has no known type: ${entry.type}`)
      if (entry.offset + entry.count * size > store.length) {
        return yield* failure("damaged", at + 8, `tag ${tag} points outside of the header`)
      }
      if (index.has(tag)) continue
      index.set(tag, entry)
      taken += stringTypes.includes(entry.type) ? stringBytes(store, entry, store.length - taken) : entry.count * size
      if (taken > store.length) return yield* failure("damaged", at + 8, `tag ${tag} shares bytes with other tags`)
    }
    return { start, end, index, storeStart, store }
  })

/** How many bytes these strings take; looked for no further than `most` bytes, and more than that when there are more. */
const stringBytes = (store: Uint8Array, { offset, count }: Entry, most: number): number => {
  let end = offset
  for (let read = 0; read < count && end - offset <= most; read++) {
    const next = store.indexOf(0, end)
    end = next === -1 ? store.length : next + 1
  }
  return end - offset
}

/** The numbers of a tag; undefined when it is absent. `bits` is the width the tag must have. */
export const readNumbers = (
  entries: RpmEntries,
  tag: number,
  bits: 16 | 32 | 64
): Checked<ReadonlyArray<number> | undefined> =>
  Result.gen(function* () {
    const entry = entries.index.get(tag)
    if (entry === undefined) return undefined
    const size = bits / 8
    if (elementBytes[entry.type] !== size || entry.type > 5) return yield* wrongType(entries, entry, tag)
    if (entry.count > itemsMax) return yield* tooMany(entries, entry, tag)
    const view = viewOf(entries.store)
    const numbers: Array<number> = []
    for (let at = entry.offset; at < entry.offset + entry.count * size; at += size) {
      const number = size === 2 ? view.getUint16(at) : size === 4 ? view.getUint32(at) : Number(view.getBigUint64(at))
      if (!Number.isSafeInteger(number)) {
        return yield* failure("too-large", entries.storeStart + at, `tag ${tag} holds a number beyond 2^53`)
      }
      numbers.push(number)
    }
    return numbers
  })

/** The strings of a tag; undefined when it is absent. A plain string is a list of one. */
export const readStrings = (entries: RpmEntries, tag: number): Checked<ReadonlyArray<string> | undefined> =>
  Result.gen(function* () {
    const entry = entries.index.get(tag)
    if (entry === undefined) return undefined
    if (!stringTypes.includes(entry.type)) return yield* wrongType(entries, entry, tag)
    if (entry.count > itemsMax) return yield* tooMany(entries, entry, tag)
    const strings: Array<string> = []
    let at = entry.offset
    for (let read = 0; read < entry.count; read++) {
      const end = entries.store.indexOf(0, at)
      if (end === -1) return yield* failure("damaged", entries.storeStart + at, `a string of tag ${tag} has no end`)
      strings.push(decodeSurrogateEscape(entries.store.subarray(at, end)))
      at = end + 1
    }
    return strings
  })

/** The bytes of a tag; undefined when it is absent. */
export const readBytes = (entries: RpmEntries, tag: number): Checked<Uint8Array | undefined> => {
  const entry = entries.index.get(tag)
  if (entry === undefined) return Result.succeed(undefined)
  if (entry.type !== 7) return wrongType(entries, entry, tag)
  return Result.succeed(entries.store.subarray(entry.offset, entry.offset + entry.count))
}

/** What a tag holds, whatever its type, each item as a text: a number in digits, a string, bytes in hex. */
export const readTexts = (entries: RpmEntries, tag: number): Checked<ReadonlyArray<string>> => {
  const type = entries.index.get(tag)?.type
  const numbers = (bits: 16 | 32 | 64) =>
    Result.map(readNumbers(entries, tag, bits), (found) => (found ?? []).map((number) => String(number)))
  switch (type) {
    case undefined:
      return Result.succeed([])
    case 3:
      return numbers(16)
    case 4:
      return numbers(32)
    case 5:
      return numbers(64)
    case 6:
    case 8:
    case 9:
      return Result.map(readStrings(entries, tag), (found) => found ?? [])
    default: {
      const { offset = 0, count = 0 } = entries.index.get(tag) ?? {}
      return Result.succeed([hex(entries.store.subarray(offset, offset + count))])
    }
  }
}

/** Bytes in hex: this file knows nothing of Node's buffers. */
const hex = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0")
  return text
}

const wrongType = (entries: RpmEntries, entry: Entry, tag: number): Checked<never> =>
  failure("damaged", entries.storeStart + entry.offset, `tag ${tag} has the wrong type: ${entry.type}`)

const tooMany = (entries: RpmEntries, entry: Entry, tag: number): Checked<never> =>
  failure("too-large", entries.storeStart + entry.offset, `tag ${tag} has ${entry.count} items, at most ${itemsMax}`)

/** The file ends, or was read, before the byte that is needed. */
export const cutShort = (bytes: Uint8Array, needed: number): Checked<never> =>
  failure("cut-short", bytes.length, `cut short, ${needed} bytes are needed`)

/** Bytes that are no RPM at all. */
export const notAnRpm: Checked<never> = failure("not-rpm", 0, "not an RPM file")

/** A contradiction inside the header, at its start. */
export const damaged = (entries: RpmEntries, message: string): Checked<never> =>
  failure("damaged", entries.start, message)

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
