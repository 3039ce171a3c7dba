/**
 * Opening the file of a stream: what a crash left is made whole, and what is then read is made durable, before
 * anyone builds on it.
 */
import { dirname, join } from "node:path"
import { Effect, Result } from "effect"
import type { Disk } from "./Disk.ts"
import { JournalDamaged, JournalUnavailable } from "./JournalError.ts"
import type { JournalStream, TornTail } from "./JournalStore.ts"
import { chainStart, type VerifiedLines, verifyLines } from "./Line.ts"
import type { Poison } from "./Poison.ts"
import { fileOfStream, type StreamName } from "./StreamName.ts"
import { makeStreamWriter, streamBytesMax } from "./StreamWriter.ts"

/** How many unfinished ends of one line are kept before somebody should ask why the machine keeps falling over. */
export const tornKeptMax = 100

/** Where streams and values are kept. */
export interface Place {
  readonly disk: Disk["Service"]
  readonly directory: string
  readonly poison: Poison
  /** Whether the paths on this disk mean anything outside this process. */
  readonly visible: boolean
}

/** What a stream's file holds, verified; nothing is touched. */
export const readStreamFile = Effect.fnUntraced(function* (place: Place, stream: StreamName) {
  return yield* trusted(place, stream, yield* verified(place, stream))
})

const verified = ({ disk, directory, poison }: Place, stream: StreamName) =>
  Effect.map(poison.guard(disk.read(join(directory, fileOfStream(stream)), streamBytesMax)), (bytes) =>
    verifyLines(stream, bytes)
  )

const trusted = ({ directory }: Place, stream: StreamName, verdict: ReturnType<typeof verifyLines>) =>
  Effect.fromResult(
    Result.mapError(verdict, (damage) => {
      const loss = damage.lost === 1 ? "this line is not trusted" : `these ${damage.lost} last lines are not trusted`
      const message = `${damage.message} (${damage.reason}); ${loss}, nothing was deleted`
      return new JournalDamaged({ file: join(directory, fileOfStream(stream)), line: damage.line, message })
    })
  )

/** Opens a stream's file for appending, made if it is not there; it is synced and closed with the scope. */
export const openStreamFile = Effect.fnUntraced(function* (place: Place, stream: StreamName) {
  const { disk, directory, poison, visible } = place
  const path = join(directory, fileOfStream(stream))
  const parents = stream.kind === "attempt" ? [directory, dirname(dirname(path)), dirname(path)] : [directory]
  for (const parent of parents.slice(1)) yield* poison.guard(disk.makeDirectory(parent))

  const wasThere = (yield* poison.guard(disk.stat(path))) !== undefined
  const verdict = wasThere ? yield* verified(place, stream) : Result.succeed(nothing(stream))
  // Nothing is decided by what these hold, so a builder that has gone back to an older version begins them anew. An
  // attempt's is another matter: that is given back.
  const isNewer = stream.kind !== "attempt" && Result.isFailure(verdict) && verdict.failure.reason === "version"
  if (isNewer) yield* setAside(place, path, verdict.failure.message)
  const isThere = wasThere && !isNewer
  const found = isNewer ? nothing(stream) : yield* trusted(place, stream, verdict)
  const file = yield* poison.guard(disk.openAppend(path, isThere ? "existing" : "new"))
  let torn: TornTail | null = null
  if (found.torn.length > 0) {
    const keptAt = yield* putAside(place, `${path}.torn-${found.events.length}`, found.torn)
    yield* poison.guard(file.truncate(found.wholeBytes))
    torn = { bytes: found.torn.length, keptAt: visible ? keptAt : null }
  }
  // A process that was killed may have left lines, and names, that only the system's memory knows.
  if (isThere) yield* poison.guard(file.datasync)
  for (const parent of parents) yield* poison.guard(disk.syncDirectory(parent))

  const end = { seq: found.events.length, lastHash: found.lastHash, bytes: found.wholeBytes }
  const writer = makeStreamWriter(file, end, poison)
  // What is left to sync nobody waits for, and if it fails the poison tells.
  yield* Effect.addFinalizer(() => Effect.ignore(writer.close))
  return {
    name: stream,
    path: visible ? path : null,
    existing: found.events,
    torn,
    append: writer.append
  } satisfies JournalStream
})

const nothing = (stream: StreamName): VerifiedLines => ({
  events: [],
  wholeBytes: 0,
  torn: new Uint8Array(0),
  lastHash: chainStart(stream)
})

/** Renames it to a name that is free, of which its directory knows once that is synced. */
const setAside = Effect.fnUntraced(function* ({ disk, poison }: Place, path: string, why: string) {
  for (let turn = 1; turn <= tornKeptMax; turn++) {
    const aside = `${path}.newer-${turn}`
    if ((yield* poison.guard(disk.stat(aside))) !== undefined) continue
    yield* poison.guard(disk.rename(path, aside))
    return yield* Effect.logWarning(`${path} was ${why}: it is kept as ${aside}, and begun anew`)
  }
  const message = `${tornKeptMax} of newer versions are kept already; look at them and move them away`
  return yield* new JournalUnavailable({ path, message })
})

/** Keeps bytes durably under the wanted name or, when that is taken, the next free one, which it returns. */
const putAside = Effect.fnUntraced(function* ({ disk, poison }: Place, wanted: string, bytes: Uint8Array) {
  for (let turn = 1; turn <= tornKeptMax; turn++) {
    const path = turn === 1 ? wanted : `${wanted}.${turn}`
    if ((yield* poison.guard(disk.stat(path))) !== undefined) continue
    yield* poison.guard(writeWhole(disk, path, "new", bytes))
    yield* poison.guard(disk.syncDirectory(dirname(path)))
    return path
  }
  const message = `${tornKeptMax} unfinished ends are kept already; look at them and move them away`
  return yield* new JournalUnavailable({ path: wanted, message })
})

/** Writes a file at once and syncs its contents. */
export const writeWhole = (disk: Disk["Service"], path: string, how: "new" | "emptied", bytes: Uint8Array) =>
  Effect.scoped(
    Effect.gen(function* () {
      const file = yield* disk.openAppend(path, how)
      yield* file.append(bytes)
      yield* file.datasync
    })
  )
