/**
 * What a builder need not keep for ever: the journals of attempts that ended long ago, and the large values that only
 * they could refer to.
 *
 * A value carries no list of who refers to it. But whoever refers to one has put it (again) at that time, which makes
 * its file young. So a value that nobody has put for as long as an attempt may take, and as long as journals are kept
 * besides, is referred to by no journal that is kept.
 */
import { join } from "node:path"
import { Effect, Predicate, Result } from "effect"
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import type { Disk, DiskError } from "./Disk.ts"
import { parseLine, type StoredEvent } from "./Line.ts"
import type { Place } from "./StreamFile.ts"
import { streamOfFile } from "./StreamName.ts"

/** A stream whose last line is longer has not ended: the last event of an attempt is short. */
const lastLineBytesMax = 16 * 1024

/** No attempt takes longer. */
const attemptMillisMax = 31 * 24 * 3600 * 1000

/** Enough for most: a start reads this of every journal there is. */
const lastLineBytesUsual = 2 * 1024

/** The last whole line of a file, as it stands. */
export const lastLine = (disk: Disk["Service"], path: string) =>
  Effect.flatMap(disk.readEnd(path, lastLineBytesUsual), (end) => {
    const line = lastLineOf(end)
    // One that begins before these bytes does not look like a line.
    return line !== undefined || end.length < lastLineBytesUsual
      ? Effect.succeed(line)
      : Effect.map(disk.readEnd(path, lastLineBytesMax), lastLineOf)
  })

const lastLineOf = (end: Uint8Array): StoredEvent | undefined => {
  const to = Math.max(0, end.lastIndexOf(lineBreak))
  const line = end.subarray(end.subarray(0, to).lastIndexOf(lineBreak) + 1, to)
  return Result.getOrUndefined(parseLine(text.decode(line)))
}
const lineBreak = 0x0a
const text = new TextDecoder("utf-8", { ignoreBOM: true })

/** Whether this is the last event of an attempt. */
export const endsAttempt = (last: StoredEvent | undefined): boolean =>
  Predicate.isTagged(last?.event, "Concluded" satisfies AttemptEvent["_tag"])

/** Whether a file holds no whole line at all: a process was killed between making it and its first sync. */
const isUnbegun = (disk: Disk["Service"], path: string, bytes: number) =>
  bytes > lastLineBytesMax
    ? Effect.succeed(false)
    : Effect.map(disk.readEnd(path, lastLineBytesMax), (all) => !all.includes(lineBreak))

/** See `JournalStore.forget`. */
export const forget = Effect.fnUntraced(function* ({ disk, directory }: Place, before: number) {
  const failed: Array<DiskError> = []
  /** What the disk does not show, or does not let go of, is left for the next time, and keeps nothing else. */
  const orLater = <A>(otherwise: A, use: Effect.Effect<A, DiskError>): Effect.Effect<A> =>
    Effect.catch(use, (error) =>
      Effect.sync(() => {
        failed.push(error)
        return otherwise
      })
    )
  const namesIn = (path: string) =>
    orLater<ReadonlyArray<string>>(
      [],
      Effect.flatMap(disk.stat(path), (found) => (found === undefined ? Effect.succeed([]) : disk.list(path)))
    )

  const forgetAttempt = Effect.fnUntraced(function* (path: string) {
    const last = yield* lastLine(disk, path)
    if (last === undefined) {
      const found = yield* disk.stat(path)
      if (found?.kind !== "file" || found.modifiedAt >= before || !(yield* isUnbegun(disk, path, found.bytes))) return 0
    } else if (!endsAttempt(last) || last.at >= before) return 0
    yield* disk.remove(path)
    return 1
  })

  const forgetTask = Effect.fnUntraced(function* (task: string) {
    const attempts = join(directory, "tasks", task)
    let forgotten = 0
    for (const name of yield* namesIn(attempts)) {
      if (streamOfFile(`tasks/${task}/${name}`) === undefined) continue
      forgotten += yield* orLater(0, forgetAttempt(join(attempts, name)))
    }
    if (forgotten > 0) yield* orLater(undefined, disk.remove(attempts))
    return forgotten
  })

  const forgetValue = Effect.fnUntraced(function* (path: string) {
    const found = yield* disk.stat(path)
    if (found?.kind !== "file" || found.modifiedAt >= before - attemptMillisMax) return 0
    yield* disk.remove(path)
    return 1
  })

  let attempts = 0
  for (const task of yield* namesIn(join(directory, "tasks"))) attempts += yield* forgetTask(task)
  const blobs = join(directory, "blobs")
  let values = 0
  for (const name of yield* namesIn(blobs)) values += yield* orLater(0, forgetValue(join(blobs, name)))
  const [first] = failed
  if (first !== undefined) {
    const { path, operation, code, message } = first
    yield* Effect.logWarning(
      `what is old is forgotten but for ${failed.length} that the disk kept, the first ${path}: ${operation} failed (${code}): ${message}`
    )
  }
  return { attempts, values }
})
