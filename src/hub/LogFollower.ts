/**
 * Growing logs to the hub, while they grow (daemon.md 5.5).
 *
 * Each name has an offset: what the hub has confirmed. A pass sends what a file held beyond it when the pass came to
 * it, in order, one chunk at a time, and overwriting, so that a repeated chunk does no harm. A hub that is away costs
 * nothing but time: the offset stays, the next pass goes on from it. A log that is empty is never made on the hub.
 *
 * A log that cannot be read is told about and left out, as kojid does: no log is worth a build. One that the hub will not
 * have does not keep the others waiting. What has not arrived in the end is known by its place (`gaps`).
 */
import { createHash, type Hash } from "node:crypto"
import { lstat, readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Semaphore } from "effect"
import { faultCodes } from "../koji/Fault.ts"
import { addAdler32, hexAdler32 } from "./Adler32.ts"
import { sendChunk } from "./Chunk.ts"
import { type HubError, HubFault } from "./HubError.ts"
import type { HubSession } from "./HubSession.ts"
import { type LocalFile, LocalFileError, openLocal } from "./LocalFile.ts"
import { checkUpload } from "./Upload.ts"

/** kojid sends 64 KiB; a log that grows fast is not kept waiting for that many round trips. */
const chunkBytesMax = 1024 * 1024

/** How often a log is sent from its beginning because the hub holds something else in the end. */
const wholeTriesMax = 3

export interface LogUpload {
  readonly name: string
  readonly bytes: number
  /** Lower-case hex, of these bytes. */
  readonly sha256: string
}

/** Bytes of a log that are not at the hub. */
export interface LogGap {
  readonly name: string
  readonly offset: number
  readonly bytes: number
  /** What was in the way the last time that somebody tried. */
  readonly reason: string
}

export interface LogFollower {
  /**
   * Sends what is new in every file of the directory. Tells each name and offset that moved; what the hub refuses is left
   * for the next pass.
   */
  readonly pass: Effect.Effect<ReadonlyArray<{ readonly name: string; readonly offset: number }>, HubError, HubSession>
  /**
   * Sends all that is there now, has the hub confirm each file's size and digest, and says what arrived: each as it does
   * to `confirmed`. Fails, when all have been tried, with the first that the hub refused.
   */
  flush(
    confirmed: (upload: LogUpload) => Effect.Effect<void>
  ): Effect.Effect<ReadonlyArray<LogUpload>, HubError, HubSession>
  /** What there is by now that has not arrived. */
  readonly gaps: Effect.Effect<ReadonlyArray<LogGap>>
}

/** What has arrived of one log. */
interface Progress {
  offset: number
  checksum: number
  readonly sha256: Hash
}

const count = (state: Progress, bytes: Uint8Array): void => {
  state.offset += bytes.length
  state.checksum = addAdler32(state.checksum, bytes)
  state.sha256.update(bytes)
}

const nothing = (): Progress => ({ offset: 0, checksum: 1, sha256: createHash("sha256") })

/**
 * Follows the files in `local`, whose names are those on the hub, to `directory`. `arrived` is how much of each the hub
 * has had from an earlier process: it is read once for the digest, and not sent again.
 */
