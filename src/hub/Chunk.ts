/**
 * One chunk of an upload, until it has arrived as it was sent (daemon.md 5.5): the hub tells the digest of what it
 * got. A chunk that differs is sent again to the same place, which does no harm while nothing follows it; so is one
 * that finds the file locked, most likely by the hub's end of a request that we have given up.
 */
import { Effect, Result } from "effect"
import { faultCodes } from "../koji/Fault.ts"
import { addAdler32, hexAdler32 } from "./Adler32.ts"
import { HubFault } from "./HubError.ts"
import { HubSession, type UploadChunk } from "./HubSession.ts"

/** kojid's numbers. */
export const chunkTriesMax = 7
const pauseSeconds = 10

/**
 * Returns when the hub has exactly these bytes, whose checksum the caller may know; fails with a `HubFault` when it still
 * has not after all tries.
 */
export const sendChunk = Effect.fn("sendChunk")(function* (chunk: UploadChunk, checksum = addAdler32(1, chunk.bytes)) {
  const session = yield* HubSession
  const digest = hexAdler32(checksum)
  for (let tries = 1; ; tries++) {
    const reply = yield* Effect.result(session.upload(chunk))
    if (Result.isFailure(reply)) {
      const error = reply.failure
      const locked = error._tag === "HubFault" && error.code === faultCodes.LockError
      if (!locked || tries === chunkTriesMax) return yield* error
    } else {
      const { size, hexdigest } = reply.success
      if (size === chunk.bytes.length && hexdigest === digest) return
      const message = `sent ${chunk.bytes.length} bytes (${digest}), arrived ${size} (${hexdigest})`
      yield* Effect.logWarning(`upload of ${chunk.name} at ${chunk.offset}: ${message}`)
      if (tries === chunkTriesMax) {
        const code = faultCodes.GenericError
        return yield* new HubFault({ method: "rawUpload", code, message: `upload of ${chunk.name}: ${message}` })
      }
    }
    yield* Effect.sleep(`${pauseSeconds} seconds`)
  }
})
