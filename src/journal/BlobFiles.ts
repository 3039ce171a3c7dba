/** Values too large for a line, each in a file named after its SHA-256: whoever has the digest can check the bytes. */
import { hash } from "node:crypto"
import { join } from "node:path"
import { Effect, Semaphore } from "effect"
import { EntryRefused, JournalDamaged, JournalUnavailable } from "./JournalError.ts"
import { type Place, writeWhole } from "./StreamFile.ts"

/** The package lists of the largest buildroots stay below a hundredth of this. */
export const blobBytesMax = 64 * 1024 * 1024

/** How values are put into `blobs/`, one at a time; see `JournalStore.putBlob`. */
export const makePutBlob = ({ disk, directory, poison }: Place) => {
  const oneAtATime = Semaphore.makeUnsafe(1)
  const blobs = join(directory, "blobs")
  // One name for all that is unfinished: a crash leaves at most one such file, and the next value takes it over.
  const unfinished = join(blobs, "unfinished")

  const isKept = Effect.fnUntraced(function* (digest: string) {
    const path = join(blobs, digest)
    if ((yield* disk.stat(path)) === undefined) return false
    return sha256(yield* disk.read(path, blobBytesMax)) === digest
  })

  const put = Effect.fnUntraced(function* (bytes: Uint8Array) {
    if (bytes.length > blobBytesMax) {
      const message = `a value of ${bytes.length} bytes is above the limit of ${blobBytesMax}`
      return yield* new EntryRefused({ message })
    }
    yield* poison.check
    const digest = sha256(bytes)
    yield* disk.makeDirectory(blobs)
    // Who is referred to again is young again: forgetting goes by age.
    if (yield* isKept(digest)) yield* Effect.ignore(disk.touch(join(blobs, digest)))
    else {
      yield* writeWhole(disk, unfinished, "emptied", bytes)
      yield* disk.rename(unfinished, join(blobs, digest))
    }
    // Also when it was there: the one who wrote it may have been killed before this.
    yield* disk.syncDirectory(blobs)
    yield* disk.syncDirectory(directory)
    return digest
  }, poison.guard)

  return (bytes: Uint8Array) => Effect.uninterruptible(oneAtATime.withPermits(1)(put(bytes)))
}

/** The value of a digest; see `JournalStore.getBlob`. */
export const getBlob = Effect.fnUntraced(function* ({ disk, directory }: Place, digest: string) {
  const path = join(directory, "blobs", digest)
  const damaged = (message: string) => new JournalDamaged({ file: path, line: 0, message })
  // A digest comes out of a journal and becomes part of a path.
  if (!/^[0-9a-f]{64}$/.test(digest)) return yield* damaged("not a digest")
  const bytes = yield* disk.read(path, blobBytesMax).pipe(
    Effect.mapError((error) => {
      if (error.code === "ENOENT") return damaged("the value is missing")
      return new JournalUnavailable({ path, message: `${error.operation} failed (${error.code}): ${error.message}` })
    })
  )
  if (sha256(bytes) !== digest) return yield* damaged("the value is not the one of this digest")
  return bytes
})

const sha256 = (bytes: Uint8Array): string => hash("sha256", bytes, "hex")
