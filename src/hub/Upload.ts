/**
 * Whole files to the hub (daemon.md 5.3): in blocks, in order, every block's digest compared, the whole confirmed at
 * the end. The file is opened once, without following a link, and must be a regular file: a build may have put
 * anything under the name.
 */

import { createHash } from "node:crypto"
import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { Effect, Schema } from "effect"
import { addAdler32, hexAdler32 } from "./Adler32.ts"
import { call } from "./calls/call.ts"
import { HubSession } from "./HubSession.ts"

/** What is there cannot be uploaded, or did not arrive as it was sent. */
export class UploadRefused extends Schema.TaggedError<UploadRefused>()("UploadRefused", {
  path: Schema.String,
  message: Schema.String
}) {}

export interface Uploaded {
  readonly bytes: number
  readonly sha256: string
}

const blockBytes = 1024 * 1024

const Checked = Schema.NullOr(
  Schema.Struct({ size: Schema.Int, hexdigest: Schema.optionalKey(Schema.NullOr(Schema.String)) })
)

/** What the hub holds of an upload; null when nothing. With `verify`, its adler32. */
export const checkUpload = (directory: string, name: string, verify = false) =>
  call(Checked, "checkUpload", [directory, name], verify ? { verify: "adler32" } : undefined)

export const uploadFile = Effect.fn("uploadFile")(function* (path: string, directory: string, name: string) {
  const session = yield* HubSession
  const refused = (message: string) => new UploadRefused({ path, message })
  const file = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () => open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK),
      catch: (cause) => refused(cause instanceof Error ? cause.message : String(cause))
    }),
    (handle) => Effect.promise(() => handle.close()).pipe(Effect.ignoreCause)
  )
  const status = yield* Effect.promise(() => file.stat())
  if (!status.isFile()) return yield* refused("not a regular file")
  const sha256 = createHash("sha256")
  let checksum = 1
  let offset = 0
  do {
    const { buffer, bytesRead } = yield* Effect.promise(() =>
      file.read(Buffer.alloc(blockBytes), 0, blockBytes, offset)
    )
    const bytes = buffer.subarray(0, bytesRead)
    // An empty file is one empty block: that makes it.
    if (bytesRead === 0 && offset > 0) break
    yield* session.upload({ directory, name, offset, bytes, overwrite: true })
    sha256.update(bytes)
    checksum = addAdler32(checksum, bytes)
    offset += bytesRead
    if (bytesRead === 0) break
  } while (true)
  const there = yield* checkUpload(directory, name, true)
  if (
    there === null ||
    there.size !== offset ||
    (there.hexdigest != null && there.hexdigest !== hexAdler32(checksum))
  ) {
    return yield* refused(`the hub holds ${there?.size ?? 0} of ${offset} bytes, or others`)
  }
  return { bytes: offset, sha256: sha256.digest("hex") } satisfies Uploaded
}, Effect.scoped)
