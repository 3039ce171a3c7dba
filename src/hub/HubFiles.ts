/**
 * Reading the hub's file tree: over HTTP below `topurl`, or mounted below `topdir` (daemon.md 5.6, tasks.md 1.9).
 *
 * Names in the tree come from the hub, so that a path is checked before anything is made of it. What is fetched is
 * there whole or not at all; a transfer that breaks off goes on where it was, if the server says that it still is the
 * same file.
 */
import { constants } from "node:fs"
import { type FileHandle, open, rm } from "node:fs/promises"
import { join } from "node:path"
import { Context, Effect, Layer, Schedule, Schema, type Scope, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { safeRelativePath } from "../koji/Paths.ts"
import { failureOf } from "./ThroughProxy.ts"
import { tlsTrouble } from "./TlsTrouble.ts"

/** A file of the hub's could not be had. Only what is `unavailable` or `cut-short` has been tried more than once. */
export class HubFileError extends Schema.TaggedError<HubFileError>()("HubFileError", {
  path: Schema.String,
  reason: Schema.Literals(["missing", "unsafe", "refused", "too-large", "cut-short", "unavailable", "unwritable"]),
  message: Schema.String
}) {}

/** No file that a task fetches is larger. */
export const fetchBytesMax = 64 * 1024 ** 3

/** Koji's: three more tries, further and further apart. A try that brought something does not count. */
const retriesMax = 3
const retryMillisMax = 30_000
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
        return HubFiles.of(reading((path, from) => served(client, topUrl, path, from)))
      })
    )

  static readonly layerMounted = (topDirectory: string) =>
    Layer.succeed(HubFiles, HubFiles.of(reading((path) => mounted(topDirectory, path))))
}

/** The service over any way to get at a file. */
const reading = (
  source: (path: string, from: Place) => Effect.Effect<Source, HubFileError, Scope.Scope>
): HubFiles["Service"] => ({
  fetch: Effect.fn("HubFiles.fetch")(function* (relative: string, destination: string) {
    const path = yield* safe(relative)
    const progress: Progress = { offset: 0, mark: null, length: null, opened: false }
    return yield* patiently(
      Effect.suspend(() => save(source(path, progress), path, destination, progress)),
      () => (progress.mark === null ? 0 : progress.offset)
    ).pipe(
      Effect.onError(() =>
        progress.opened ? Effect.ignoreCause(Effect.promise(() => rm(destination, { force: true }))) : Effect.void
      )
    )
  }),
  read: Effect.fn("HubFiles.read")(function* (relative: string, bytesMax: number) {
    const path = yield* safe(relative)
    return yield* patiently(collect(source(path, start), path, bytesMax), () => 0)
  })
})

/** Where a reading begins, and the server's mark of the file that has come so far; without one nothing is gone on with. */
interface Place {
  readonly offset: number
  readonly mark: string | null
  /** Of the whole, as it was said to be. */
  readonly length: number | null
}
const start: Place = { offset: 0, mark: null, length: null }

/** How far a fetch has come, from try to try. */
interface Progress extends Place {
  offset: number
  mark: string | null
  length: number | null
  opened: boolean
}

interface Source {
  /** Where the bytes begin: what was asked for, or the start. */
  readonly offset: number
  readonly mark: string | null
  /** How long the other side says that the whole will be. */
  readonly length: number | null
  readonly bytes: Stream.Stream<Uint8Array, HubFileError>
}

const safe = (relative: string) =>
  Effect.fromResult(safeRelativePath(relative)).pipe(
    Effect.mapError((error) => new HubFileError({ path: relative, reason: "unsafe", message: error.message }))
  )

/** `come` tells how many bytes have come that need not come again. */
const patiently = <A>(work: Effect.Effect<A, HubFileError, Scope.Scope>, come: () => number) =>
  Effect.suspend(() => {
    let before = 0
    let vain = 0
    const worthwhile = ({ reason }: HubFileError): boolean => {
      vain = come() > before ? 0 : vain + 1
      before = Math.max(before, come())
      return (reason === "unavailable" || reason === "cut-short") && vain <= retriesMax
    }
    const pauses = Schedule.min([Schedule.exponential("300 millis"), Schedule.spaced(retryMillisMax)])
    return Effect.scoped(work).pipe(Effect.retry({ schedule: pauses, while: worthwhile }))
  })

const passing = (status: number): boolean => status === 408 || status === 429 || status >= 500

