/** Reading the hub's file tree: over HTTP below `topurl`, or mounted below `topdir` (daemon.md 5.6, tasks.md 1.9). */

import { createReadStream } from "node:fs"
import { open, rm, stat } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Layer, Schedule, Schema, Stream } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { safeRelativePath } from "../koji/Paths.ts"

/** A file of the hub's could not be had. */
export class HubFileError extends Schema.TaggedError<HubFileError>()("HubFileError", {
  path: Schema.String,
  reason: Schema.Literals(["missing", "unsafe", "too-large", "cut-short", "unavailable"]),
  message: Schema.String
}) {}

/** No file that a task fetches is larger. */
export const fetchBytesMax = 64 * 1024 ** 3

const retriesMax = 3

export class HubFiles extends Context.Service<
  HubFiles,
  {
    /** Copies a file of the tree to a local path, whole or not at all. `relative` is below the tree's top. */
    fetch(relative: string, destination: string): Effect.Effect<{ readonly bytes: number }, HubFileError>
    /** A small file's contents. */
    read(relative: string, bytesMax: number): Effect.Effect<Uint8Array, HubFileError>
  }
>()("adjutant/hub/HubFiles") {
  static readonly layer = (tree: { readonly topUrl: string | null; readonly topDirectory: string }) =>
    Layer.effect(
      HubFiles,
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        const source = (relative: string) =>
          tree.topUrl === null ? local(tree.topDirectory, relative) : remote(client, tree.topUrl, relative)
        return HubFiles.of({
          fetch: (relative, destination) =>
            retrying(Effect.flatMap(safe(relative), (path) => save(source(path), path, destination))),
          read: (relative, bytesMax) =>
            retrying(Effect.flatMap(safe(relative), (path) => collect(source(path), path, bytesMax)))
        })
      })
    )
}

interface Source {
  /** What the other side says it will be. */
  readonly length: number | null
  readonly bytes: Stream.Stream<Uint8Array, HubFileError>
}

const safe = (relative: string) =>
  Effect.fromResult(safeRelativePath(relative)).pipe(
    Effect.mapError((error) => new HubFileError({ path: relative, reason: "unsafe", message: error.message }))
  )

const retrying = <A>(work: Effect.Effect<A, HubFileError>) =>
  work.pipe(
    Effect.retry({
      times: retriesMax,
      schedule: Schedule.exponential("300 millis"),
      while: (error) => error.reason === "unavailable" || error.reason === "cut-short"
    })
  )

const remote = (client: HttpClient.HttpClient, top: string, path: string): Effect.Effect<Source, HubFileError> => {
  const url = `${top.replace(/\/+$/, "")}/${path.split("/").map(encodeURIComponent).join("/")}`
  const failed = (reason: HubFileError["reason"], message: string) => new HubFileError({ path, reason, message })
  return client.execute(HttpClientRequest.get(url, { headers: { "Accept-Encoding": "identity" } })).pipe(
    Effect.mapError(() => failed("unavailable", `${url} cannot be reached`)),
    Effect.flatMap((response) => {
      if (response.status === 404) return Effect.fail(failed("missing", `${url} does not exist`))
      if (response.status !== 200) return Effect.fail(failed("unavailable", `${url}: HTTP status ${response.status}`))
      const length = Number.parseInt(response.headers["content-length"] ?? "", 10)
      return Effect.succeed({
        length: Number.isNaN(length) ? null : length,
        bytes: Stream.mapError(response.stream, () => failed("unavailable", `${url}: the connection was lost`))
      })
    })
  )
}

const local = (top: string, path: string): Effect.Effect<Source, HubFileError> => {
  const file = join(top, path)
  return Effect.tryPromise({
    try: () => stat(file),
    catch: () => new HubFileError({ path, reason: "missing", message: `${file} does not exist` })
  }).pipe(
    Effect.map((found) => ({
      length: found.size,
      bytes: Stream.fromAsyncIterable(
        createReadStream(file) as AsyncIterable<Uint8Array>,
        (cause) => new HubFileError({ path, reason: "unavailable", message: `${file}: ${String(cause)}` })
      )
    }))
  )
}

const save = (opening: Effect.Effect<Source, HubFileError>, path: string, destination: string) =>
  Effect.gen(function* () {
    const { length, bytes } = yield* opening
    const cannot = (cause: unknown) =>
      new HubFileError({ path, reason: "unavailable", message: `cannot write ${destination}: ${String(cause)}` })
    const file = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => open(destination, "w", 0o644), catch: cannot }),
      (handle) => Effect.promise(() => handle.close()).pipe(Effect.ignoreCause)
    )
    let written = 0
    yield* Stream.runForEach(bytes, (chunk) => {
      written += chunk.length
      if (written > fetchBytesMax) {
        return Effect.fail(
          new HubFileError({ path, reason: "too-large", message: `larger than ${fetchBytesMax} bytes` })
        )
      }
      return Effect.tryPromise({ try: () => file.writeFile(chunk), catch: cannot })
    })
    yield* complete(path, length, written)
    return { bytes: written }
  }).pipe(
    Effect.scoped,
    Effect.tapError(() => Effect.promise(() => rm(destination, { force: true })))
  )

const collect = (opening: Effect.Effect<Source, HubFileError>, path: string, bytesMax: number) =>
  Effect.gen(function* () {
    const { length, bytes } = yield* opening
    const tooLarge = new HubFileError({ path, reason: "too-large", message: `larger than ${bytesMax} bytes` })
    if (length !== null && length > bytesMax) return yield* tooLarge
    const chunks: Array<Uint8Array> = []
    let read = 0
    yield* Stream.runForEach(bytes, (chunk) => {
      read += chunk.length
      if (read > bytesMax) return Effect.fail(tooLarge)
      chunks.push(chunk)
      return Effect.void
    })
    yield* complete(path, length, read)
    return new Uint8Array(Buffer.concat(chunks))
  })

const complete = (path: string, announced: number | null, got: number) =>
  announced === null || announced === got
    ? Effect.void
    : Effect.fail(new HubFileError({ path, reason: "cut-short", message: `${got} of ${announced} bytes arrived` }))
