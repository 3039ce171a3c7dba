/**
 * A file to which another process appends, read from its start and on as it grows.
 *
 * A writer that begins its file anew (another file in its place) is followed there once the former has been read to its
 * end. One that shortens it has taken away what nobody can tell whether we had, and is refused.
 */

import { constants } from "node:fs"
import { type FileHandle, open, stat } from "node:fs/promises"
import { Effect, type Scope } from "effect"
import { EngineError } from "./Engine.ts"

export interface GrowingFile {
  /** The next bytes, or none at what is its end now. They are the caller's. */
  readonly next: Effect.Effect<Uint8Array, EngineError>
  /** Returns when there may be more. */
  readonly grows: Effect.Effect<void>
}

const sliceBytes = 256 * 1024
/** Reading nothing costs a few microseconds. */
const pollInterval = "100 millis"

/** Undefined when it is not there, not for us, or no file. */
export const openGrowing = Effect.fnUntraced(function* (
  path: string
): Effect.fn.Return<GrowingFile | undefined, never, Scope.Scope> {
  let file: FileHandle | undefined
  yield* Effect.acquireRelease(
    Effect.promise(async () => {
      file = await openRegular(path)
    }),
    () => Effect.promise(async () => file?.close())
  )
  if (file === undefined) return undefined
  let at = 0

  const read = async (): Promise<Uint8Array> => {
    if (file === undefined) return new Uint8Array()
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafeSlow(sliceBytes), 0, sliceBytes, at)
    at += bytesRead
    return buffer.subarray(0, bytesRead)
  }
  const turnOver = async (there: FileHandle): Promise<Uint8Array> => {
    // Whoever put another file in its place has written the last to this one: it is read to its end first.
    const last = await read().catch(async (error: unknown) => {
      await there.close()
      throw error
    })
    if (last.length > 0) {
      await there.close()
      return last
    }
    const former = file
    file = there
    at = 0
    await former?.close()
    return read()
  }

  const next = Effect.promise(async () => {
    const bytes = await read()
    if (bytes.length > 0 || file === undefined) return bytes
    const { size, ino } = await file.stat()
    if (size < at) return "shortened" as const
    const named = await stat(path).catch(() => undefined)
    if (named === undefined || named.ino === ino) return bytes
    const there = await openRegular(path)
    return there === undefined ? bytes : turnOver(there)
  })
  return {
    next: Effect.uninterruptible(next).pipe(
      Effect.flatMap((bytes) =>
        bytes === "shortened"
          ? new EngineError({
              operation: "logs",
              subject: path,
              reason: "refused",
              message: `somebody shortened the engine's log below the ${at} bytes that were read of it`
            })
          : Effect.succeed(bytes)
      )
    ),
    grows: Effect.sleep(pollInterval)
  }
})

/** Links are not followed, and nothing that is no file is read. */
const openRegular = async (path: string): Promise<FileHandle | undefined> => {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined)
  if (file === undefined || (await file.stat()).isFile()) return file
  await file.close()
  return undefined
}