const served = (
  client: HttpClient.HttpClient,
  top: string,
  path: string,
  from: Place
): Effect.Effect<Source, HubFileError> => {
  const url = `${top.replace(/\/+$/, "")}/${path.split("/").map(encodeURIComponent).join("/")}`
  // Messages are journaled and go to the hub; credentials in a URL do not.
  const shown = url.replace(/\/\/[^/@]*@/, "//")
  const failed = (reason: HubFileError["reason"], message: string) =>
    new HubFileError({ path, reason, message: `${shown}${message}` })
  const still = failed("unavailable", `: nothing came for ${silenceSecondsMax} s`)
  // What is stored is what is wanted: a `.gz` in the tree stays one.
  const goOn: Record<string, string> =
    from.mark === null || from.offset === 0 ? {} : { Range: `bytes=${from.offset}-`, "If-Range": from.mark }
  const request = HttpClientRequest.get(url, { headers: { "Accept-Encoding": "identity", ...goOn } })
  return client.execute(request).pipe(
    Effect.mapError((error) => notReached(error, failed)),
    Effect.timeoutOrElse({ duration: `${silenceSecondsMax} seconds`, orElse: () => Effect.fail(still) }),
    Effect.flatMap((response) => {
      const { status } = response
      if (status === 404 || status === 410) return Effect.fail(failed("missing", " does not exist"))
      const part = status === 206 ? rangeOf(response.headers["content-range"]) : undefined
      // Another file by now, whatever the server makes of our condition; or we have more than there is.
      const mark = markOf(response.headers)
      const isOther = part !== undefined && ((mark !== null && mark !== from.mark) || part.length !== from.length)
      if (isOther || (status === 416 && from.offset > 0)) return Effect.fail(failed("cut-short", " has changed"))
      if (status !== 200 && part?.offset !== from.offset) {
        return Effect.fail(failed(passing(status) ? "unavailable" : "refused", `: HTTP status ${status}`))
      }
      return Effect.succeed({
        offset: part?.offset ?? 0,
        mark,
        length: part === undefined ? numberOf(response.headers["content-length"]) : part.length,
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
  error: HttpClientError.HttpClientError,
  failed: (reason: HubFileError["reason"], message: string) => HubFileError
): HubFileError => {
  const { cause, through } = failureOf(error)
  const trouble = tlsTrouble(cause)
  return trouble === undefined
    ? failed("unavailable", ` cannot be reached${through}`)
    : failed("refused", `: ${trouble.message}${through}`)
}

const numberOf = (text: string | undefined): number | null =>
  text !== undefined && /^[0-9]+$/.test(text) ? Number(text) : null

/** `bytes 5-9/10`, or `*` for a length that the server does not know. */
const rangeOf = (text: string | undefined) => {
  const [, offset, length] = /^bytes ([0-9]+)-[0-9]+\/([0-9]+|\*)$/.exec(text ?? "") ?? []
  return offset === undefined ? undefined : { offset: Number(offset), length: numberOf(length) }
}

/** What a file can be known by again. A weak tag says too little, and a date is second best. */
const markOf = (headers: Readonly<Record<string, string | undefined>>): string | null => {
  const { etag, "last-modified": date } = headers
  return etag !== undefined && !etag.startsWith("W/") ? etag : (date ?? null)
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
    return { ...start, length: status.size, bytes: Stream.fromAsyncIterable<Uint8Array, HubFileError>(chunks, failed) }
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

const save = (
  source: Effect.Effect<Source, HubFileError, Scope.Scope>,
  path: string,
  destination: string,
  progress: Progress
) =>
  Effect.gen(function* () {
    const { offset, mark, length, bytes } = yield* source.pipe(
      Effect.tapError(({ reason }) => Effect.sync(() => reason === "cut-short" && Object.assign(progress, start)))
    )
    const { O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_NOFOLLOW } = constants
    const unwritable = (cause: unknown) =>
      new HubFileError({ path, reason: "unwritable", message: `cannot write ${destination}: ${String(cause)}` })
    const how = offset === 0 ? O_TRUNC : O_APPEND
    const file = yield* opened(destination, O_WRONLY | O_CREAT | O_NOFOLLOW | how, unwritable)
    Object.assign(progress, { offset, mark, length, opened: true })
    yield* Stream.runForEach(bytes, (chunk) => {
      if (progress.offset + chunk.length > fetchBytesMax) return Effect.fail(tooLarge(path, fetchBytesMax))
      return Effect.tryPromise({ try: () => file.writeFile(chunk), catch: unwritable }).pipe(
        // Written and counted, or neither: the next try begins behind what is counted.
        Effect.andThen(Effect.sync(() => (progress.offset += chunk.length))),
        Effect.uninterruptible
      )
    })
    yield* complete(path, length, progress.offset)
    return { bytes: progress.offset }
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
