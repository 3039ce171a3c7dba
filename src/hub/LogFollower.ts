/**
 * Growing logs to the hub, while they grow (daemon.md 5.5).
 *
 * Each name has an offset: what the hub has confirmed. A pass sends what a file holds beyond it, in order, one chunk at
 * a time, and overwriting, so that a repeated chunk does no harm. A hub that is away costs nothing but time: the
 * offset stays, the next pass goes on from it. A log that is empty is never made on the hub.
 */

import { createHash } from "node:crypto"
import { open, readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Semaphore } from "effect"
import { addAdler32, hexAdler32 } from "./Adler32.ts"
import type { HubError } from "./HubError.ts"
import { HubSession } from "./HubSession.ts"
import { checkUpload } from "./Upload.ts"

/** kojid sends 64 KiB; a log that grows fast is not kept waiting for that many round trips. */
const chunkBytesMax = 1024 * 1024

export interface LogUpload {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

interface Progress {
  offset: number
  checksum: number
}

export interface LogFollower {
  /** Sends what is new in every file of the directory. Tells each name and offset that moved. */
  readonly pass: Effect.Effect<ReadonlyArray<{ readonly name: string; readonly offset: number }>, HubError, HubSession>
  /** Sends all there is, has the hub confirm each file's size and digest, and says what arrived. */
  readonly flush: Effect.Effect<ReadonlyArray<LogUpload>, HubError, HubSession>
}

/** Follows the files in `local`, whose names are those on the hub, to `directory`. */
export const followLogs = (local: string, directory: string): Effect.Effect<LogFollower> =>
  Effect.gen(function* () {
    const progress = new Map<string, Progress>()
    const oneAtATime = yield* Semaphore.make(1)

    const sendFile = Effect.fnUntraced(function* (name: string) {
      const session = yield* HubSession
      const state = progress.get(name) ?? { offset: 0, checksum: 1 }
      progress.set(name, state)
      const start = state.offset
      for (;;) {
        const bytes = yield* Effect.promise(() => readFrom(join(local, name), state.offset))
        if (bytes.length === 0) return state.offset > start ? state.offset : null
        yield* session.upload({ directory, name, offset: state.offset, bytes, overwrite: true })
        state.offset += bytes.length
        state.checksum = addAdler32(state.checksum, bytes)
      }
    })

    const pass = Effect.gen(function* () {
      const moved: Array<{ readonly name: string; readonly offset: number }> = []
      for (const name of yield* names(local)) {
        const offset = yield* sendFile(name)
        if (offset !== null) moved.push({ name, offset })
      }
      return moved
    })

    const confirm = Effect.fnUntraced(function* (name: string, state: Progress) {
      const there = yield* checkUpload(directory, name, true)
      const same = there?.size === state.offset && (there.hexdigest ?? "") === hexAdler32(state.checksum)
      if (same) return
      // What the hub holds is not what was sent: from the start, once more.
      progress.set(name, { offset: 0, checksum: 1 })
      yield* sendFile(name)
    })

    const flush = Effect.gen(function* () {
      yield* pass
      const uploads: Array<LogUpload> = []
      for (const [name, state] of progress) {
        if (state.offset === 0) continue
        yield* confirm(name, state)
        const bytes = progress.get(name)?.offset ?? 0
        const sha256 = yield* Effect.promise(() => digestOf(join(local, name), bytes))
        uploads.push({ name, bytes, sha256 })
      }
      return uploads
    })

    return { pass: oneAtATime.withPermits(1)(pass), flush: oneAtATime.withPermits(1)(flush) }
  })

const names = (directory: string) => Effect.promise(async () => (await readdir(directory).catch(() => [])).sort())

const readFrom = async (path: string, offset: number): Promise<Uint8Array> => {
  const file = await open(path, "r").catch(() => undefined)
  if (file === undefined) return new Uint8Array()
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(chunkBytesMax), 0, chunkBytesMax, offset)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

const digestOf = async (path: string, bytes: number): Promise<string> => {
  const hash = createHash("sha256")
  const file = await open(path, "r")
  try {
    for (let at = 0; at < bytes; ) {
      const { buffer, bytesRead } = await file.read(
        Buffer.alloc(chunkBytesMax),
        0,
        Math.min(chunkBytesMax, bytes - at),
        at
      )
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await file.close()
  }
  return hash.digest("hex")
}
