/**
 * A capture: the raw output of one container step in a file, byte for byte as the engine's log has it.
 *
 * It is written in order, appended to and never rewritten; so what it holds after a crash is a beginning of the
 * output, and a step that is adopted goes on where the file ends: the log is read again from its start and as many
 * bytes passed over as the file has. A step that is *run* again starts its capture again.
 *
 * A capture that cannot be written (no space) is a defect, not an outcome of the step: the task is given back.
 */

import { constants } from "node:fs"
import { type FileHandle, mkdir, open } from "node:fs/promises"
import { dirname } from "node:path"
import { Effect, type Scope } from "effect"
import type { OutputSink } from "./Engine.ts"

/** A sink that knows how much it holds. */
export interface Capture extends OutputSink {
  /** Bytes in the file, those from before a restart included. */
  readonly bytes: Effect.Effect<number>
}

/** Nobody but us reads it, and a link in its place is not followed. */
const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW
const mode = 0o600

/** Starts a capture of both streams, in the order in which they come, in the file of this path. */
export const captureTo = (path: string): Effect.Effect<Capture, never, Scope.Scope> =>
  Effect.map(openFile(path, flags | constants.O_TRUNC), fileSink)

/** Goes on with a capture that an earlier process began. */
export const continueCapture = (path: string): Effect.Effect<Capture, never, Scope.Scope> =>
  Effect.map(openFile(path, flags), fileSink)

/** Starts a capture for each stream, for a step that keeps them apart. */
export const captureApart = Effect.fnUntraced(function* (paths: { readonly stdout: string; readonly stderr: string }) {
  const stdout = yield* captureTo(paths.stdout)
  const stderr = yield* captureTo(paths.stderr)
  const capture: Capture = {
    write: (from, bytes) => (from === "stdout" ? stdout : stderr).write(from, bytes),
    bytes: Effect.zipWith(stdout.bytes, stderr.bytes, (out, err) => out + err)
  }
  return capture
})

const openFile = (path: string, how: number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      await mkdir(dirname(path), { recursive: true })
      return open(path, how, mode)
    }),
    (file) => Effect.promise(() => file.close())
  )

const fileSink = (file: FileHandle): Capture => ({
  // A write is whole or has not begun: what is passed over after a restart is counted in bytes of this file.
  write: (_, bytes) => Effect.uninterruptible(Effect.promise(() => writeAll(file, bytes))),
  bytes: Effect.promise(() => file.stat()).pipe(Effect.map(({ size }) => size))
})

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  let at = 0
  while (at < bytes.length) at += (await file.write(bytes, at, bytes.length - at)).bytesWritten
}
