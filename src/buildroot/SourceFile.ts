/** Reading what a build left behind, or what the hub gave: once, without following links, with a bound. */

import { createHash } from "node:crypto"
import { constants, createReadStream, createWriteStream } from "node:fs"
import { type FileHandle, lstat, open, readdir } from "node:fs/promises"
import { join, relative, sep } from "node:path"
import { pipeline } from "node:stream/promises"
import { Effect, Result, Schema, Stream } from "effect"
import { headerBytesNeeded, parseRpmHeader, type RpmHeader } from "../koji/RpmHeader.ts"

/** The file is not what it should be: not there, not a regular file, not an RPM. What is wrong with the disk is a defect. */
export class UnreadableFile extends Schema.TaggedError<UnreadableFile>()("UnreadableFile", {
  path: Schema.String,
  missing: Schema.Boolean,
  message: Schema.String
}) {}

/** Errors of the system's that speak of the file, and not of the disk or the machine. */
const ofTheFile: ReadonlyArray<unknown> = ["ENOENT", "ENOTDIR", "ELOOP", "EISDIR", "EACCES", "ENXIO"]

/** A disk that cannot be read or has no room is no fault of the file's: taken for one, a result would be missing. */
const trouble =
  (path: string) =>
  (cause: unknown): Effect.Effect<never, UnreadableFile> =>
    cause instanceof Error && "code" in cause && !ofTheFile.includes(cause.code)
      ? Effect.die(cause)
      : Effect.fail(unreadable(path, cause))

/** What is found, if anything is there. */
export const ifThere = <A>(found: Promise<A>): Promise<A | undefined> =>
  found.catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && ofTheFile.includes(cause.code)) return undefined
    throw cause
  })

/** A header of an RPM is never larger than this; what is larger is refused unread. */
export const headerBytesMax = 64 * 1024 * 1024

/** The header of an RPM on disk. Opens the file once, follows no link, and reads no more than the header needs. */
export const readRpmHeader = Effect.fn("readRpmHeader")(function* (path: string) {
  const parsed = yield* Effect.tryPromise({
    try: () => withFile(path, readHeader),
    catch: (cause) => cause
  }).pipe(Effect.catch(trouble(path)))
  if (Result.isSuccess(parsed)) return parsed.success
  return yield* new UnreadableFile({ path, missing: false, message: parsed.failure.message })
})

const readHeader = async (file: FileHandle, size: number) => {
  let bytes: Buffer = Buffer.alloc(0)
  for (;;) {
    const needed = headerBytesNeeded(bytes)
    if (Result.isFailure(needed) || needed.success <= bytes.length || needed.success > headerBytesMax) break
    const more = await readStart(file, Math.min(needed.success, size))
    if (more.length <= bytes.length) break
    bytes = more
  }
  return parseRpmHeader(bytes)
}

export interface ResultFile {
  readonly name: string
  readonly path: string
  readonly header: RpmHeader
}

/**
 * The RPMs in a directory that a build has written to, by name. What is not a regular file, or is no RPM in spite of
 * its name, is told in `strange` and is not touched further; names are single path components as readdir gives them.
 *
 * The directory lies somewhere below `base`, which is ours, and the build could put a link in the place of any directory
 * on the way: fails with `UnreadableFile` then. It has ended by now, so nothing changes while we look.
 */
export const readResults = Effect.fn("readResults")(function* (base: string, directory: string) {
  yield* noLinks(base, directory)
  const names = (yield* Effect.promise(() => ifThere(readdir(directory)))) ?? []
  const files: Array<ResultFile> = []
  const strange: Array<string> = []
  for (const name of names.sort()) {
    const path = join(directory, name)
    const kind = yield* Effect.promise(() => ifThere(lstat(path)))
    if (kind?.isDirectory() === true) continue
    if (kind?.isFile() !== true || !name.endsWith(".rpm")) {
      strange.push(`${name} is not ${name.endsWith(".rpm") ? "a regular file" : "an RPM"}`)
      continue
    }
    const header = yield* Effect.result(readRpmHeader(path))
    if (Result.isSuccess(header)) files.push({ name, path, header: header.success })
    else strange.push(`${name}: ${header.failure.message}`)
  }
  return { files, strange }
})

