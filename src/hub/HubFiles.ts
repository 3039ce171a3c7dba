/**
 * Reading the hub's file tree: over HTTP below `topurl`, or mounted below `topdir` (daemon.md 5.6, tasks.md 1.9).
 *
 * Names in the tree come from the hub, so that a path is checked before anything is made of it. What is fetched is
 * there whole or not at all.
 */
import { constants } from "node:fs"
import { type FileHandle, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Layer, Schedule, Schema, type Scope, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { safeRelativePath } from "../koji/Paths.ts"
import { tlsTrouble } from "./TlsTrouble.ts"

/** A file of the hub's could not be had. Only what is `unavailable` or `cut-short` has been tried more than once. */
export class HubFileError extends Schema.TaggedError<HubFileError>()("HubFileError", {
  path: Schema.String,
  reason: Schema.Literals(["missing", "unsafe", "refused", "too-large", "cut-short", "unavailable", "unwritable"]),
  message: Schema.String
}) {}

/** No file that a task fetches is larger. */
export const fetchBytesMax = 64 * 1024 ** 3

/** Koji's: three more tries, further and further apart. */
const retriesMax = 3
/** A transfer that stands still for so long is taken for dead; so is a server that does not begin to answer. */
const silenceSecondsMax = 120
/** A tree may have moved to a mirror. */
const redirectsMax = 5

export class HubFiles extends Context.Service<
  HubFiles,
  {
    /** Copies a file of the tree to a local path, whole or not at all. `relative` is below the tree's top. */
    fetch(relative: string, destination: string): Effect.Effect<{ readonly bytes: number }, HubFileError>
    /** A small file's contents. Larger ones are refused, without being read to their end. */
    read(relative: string, bytesMax: number): Effect.Effect<Uint8Array, HubFileError>
  }
>()("adjutant/hub/HubFiles") {
  /** Over HTTP when there is a URL, from the mounted tree when there is none. */
  static readonly layer = (tree: { readonly topUrl: string | null; readonly topDirectory: string }) =>
    tree.topUrl === null ? HubFiles.layerMounted(tree.topDirectory) : HubFiles.layerServed(tree.topUrl)

  static readonly layerServed = (topUrl: string) =>
    Layer.effect(
      HubFiles,
      Effect.map(HttpClient.HttpClient, (plain) => {
        const client = HttpClient.followRedirects(plain, redirectsMax)
        return HubFiles.of(reading((path) => served(client, topUrl, path)))
      })
    )

  static readonly layerMounted = (topDirectory: string) =>
    Layer.succeed(HubFiles, HubFiles.of(reading((path) => mounted(topDirectory, path))))
}

/** The service over any way to get at a file. */
const reading = (source: (path: string) => Effect.Effect<Source, HubFileError, Scope.Scope>): HubFiles["Service"] => ({
  fetch: Effect.fn("HubFiles.fetch")(function* (relative: string, destination: string) {
    const path = yield* safe(relative)
    return yield* patiently(save(source(path), path, destination))
  }),
  read: Effect.fn("HubFiles.read")(function* (relative: string, bytesMax: number) {
    const path = yield* safe(relative)
    return yield* patiently(collect(source(path), path, bytesMax))
  })
})

interface Source {
  /** What the other side says it will be. */
  readonly length: number | null
  readonly bytes: Stream.Stream<Uint8Array, HubFileError>
}

const safe = (relative: string) =>
  Effect.fromResult(safeRelativePath(relative)).pipe(
    Effect.mapError((error) => new HubFileError({ path: relative, reason: "unsafe", message: error.message }))
  )

const patiently = <A>(work: Effect.Effect<A, HubFileError, Scope.Scope>) =>
  Effect.scoped(work).pipe(
    Effect.retry({
      times: retriesMax,
      schedule: Schedule.exponential("300 millis"),
      while: (error) => error.reason === "unavailable" || error.reason === "cut-short"
    })
  )

const passing = (status: number): boolean => status === 408 || status === 429 || status >= 500

const served = (client: HttpClient.HttpClient, top: string, path: string): Effect.Effect<Source, HubFileError> => {
  const url = `${top.replace(/\/+$/, "")}/${path.split("/").map(encodeURIComponent).join("/")}`
  // Messages are journaled and go to the hub; credentials in a URL do not.
  const shown = url.replace(/\/\/[^/@]*@/, "//")
  const failed = (reason: HubFileError["reason"], message: string) =>
    new HubFileError({ path, reason, message: `${shown}${message}` })
  const still = failed("unavailable", `: nothing came for ${silenceSecondsMax} s`)
  // What is stored is what is wanted: a `.gz` in the tree stays one.
  const request = HttpClientRequest.get(url, { headers: { "Accept-Encoding": "identity" } })
  return client.execute(request).pipe(
    Effect.mapError((error) => notReached(error, failed)),
    Effect.timeoutOrElse({ duration: `${silenceSecondsMax} seconds`, orElse: () => Effect.fail(still) }),
    Effect.flatMap((response) => {
      const { status } = response
      if (status === 404 || status === 410) return Effect.fail(failed("missing", " does not exist"))
      if (status !== 200) {
        return Effect.fail(failed(passing(status) ? "unavailable" : "refused", `: HTTP status ${status}`))
      }
      const length = response.headers["content-length"]
      return Effect.succeed({
        length: length !== undefined && /^[0-9]+$/.test(length) ? Number(length) : null,
        bytes: response.stream.pipe(
          Stream.mapError(() => failed("cut-short", ": the connection was lost")),
          Stream.timeoutOrElse({ duration: `${silenceSecondsMax} seconds`, orElse: () => Stream.fail(still) })
        )
      })
    }),
    Effect.provideService(HttpClient.TracerDisabledWhen, () => true)
  )
}

const notReached = (
  { reason }: HttpClientError.HttpClientError,
  failed: (reason: HubFileError["reason"], message: string) => HubFileError
): HubFileError => {
  const trouble = tlsTrouble("cause" in reason ? reason.cause : undefined)
  return trouble === undefined ? failed("unavailable", " cannot be reached") : failed("refused", `: ${trouble.message}`)
}

const readBytes = 1024 * 1024

const mounted = (top: string, path: string): Effect.Effect<Source, HubFileError, Scope.Scope> => {
  const local = join(top, path)
  const failed = (cause: unknown) =>
    new HubFileError({
      path,
      reason: isMissing(cause) ? "missing" : "unavailable",
      message: isMissing(cause) ? `${local} does not exist` : `${local}: ${String(cause)}`
    })
  return Effect.gen(function* () {
    // Koji's tree has links of its own, from tags to volumes; they are followed.
    const file = yield* opened(local, constants.O_RDONLY | constants.O_NONBLOCK, failed)
    const status = yield* Effect.tryPromise({ try: () => file.stat(), catch: failed })
    if (!status.isFile()) {
      return yield* new HubFileError({ path, reason: "refused", message: `${local} is not a regular file` })
    }
    const chunks = file.createReadStream({ highWaterMark: readBytes, autoClose: false })
    return { length: status.size, bytes: Stream.fromAsyncIterable<Uint8Array, HubFileError>(chunks, failed) }
  })
}

const isMissing = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")

const opened = <E>(
  path: string,
  flags: number,
  failed: (cause: unknown) => E
): Effect.Effect<FileHandle, E, Scope.Scope> =>
  Effect.acquireRelease(Effect.tryPromise({ try: () => open(path, flags, 0o644), catch: failed }), (handle) =>
    Effect.promise(() => handle.close()).pipe(Effect.ignoreCause)
  )

const save = (source: Effect.Effect<Source, HubFileError, Scope.Scope>, path: string, destination: string) =>
  Effect.gen(function* () {
    const { length, bytes } = yield* source
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants
    const unwritable = (cause: unknown) =>
      new HubFileError({ path, reason: "unwritable", message: `cannot write ${destination}: ${String(cause)}` })
    const file = yield* opened(destination, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, unwritable)
    let written = 0
    yield* Stream.runForEach(bytes, (chunk) => {
      written += chunk.length
      if (written > fetchBytesMax) return Effect.fail(tooLarge(path, fetchBytesMax))
      return Effect.tryPromise({ try: () => file.writeFile(chunk), catch: unwritable })
    }).pipe(
      Effect.andThen(() => complete(path, length, written)),
      Effect.onError(() => Effect.promise(() => rm(destination, { force: true })).pipe(Effect.ignoreCause))
    )
    return { bytes: written }
  })

const collect = (source: Effect.Effect<Source, HubFileError, Scope.Scope>, path: string, bytesMax: number) =>
  Effect.gen(function* () {
    const { length, bytes } = yield* source
    if (length !== null && length > bytesMax) return yield* tooLarge(path, bytesMax)
    const chunks: Array<Uint8Array> = []
    let read = 0
    yield* Stream.runForEach(bytes, (chunk) => {
      read += chunk.length
      if (read > bytesMax) return Effect.fail(tooLarge(path, bytesMax))
      chunks.push(chunk)
      return Effect.void
    })
    yield* complete(path, length, read)
    return new Uint8Array(Buffer.concat(chunks))
  })

const tooLarge = (path: string, bytesMax: number): HubFileError =>
  new HubFileError({ path, reason: "too-large", message: `${path} is larger than ${bytesMax} bytes` })

const complete = (path: string, announced: number | null, got: number) =>
  announced === null || announced === got
    ? Effect.void
    : Effect.fail(
        new HubFileError({ path, reason: "cut-short", message: `${path}: ${got} of ${announced} bytes arrived` })
      )
