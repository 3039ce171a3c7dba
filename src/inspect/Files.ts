/** The files that are inspected: read-only, with a limit, and never one that would keep the reader waiting. */
import { constants, type FileHandle, lstat, open, readdir } from "node:fs/promises"
import { Effect, Schema, Stream } from "effect"

export class FileUnreadable extends Schema.TaggedError<FileUnreadable>()("FileUnreadable", {
  path: Schema.String,
  reason: Schema.Literals(["missing", "unreadable", "not-a-file", "too-large"]),
  message: Schema.String
}) {}

/** The whole of a regular file of at most `bytesMax` bytes. Links are followed: who names one means its target. */
export const readWhole = (path: string, bytesMax: number): Effect.Effect<Uint8Array, FileUnreadable> =>
  withFile(path, async (file, size) => {
    if (size > bytesMax) throw tooLarge(path, size, bytesMax)
    return await file.readFile()
  })

/** The first `bytesMax` bytes of a regular file, or all of it. */
export const readBeginning = (path: string, bytesMax: number): Effect.Effect<Uint8Array, FileUnreadable> =>
  withFile(path, async (file, size) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, bytesMax)), 0, null, 0)
    return buffer.subarray(0, bytesRead)
  })

const chunkBytes = 1024 * 1024

/** A regular file of at most `bytesMax` bytes, piece by piece, from its beginning or from some byte on. */
export const readChunks = (path: string, bytesMax: number, from = 0): Stream.Stream<Uint8Array, FileUnreadable> =>
  Stream.suspend(() => Stream.fromAsyncIterable(chunksOf(path, bytesMax, from), (error) => unreadable(path, error)))

async function* chunksOf(path: string, bytesMax: number, from: number): AsyncGenerator<Uint8Array> {
  await using file = await openRegular(path)
  if (file.size > bytesMax) throw tooLarge(path, file.size, bytesMax)
  for (let read = from; ; ) {
    const { buffer, bytesRead } = await file.handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, read)
    if (bytesRead === 0) return
    // It may grow while it is read.
    read += bytesRead
    if (read > bytesMax) throw tooLarge(path, read, bytesMax)
    yield buffer.subarray(0, bytesRead)
  }
}

/** The size of a regular file, and whether it is reached by a link. */
export const regularFile = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      await using file = await openRegular(path)
      return { size: file.size, isLink: (await lstat(path)).isSymbolicLink() }
    },
    catch: (error) => unreadable(path, error)
  })

/** The names in a directory, in no order. */
export const namesIn = (path: string): Effect.Effect<ReadonlyArray<string>, FileUnreadable> =>
  Effect.tryPromise({ try: () => readdir(path), catch: (error) => unreadable(path, error) })

// A pipe without a writer would be waited for.
const reading = constants.O_RDONLY | constants.O_NONBLOCK

const withFile = <A>(path: string, use: (file: FileHandle, size: number) => Promise<A>) =>
  Effect.tryPromise({
    try: async () => {
      await using file = await openRegular(path)
      return await use(file.handle, file.size)
    },
    catch: (error) => unreadable(path, error)
  })

const openRegular = async (path: string) => {
  const handle = await open(path, reading)
  const close = () => handle.close()
  try {
    const stats = await handle.stat()
    if (stats.isFile()) return { handle, size: stats.size, [Symbol.asyncDispose]: close }
    const message = stats.isDirectory() ? "this is a directory" : "this is not a regular file"
    throw new FileUnreadable({ path, reason: "not-a-file", message })
  } catch (error) {
    await close()
    throw error
  }
}

const tooLarge = (path: string, size: number, bytesMax: number) =>
  new FileUnreadable({
    path,
    reason: "too-large",
    message: `the file has ${size} bytes; no more than ${bytesMax} are read`
  })

const unreadable = (path: string, error: unknown): FileUnreadable => {
  if (error instanceof FileUnreadable) return error
  const code = error instanceof Error && "code" in error ? error.code : undefined
  const found = plainWords.get(code)
  const message = found ?? (error instanceof Error ? error.message : String(error))
  return new FileUnreadable({
    path,
    reason: code === "ENOENT" || code === "ENOTDIR" ? "missing" : "unreadable",
    message
  })
}

const plainWords = new Map<unknown, string>([
  ["ENOENT", "there is no such file"],
  ["ENOTDIR", "there is no such file"],
  ["EACCES", "it may not be read by this user"]
])
