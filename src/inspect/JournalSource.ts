/** Where a journal's bytes come from: a file of this machine, or whatever else can be read from beginning to end. */
import { Schema, Stream } from "effect"
import { readChunks } from "./Files.ts"

/** There is nothing to read: why, in words for the one who asked. */
export class JournalUnreadable extends Schema.TaggedError<JournalUnreadable>()("JournalUnreadable", {
  file: Schema.String,
  reason: Schema.Literals([
    "missing",
    "unreadable",
    "not-a-file",
    "empty",
    "too-large",
    "not-a-journal",
    "newer",
    "unreachable"
  ]),
  message: Schema.String
}) {}

export interface JournalSource {
  /** The file's path or the address, as the reader is told of it. */
  readonly name: string
  readonly bytes: Stream.Stream<Uint8Array, JournalUnreadable>
}

/**
 * No journal that is read from a file is larger. The daemon stops writing long before (`streamBytesMax`), so this is for
 * files that somebody has put together; they are read piece by piece.
 */
export const journalBytesMax = 64 * 1024 ** 3

export const fileSource = (path: string): JournalSource => ({
  name: path,
  bytes: readChunks(path, journalBytesMax).pipe(
    Stream.mapError(({ reason, message }) => new JournalUnreadable({ file: path, reason, message }))
  )
})
