/**
 * What tasks have left at the hub, read over its API alone (kojihub's listTaskOutput and downloadTaskOutput), so that
 * nothing needs to be known of where its files are served.
 */
import { mkdir, open, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { call } from "../hub/calls/call.ts"
import { safeComponent } from "../koji/Paths.ts"

export interface OutputFile {
  /** Below the task's directory; `/` separates. */
  readonly name: string
  readonly bytes: number
  /** Seconds since the epoch by the hub's clock. */
  readonly modified: number
}

/** A file could not be fetched, for a reason of this side's. */
export class FetchFailed extends Schema.TaggedError<FetchFailed>()("FetchFailed", {
  file: Schema.String,
  message: Schema.String
}) {}

/** One call's worth. */
const chunkBytes = 1024 * 1024
/** No log or package is larger; a hub that says so is not believed. */
export const fileBytesMax = 16 * 1024 ** 3

const Stat = Schema.Struct({
  // The hub sends sizes as text, since XML-RPC's integers end at 2^31.
  st_size: Schema.Union([Schema.Int, Schema.FiniteFromString]),
  st_mtime: Schema.Finite
})

/** The files of a task, by name; none when it has left nothing. */
export const outputsOf = Effect.fn("outputsOf")(function* (task: number) {
  const found = yield* call(Schema.Record(Schema.String, Stat), "listTaskOutput", [task], { stat: true })
  return Object.entries(found)
    .map(([name, stat]): OutputFile => ({ name, bytes: stat.st_size, modified: stat.st_mtime }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
})

/** At most `size` bytes of a file from `offset` on; fewer where it ends. */
export const readOutput = (task: number, name: string, offset: number, size: number) =>
  call(Schema.Uint8ArrayFromBase64, "downloadTaskOutput", [task, name, offset, size])

/** The end of a file as text. */
export const readOutputEnd = Effect.fnUntraced(function* (task: number, file: OutputFile, bytes: number) {
  const offset = Math.max(0, file.bytes - bytes)
  return new TextDecoder().decode(yield* readOutput(task, file.name, offset, bytes))
})

/**
 * Copies a file into `directory`, whole or not at all, under its own last name; gives the path. What stands there
 * under that name is replaced.
 */
export const fetchOutput = Effect.fn("fetchOutput")(function* (task: number, file: OutputFile, directory: string) {
  const failed = (cause: unknown) =>
    new FetchFailed({ file: file.name, message: cause instanceof Error ? cause.message : String(cause) })
  const name = yield* Effect.fromResult(safeComponent(file.name.split("/").at(-1) ?? "")).pipe(Effect.mapError(failed))
  if (file.bytes > fileBytesMax) return yield* failed(`${file.bytes} bytes, the limit is ${fileBytesMax}`)
  const path = join(directory, name)
  const partial = `${path}.part`
  yield* Effect.tryPromise({ try: () => mkdir(directory, { recursive: true }), catch: failed })
  yield* Effect.scoped(
    Effect.gen(function* () {
      const copy = yield* Effect.acquireRelease(
        Effect.tryPromise({ try: () => open(partial, "w", 0o644), catch: failed }),
        (handle) => Effect.promise(() => handle.close()).pipe(Effect.ignoreCause)
      )
      for (let offset = 0; offset < file.bytes; ) {
        const bytes = yield* readOutput(task, file.name, offset, Math.min(chunkBytes, file.bytes - offset))
        if (bytes.length === 0) return yield* failed(`it ended after ${offset} of ${file.bytes} bytes`)
        yield* Effect.tryPromise({ try: () => copy.writeFile(bytes), catch: failed })
        offset += bytes.length
      }
    })
  ).pipe(Effect.tapCause(() => Effect.promise(() => rm(partial, { force: true }))))
  yield* Effect.tryPromise({ try: () => rename(partial, path), catch: failed })
  return path
})
