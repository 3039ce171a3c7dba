/**
 * Whole files to the hub (daemon.md 5.3): in blocks, in order, every block's digest compared, the whole confirmed at
 * the end. A build may have put anything under the name, so what is uploaded is what was opened, and it must not
 * change while it is read.
 */
import { createHash } from "node:crypto"
import { Effect, Schema } from "effect"
import { addAdler32, hexAdler32, joinAdler32 } from "./Adler32.ts"
import { sendChunk } from "./Chunk.ts"
import { call } from "./calls/call.ts"
import { openLocal } from "./LocalFile.ts"

/** What is there cannot be uploaded, or did not arrive as it was sent. */
export class UploadRefused extends Schema.TaggedError<UploadRefused>()("UploadRefused", {
  path: Schema.String,
  message: Schema.String
}) {}

export interface Uploaded {
  readonly bytes: number
  /** Lower-case hex, of what was sent. */
  readonly sha256: string
}

/** kojid sends 1 MiB; the hub sets no limit (daemon.md 5.1), and every block is a round trip. */
export const blockBytes = 8 * 1024 * 1024

/** What is read and added up at a time: the block that is under way is not kept from its socket for longer. */
const pieceBytes = 512 * 1024

const Checked = Schema.NullOr(
  Schema.Struct({ size: Schema.Int, hexdigest: Schema.optionalKey(Schema.NullOr(Schema.String)) })
)

/** What the hub holds of an upload: its size and adler32; null when nothing. */
export const checkUpload = (directory: string, name: string) =>
  call(Checked, "checkUpload", [directory, name], { verify: "adler32" })

/**
 * Uploads the file at `path` as `directory/name`, over what may be there; `directory` is below the hub's `work`.
 * Fails with `UploadRefused` for anything but a regular file that keeps still, and when the hub holds something else
 * in the end.
 */
export const uploadFile = Effect.fn("uploadFile")(function* (path: string, directory: string, name: string) {
  const refused = (error: { readonly message: string }) => new UploadRefused({ path, message: error.message })
  const file = yield* openLocal(path).pipe(Effect.mapError(refused))
  const sha256 = createHash("sha256")
  // One is read into while the other is sent; a file of one block needs no other.
  const buffers = [file.bytes, file.bytes - blockBytes].map((bytes) =>
    Buffer.allocUnsafe(Math.max(0, Math.min(blockBytes, bytes)))
  )
  const blockAt = Effect.fnUntraced(function* (at: number) {
    const bytes = (buffers[(at / blockBytes) % 2] ?? Buffer.alloc(0)).subarray(0, file.bytes - at)
    let checksum = 1
    for (let got = 0; got < bytes.length; got += pieceBytes) {
      const room = bytes.subarray(got, got + pieceBytes)
      const piece = yield* file.read(at + got, room.length, room).pipe(Effect.mapError(refused))
      if (piece.length < room.length) return yield* refused({ message: "it became shorter while it was read" })
      sha256.update(piece)
      checksum = addAdler32(checksum, piece)
    }
    return { bytes, checksum }
  })
  let checksum = 1
  let offset = 0
  // An empty file is one empty chunk: that makes it.
  let block = yield* blockAt(0)
  for (;;) {
    const { bytes } = block
    const sending = sendChunk({ directory, name, offset, bytes, overwrite: true }, block.checksum)
    checksum = joinAdler32(checksum, block.checksum, bytes.length)
    offset += bytes.length
    if (offset >= file.bytes) {
      yield* sending
      break
    }
    // While the hub has the one, the next is read.
    const [next] = yield* Effect.all([blockAt(offset), sending], { concurrency: 2 })
    block = next
  }
  if ((yield* file.bytesNow.pipe(Effect.mapError(refused))) !== file.bytes) {
    return yield* refused({ message: "it changed while it was read" })
  }
  const there = yield* checkUpload(directory, name)
  const wanted = hexAdler32(checksum)
  if (there?.size !== offset || (there.hexdigest ?? wanted) !== wanted) {
    const held = there === null ? "nothing" : `${there.size} bytes (${there.hexdigest ?? "no digest"})`
    return yield* refused({ message: `the hub holds ${held} of ${name}, not ${offset} bytes (${wanted})` })
  }
  return { bytes: offset, sha256: sha256.digest("hex") } satisfies Uploaded
}, Effect.scoped)