/** Every directory from `base` down is a real one, or not there. */
const noLinks = Effect.fnUntraced(function* (base: string, directory: string) {
  let path = base
  for (const part of relative(base, directory).split(sep)) {
    path = join(path, part)
    const kind = yield* Effect.promise(() => ifThere(lstat(path)))
    if (kind !== undefined && !kind.isDirectory()) {
      const message = `${relative(base, path)} is ${kind.isSymbolicLink() ? "a link" : "no directory"}: nothing is taken from it`
      return yield* new UnreadableFile({ path, missing: false, message })
    }
  }
})

/** A small text that a step left for us; empty when it is missing or not a regular file. */
export const readSmall = (path: string, bytesMax: number): Effect.Effect<string> =>
  Effect.tryPromise({
    try: () => withFile(path, async (file, size) => (await readStart(file, Math.min(size, bytesMax))).toString("utf8")),
    catch: (cause) => cause
  }).pipe(
    Effect.catch(trouble(path)),
    Effect.orElseSucceed(() => "")
  )

/** A text of a bounded length. Fails when it is missing, not a regular file, or longer. */
export const readPlain = (path: string, bytesMax: number): Effect.Effect<string, UnreadableFile> =>
  Effect.tryPromise({
    try: () => withFile(path, async (file, size) => (await readStart(file, within(size, bytesMax))).toString("utf8")),
    catch: (cause) => cause
  }).pipe(Effect.catch(trouble(path)))

/** Copies a regular file of a bounded length; `to` is in a directory that nobody else writes to. */
export const copyPlain = (from: string, to: string, bytesMax: number): Effect.Effect<void, UnreadableFile> =>
  Effect.tryPromise({
    try: () =>
      withFile(from, async (file, size) => {
        within(size, bytesMax)
        await pipeline(file.createReadStream({ autoClose: false }), createWriteStream(to))
      }),
    catch: (cause) => cause
  }).pipe(Effect.catch(trouble(from)))

/** The bytes of a regular file, whatever its length. The file is closed with the scope. */
export const streamPlain = (path: string) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const file = await openPlain(path)
        if ((await file.stat()).isFile()) return file
        await file.close()
        throw new Error("not a regular file")
      },
      catch: (cause) => cause
    }).pipe(Effect.catch(trouble(path))),
    (file) => Effect.promise(() => file.close())
  ).pipe(
    Effect.map((file) =>
      Stream.fromAsyncIterable<Uint8Array, UnreadableFile>(
        file.createReadStream({ autoClose: false, highWaterMark: 1024 * 1024 }),
        (cause) => unreadable(path, cause)
      )
    )
  )

/** The SHA-256 of a file's contents, in lower-case hex. Dies when it cannot be read: it is one of ours. */
export const digestOfFile = (path: string): Effect.Effect<string> =>
  Effect.promise(async () => {
    const digest = createHash("sha256")
    for await (const piece of createReadStream(path)) digest.update(piece)
    return digest.digest("hex")
  })

/** The names in a directory; none when it is not there, or is a link to one. */
export const listPlain = (path: string): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const kind = await ifThere(lstat(path))
    return kind?.isDirectory() === true ? (await readdir(path)).sort() : []
  })

const within = (size: number, bytesMax: number): number => {
  if (size > bytesMax) throw new Error(`${size} bytes, at most ${bytesMax}`)
  return size
}

const openPlain = (path: string): Promise<FileHandle> =>
  open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)

const withFile = async <A>(path: string, use: (file: FileHandle, size: number) => Promise<A>): Promise<A> => {
  const file = await openPlain(path)
  try {
    const status = await file.stat()
    if (!status.isFile()) throw new Error("not a regular file")
    return await use(file, status.size)
  } finally {
    await file.close()
  }
}

const readStart = async (file: FileHandle, length: number): Promise<Buffer> => {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

const unreadable = (path: string, cause: unknown): UnreadableFile => {
  const message = cause instanceof Error ? cause.message : String(cause)
  return new UnreadableFile({ path, missing: message.includes("ENOENT"), message })
}
