/** A journal at an address, and what lies beside it there: `adjutant-events.log` in the task's directory at the hub. */
import { Effect, Option, Result, Stream } from "effect"
import { HttpClient, type HttpClientError, HttpClientRequest } from "effect/http"
import { ThroughProxy } from "../hub/ThroughProxy.ts"
import { FileUnreadable } from "../inspect/Files.ts"
import { type JournalSource, JournalUnreadable } from "../inspect/JournalSource.ts"
import type { Found, Surroundings } from "../inspect/Surroundings.ts"
import { bytes as inBytes } from "../inspect/Units.ts"
import { streamBytesMax } from "../journal/StreamWriter.ts"
import { safeComponent } from "../koji/Paths.ts"
import { withoutPassword } from "../koji/ScmUrl.ts"

/** Nothing that the daemon has written is larger. */
export const fetchedBytesMax = streamBytesMax
/** Of a log beside it, which is held in memory. */
export const remoteLogBytesMax = 64 * 1024 * 1024
/** A server that says nothing for so long has nothing to say. */
const silenceSecondsMax = 30
/** Somebody is waiting. */
const fetchSecondsMax = 600
/** A tree may have moved to a mirror. */
const redirectsMax = 5

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text)

/** The journal at this address. */
export const remoteSource = (url: URL, client: HttpClient.HttpClient): JournalSource => {
  const name = shown(url)
  return {
    name,
    bytes: fetched(url, client, fetchedBytesMax).pipe(
      Stream.mapError(({ reason, message }) => new JournalUnreadable({ file: name, reason, message }))
    )
  }
}

/** What lies beside it: Koji's logs, by their names. Values and captures stay on the builder. */
export const aroundUrl = (url: URL, client: HttpClient.HttpClient): Surroundings => {
  const fetchedBefore = new Map<string, Option.Option<Found>>()
  const fetchLog = Effect.fnUntraced(function* (name: string) {
    const place = besides(url, name)
    const content = yield* fetched(place, client, remoteLogBytesMax).pipe(
      Stream.runCollect,
      Effect.map((chunks) => Buffer.concat(chunks)),
      Effect.option
    )
    return Option.map(
      content,
      (bytes): Found => ({
        name: shown(place),
        size: bytes.length,
        isLink: false,
        bytes: (from) => Stream.make(bytes.subarray(from))
      })
    )
  })
  return {
    find: Effect.fnUntraced(function* ({ kind, name }) {
      if (kind !== "log" || Result.isFailure(safeComponent(name))) return Option.none<Found>()
      const log = fetchedBefore.get(name) ?? (yield* fetchLog(name))
      fetchedBefore.set(name, log)
      return log
    })
  }
}

/** The address of another file in the same directory; kojiweb's own way of serving them has the name in a parameter. */
const besides = (url: URL, name: string): URL => {
  const other = new URL(url)
  if (other.searchParams.has("name")) other.searchParams.set("name", name)
  else other.pathname = `${url.pathname.replace(/[^/]*$/, "")}${encodeURIComponent(name)}`
  return other
}

/** The connection's own words where a proxy is on the way: which one is the first thing to look at. */
const reason = (error: HttpClientError.HttpClientError): string => {
  const cause = "cause" in error.reason ? error.reason.cause : undefined
  return cause instanceof ThroughProxy ? ` ${cause.message}` : `: ${error.message}`
}

const shown = (url: URL): string => withoutPassword(url.href)

const fetched = (
  url: URL,
  client: HttpClient.HttpClient,
  bytesMax: number
): Stream.Stream<Uint8Array, FileUnreadable> => {
  const failed = (reason: FileUnreadable["reason"], message: string) =>
    new FileUnreadable({ path: shown(url), reason, message })
  const still = failed("unreadable", `nothing came for ${silenceSecondsMax} s`)
  const tooLarge = failed("too-large", `it is larger than ${inBytes(bytesMax)}, and no more is fetched`)
  const request = HttpClientRequest.get(url, { headers: { "Accept-Encoding": "identity" } })
  return HttpClient.followRedirects(client, redirectsMax)
    .execute(request)
    .pipe(
      Effect.mapError((error) => failed("unreadable", `the server cannot be reached${reason(error)}`)),
      Effect.timeoutOrElse({ duration: `${silenceSecondsMax} seconds`, orElse: () => Effect.fail(still) }),
      Effect.flatMap((response) => {
        const { status } = response
        if (status === 404 || status === 410) return Effect.fail(failed("missing", "the server has no such file"))
        if (status !== 200) return Effect.fail(failed("unreadable", `the server answers with HTTP status ${status}`))
        const length = response.headers["content-length"]
        if (length !== undefined && Number(length) > bytesMax) return Effect.fail(tooLarge)
        return Effect.succeed(response.stream)
      }),
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Stream.unwrap,
      Stream.mapError((error) =>
        error instanceof FileUnreadable ? error : failed("unreadable", "the connection was lost")
      ),
      Stream.timeoutOrElse({ duration: `${silenceSecondsMax} seconds`, orElse: () => Stream.fail(still) }),
      atMost(bytesMax, tooLarge),
      Stream.interruptWhen(
        Effect.andThen(
          Effect.sleep(`${fetchSecondsMax} seconds`),
          Effect.fail(failed("unreadable", `it is not complete after ${fetchSecondsMax} s`))
        )
      )
    )
}

const atMost =
  (bytesMax: number, error: FileUnreadable) =>
  (stream: Stream.Stream<Uint8Array, FileUnreadable>): Stream.Stream<Uint8Array, FileUnreadable> =>
    Stream.suspend(() => {
      let read = 0
      return Stream.mapEffect(stream, (chunk) => {
        read += chunk.length
        return read > bytesMax ? Effect.fail(error) : Effect.succeed(chunk)
      })
    })
