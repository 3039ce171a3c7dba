/** What every call to an engine has: a limit, an `EngineError` for a rejection, an answer that is decoded. */
import { NodeStream } from "@effect/platform-node"
import { Effect, Schema, Stream } from "effect"
import { EngineError } from "./Engine.ts"
import { ProgressItem } from "./EngineAnswers.ts"
import { engineFault } from "./EngineFault.ts"

/** Which call, and on what: for the error. */
export interface About {
  readonly operation: string
  readonly subject: string
}
type Promised<A> = (signal: AbortSignal) => Promise<A>

const problem = (about: About, reason: EngineError["reason"], message: string) =>
  new EngineError({ ...about, reason, message })

/** A promise that may take so long. What is given up is told so through the signal. */
export const call = <A>(
  about: About,
  limitSeconds: number | "unlimited",
  promise: Promised<A>
): Effect.Effect<A, EngineError> => {
  const answer = Effect.tryPromise({
    try: promise,
    catch: (cause) => engineFault(about.operation, about.subject, cause)
  })
  if (limitSeconds === "unlimited") return answer
  const late = Effect.suspend(() => Effect.fail(problem(about, "timeout", `no answer within ${limitSeconds} seconds`)))
  return Effect.timeoutOrElse(answer, { duration: `${limitSeconds} seconds`, orElse: () => late })
}

/** A call whose answer is read by this schema. */
export const ask = <A, I>(
  about: About,
  limitSeconds: number,
  schema: Schema.Codec<A, I>,
  promise: Promised<unknown>
): Effect.Effect<A, EngineError> =>
  Effect.flatMap(call(about, limitSeconds, promise), (answer) =>
    Schema.decodeUnknownEffect(schema)(answer).pipe(
      Effect.mapError((error) => problem(about, "refused", `an answer we do not understand: ${error.message}`))
    )
  )

/** A call whose answer is a stream of bytes; the limit is for its beginning. The reader sets the pace. */
export const body = (
  about: About,
  limitSeconds: number | "unlimited",
  open: Promised<NodeJS.ReadableStream>
): Stream.Stream<Uint8Array, EngineError> =>
  Stream.unwrap(
    Effect.map(call(about, limitSeconds, open), (readable) =>
      NodeStream.fromReadable({
        evaluate: () => readable,
        onError: (cause) => engineFault(about.operation, about.subject, cause)
      })
    )
  )

/** The items of an answer that has one on each line. */
export const items = <A, I>(
  about: About,
  schema: Schema.Codec<A, I>,
  bytes: Stream.Stream<Uint8Array, EngineError>
): Stream.Stream<A, EngineError> =>
  bytes.pipe(
    Stream.decodeText,
    Stream.splitLines,
    Stream.filter((line) => line.trim() !== ""),
    Stream.mapEffect((line) =>
      Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(line).pipe(
        Effect.mapError((error) => problem(about, "refused", error.message))
      )
    )
  )

/** The texts of a progress stream; its first item that is an error fails it (Podman sends those with status 200). */
export const progress = (about: About, bytes: Stream.Stream<Uint8Array, EngineError>) =>
  Stream.mapEffect(items(about, ProgressItem, bytes), (item) =>
    typeof item.error === "string" ? problem(about, "refused", item.error) : Effect.succeed(item.status ?? "")
  )

/** Names and references go into the request's path: what is no name must not become another path. */
export const named = <A>(about: About, effect: Effect.Effect<A, EngineError>): Effect.Effect<A, EngineError> =>
  /^[a-zA-Z0-9][a-zA-Z0-9._/:@-]*$/.test(about.subject) && !about.subject.includes("..")
    ? effect
    : Effect.fail(problem(about, "refused", "not a name"))
