/**
 * The one question that Docker's API cannot answer about a log, asked of its file: whether the last line of a stream,
 * being longer than 16 KiB, ended with a line break (LineMender).
 *
 * The file (`local-logs/container.log` of the `local` driver) is a row of records, each a protobuf message between two
 * copies of its length, so that it can be walked backwards: `LogEntry { 1: source, 3: line, 5: { 1: last } }`.
 */

import { type FileHandle, open } from "node:fs/promises"
import { Effect } from "effect"

const sizeBytes = 4
/** How many records of the other stream are walked over. */
const recordsMax = 10_000
const recordBytesMax = 1024 * 1024

/** Whether the last record of the stream says that its line ended. Undefined when the file cannot be read. */
export const lastLineEnded = (path: string, from: "stdout" | "stderr"): Effect.Effect<boolean | undefined> =>
  Effect.promise(async () => {
    const file = await open(path).catch(() => undefined)
    if (file === undefined) return undefined
    try {
      return await walk(file, from)
    } catch {
      return undefined
    } finally {
      await file.close()
    }
  })

const walk = async (file: FileHandle, from: string): Promise<boolean | undefined> => {
  let end = (await file.stat()).size
  for (let record = 0; record < recordsMax && end > 2 * sizeBytes; record++) {
    const length = (await read(file, end - sizeBytes, sizeBytes)).readUInt32BE()
    const start = end - sizeBytes - length
    if (length > recordBytesMax || start < sizeBytes) return undefined
    const entry = fields(await read(file, start, length))
    if (text(entry.get(1)) === from) {
      const part = entry.get(5)
      return part instanceof Uint8Array ? fields(part).get(1) === 1 : true
    }
    end = start - sizeBytes
  }
  return undefined
}

const read = async (file: FileHandle, position: number, length: number): Promise<Buffer> => {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead < length) throw new Error("the file ends early")
  return buffer
}

const text = (value: number | Uint8Array | undefined): string | undefined =>
  value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : undefined

/** A message's fields by number: varints and length-delimited ones, which is all that a log entry has. */
const fields = (message: Uint8Array): ReadonlyMap<number, number | Uint8Array> => {
  const found = new Map<number, number | Uint8Array>()
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) return value
    }
    throw new Error("not a number")
  }
  while (at < message.length) {
    const key = varint()
    const kind = key & 7
    if (kind === 0) found.set(key >> 3, varint())
    else if (kind === 2) {
      const length = varint()
      found.set(key >> 3, message.subarray(at, at + length))
      at += length
    } else throw new Error(`a field of kind ${kind}`)
  }
  return found
}