export const followLogs = (
  local: string,
  directory: string,
  arrived: ReadonlyMap<string, number> = new Map()
): Effect.Effect<LogFollower> =>
  Effect.gen(function* () {
    const progress = new Map<string, Progress>()
    const before = new Map(arrived)
    const told = new Set<string>()
    const obstacles = new Map<string, string>()
    const oneAtATime = yield* Semaphore.make(1)

    /** A log that vanished between listing and opening is nothing to speak of. */
    const tellOnce = (name: string, error: LocalFileError) =>
      Effect.suspend(() => {
        if (!error.missing) obstacles.set(name, error.message)
        if (error.missing || told.has(name)) return Effect.void
        told.add(name)
        return Effect.logWarning(`${name} is not uploaded: ${error.message}`)
      })

    /** Counts what has arrived before as sent, if it is there to be read. */
    const passOver = Effect.fnUntraced(function* (name: string, state: Progress, file: LocalFile) {
      const offset = before.get(name) ?? 0
      before.delete(name)
      if (state.offset > 0 || offset > file.bytes) return
      while (state.offset < offset) {
        const bytes = yield* file.read(state.offset, Math.min(chunkBytesMax, offset - state.offset))
        if (bytes.length === 0) return
        count(state, bytes)
      }
    })

    /** Sends what is new in one log; false when it cannot be read. */
    const send = (name: string, state: Progress) =>
      Effect.gen(function* () {
        const file = yield* openLocal(join(local, name))
        if (file.bytes < state.offset) {
          return yield* new LocalFileError({ path: file.path, missing: false, message: "it became shorter" })
        }
        yield* passOver(name, state, file)
        // Not to the file's end: one that grows as fast as it is sent would never let the others have their turn.
        while (state.offset < file.bytes) {
          const { offset } = state
          const bytes = yield* file.read(offset, Math.min(chunkBytesMax, file.bytes - offset))
          if (bytes.length === 0) break
          yield* sendChunk({ directory, name, offset, bytes, overwrite: true })
          count(state, bytes)
        }
        return true
      }).pipe(
        Effect.scoped,
        Effect.catchTag("LocalFileError", (error) => Effect.as(tellOnce(name, error), false))
      )

    /** A hub that refuses one log may take the next; one that is away takes none. */
    const refused = (name: string, fault: HubFault) =>
      Effect.suspend(() => {
        obstacles.set(name, `${fault.method}: ${fault.message}`)
        return Effect.logWarning(`${name} is refused by the hub: ${fault.message}`)
      })

    const pass = Effect.gen(function* () {
      const moved: Array<{ readonly name: string; readonly offset: number }> = []
      for (const name of yield* namesIn(local)) {
        const state = progress.get(name) ?? nothing()
        progress.set(name, state)
        const before = state.offset
        yield* send(name, state).pipe(Effect.catchTag("HubFault", (fault) => refused(name, fault)))
        if (state.offset > before) moved.push({ name, offset: state.offset })
      }
      return moved
    })

    /** One log, whole and confirmed. What the hub holds may still be wrong (an old chunk, late): then once more. */
    const confirm = Effect.fnUntraced(function* (name: string) {
      for (let tries = 1; ; tries++) {
        const state = progress.get(name) ?? nothing()
        progress.set(name, state)
        if (!(yield* send(name, state)) || state.offset === 0) return null
        const there = yield* checkUpload(directory, name)
        const wanted = hexAdler32(state.checksum)
        if (there?.size === state.offset && there.hexdigest === wanted) {
          return { name, bytes: state.offset, sha256: state.sha256.copy().digest("hex") }
        }
        const message = `the hub holds ${there?.size ?? 0} bytes (${there?.hexdigest ?? "no digest"}) of ${name}, not ${state.offset} (${wanted})`
        if (tries === wholeTriesMax) {
          return yield* new HubFault({ method: "checkUpload", code: faultCodes.GenericError, message })
        }
        yield* Effect.logWarning(`${message}: sending it again`)
        progress.delete(name)
      }
    })

    const flush = Effect.fnUntraced(function* (confirmed: (upload: LogUpload) => Effect.Effect<void>) {
      const uploads: Array<LogUpload> = []
      let first: HubFault | undefined
      for (const name of yield* namesIn(local)) {
        const upload = yield* confirm(name).pipe(
          Effect.catchTag("HubFault", (fault) => {
            first ??= fault
            return Effect.as(refused(name, fault), null)
          })
        )
        if (upload === null) continue
        uploads.push(upload)
        yield* confirmed(upload)
      }
      if (first !== undefined) return yield* first
      return uploads
    })

    const gaps = Effect.gen(function* () {
      const found: Array<LogGap> = []
      for (const name of yield* namesIn(local)) {
        const offset = progress.get(name)?.offset ?? 0
        const size = yield* Effect.promise(() =>
          lstat(join(local, name)).then(
            (status) => status.size,
            () => offset
          )
        )
        const bytes = Math.max(0, size - offset)
        const reason = obstacles.get(name)
        if (bytes > 0) found.push({ name, offset, bytes, reason: reason ?? "it has not been sent" })
      }
      return found
    })

    return {
      pass: oneAtATime.withPermits(1)(pass),
      flush: (confirmed) => oneAtATime.withPermits(1)(flush(confirmed)),
      // It only looks: whoever asks is about to leave, and waits for nobody.
      gaps
    }
  })

/** Regular files, in the order of their names; none while the directory is not there. */
const namesIn = (directory: string) =>
  Effect.tryPromise({
    try: () => readdir(directory, { withFileTypes: true }),
    catch: (cause) => ({
      missing: cause instanceof Error && "code" in cause && cause.code === "ENOENT",
      message: String(cause)
    })
  }).pipe(
    Effect.catch((error) =>
      Effect.as(error.missing ? Effect.void : Effect.logWarning(`logs are not uploaded: ${error.message}`), [])
    ),
    Effect.map((entries) =>
      entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort()
    )
  )
