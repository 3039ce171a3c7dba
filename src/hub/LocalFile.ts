/**
 * Local files that others may have made: opened once, without following a link and without waiting for a FIFO's other
 * end, and read only when what was opened is a regular file.
 */
import { constants } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { Effect, Schema } from "effect"

/** What is there cannot be read, or is no regular file. */
export class LocalFileError extends Schema.TaggedError<LocalFileError>()("LocalFileError", {
  path: Schema.String,
  missing: Schema.Boolean,
  message: Schema.String
}) {}

export interface LocalFile {
  readonly path: string
  /** When it was opened. */
  readonly bytes: number
  /** At most `length` bytes from `offset` on, fewer where the file ends; in this buffer, if there is one. */
  read(offset: number, length: number, into?: Uint8Array): Effect.Effect<Uint8Array, LocalFileError>
  /** Its size by now. */
  readonly bytesNow: Effect.Effect<number, LocalFileError>
}

/** Opens it for as long as the scope lives. */
export const openLocal = Effect.fnUntraced(function* (path: string) {
  const attempt = <A>(work: () => Promise<A>) =>
    Effect.tryPromise({
      try: work,
      catch: (cause) =>
        new LocalFileError({
          path,
          missing: cause instanceof Error && "code" in cause && cause.code === "ENOENT",
          message: cause instanceof Error ? cause.message : String(cause)
        })
    })
  const file = yield* Effect.acquireRelease(
    attempt(() => open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)),
    (handle) => Effect.promise(() => handle.close()).pipe(Effect.ignoreCause)
  )
  const status = yield* attempt(() => file.stat())
  if (!status.isFile()) return yield* new LocalFileError({ path, missing: false, message: "not a regular file" })
  return {
    path,
    bytes: status.size,
    read: (offset: number, length: number, into?: Uint8Array) => attempt(() => readFully(file, offset, length, into)),
    bytesNow: Effect.map(
      attempt(() => file.stat()),
      ({ size }) => size
    )
  } satisfies LocalFile
})

/** A read may give less than there is. */
const readFully = async (
  file: FileHandle,
  offset: number,
  length: number,
  buffer: Uint8Array = Buffer.allocUnsafe(length)
): Promise<Uint8Array> => {
  let got = 0
  while (got < length) {
    const { bytesRead } = await file.read(buffer, got, length - got, offset + got)
    if (bytesRead === 0) break
    got += bytesRead
  }
  return buffer.subarray(0, got)
}
