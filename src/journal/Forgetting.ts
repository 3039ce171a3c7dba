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
import type { Disk } from "./Disk.ts"
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

/** See `JournalStore.forget`. */
export const forget = ({ disk, directory, poison }: Place, before: number) => {
  const namesIn = (path: string) =>
    Effect.flatMap(disk.stat(path), (found) => (found === undefined ? Effect.succeed([]) : disk.list(path)))

  const forgetTask = Effect.fnUntraced(function* (task: string) {
    const attempts = join(directory, "tasks", task)
    let forgotten = 0
    for (const name of yield* namesIn(attempts)) {
      if (streamOfFile(`tasks/${task}/${name}`) === undefined) continue
      const last = yield* lastLine(disk, join(attempts, name))
      if (last === undefined || !endsAttempt(last) || last.at >= before) continue
      yield* disk.remove(join(attempts, name))
      forgotten++
    }
    if (forgotten > 0) yield* disk.remove(attempts)
    return forgotten
  })

  const forgetValues = Effect.gen(function* () {
    const blobs = join(directory, "blobs")
    let values = 0
    for (const name of yield* namesIn(blobs)) {
      const found = yield* disk.stat(join(blobs, name))
      if (found?.kind !== "file" || found.modifiedAt >= before - attemptMillisMax) continue
      yield* disk.remove(join(blobs, name))
      values++
    }
    return values
  })

  const all = Effect.gen(function* () {
    let attempts = 0
    for (const task of yield* namesIn(join(directory, "tasks"))) attempts += yield* forgetTask(task)
    return { attempts, values: yield* forgetValues }
  })
  return poison.guard(all)
}
