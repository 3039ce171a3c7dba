/**
 * An engine that goes away comes back, most of the time: it is being upgraded, or starts again. What a step asks of it is
 * asked again then, for as long as the engine is not away for a minute at a time.
 */
import { Effect, Option, Schedule } from "effect"
import type { EngineClient } from "./DockerodeClient.ts"
import { EngineError } from "./Engine.ts"

/** How long an engine may be away at a time. */
export const absenceMillisMax = 60_000
/** Pauses between looks whether it is there again. */
export const reconnectInterval = "500 millis"
/** How often what the engine does not answer is asked again, although it answers other things. */
const askedAgainMax = 10

/** Whether the engine answers, at once or within the time. */
const answers = (client: EngineClient): Effect.Effect<boolean> =>
  client.version.pipe(
    Effect.retry({ while: ({ reason }) => reason === "unreachable", schedule: Schedule.spaced(reconnectInterval) }),
    Effect.result,
    Effect.timeoutOption(absenceMillisMax),
    Effect.map(Option.isSome)
  )

/** When to ask again what found the engine away: once it is back. */
export const onceBack = (client: EngineClient) => ({
  while: (error: unknown): Effect.Effect<boolean> =>
    error instanceof EngineError && error.reason === "unreachable" ? answers(client) : Effect.succeed(false),
  schedule: Schedule.spaced(reconnectInterval),
  times: askedAgainMax
})

/** Asks again what found the engine away. Whoever asks makes sure that asking twice does no harm. */
export const throughAbsence =
  (client: EngineClient) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.retry(effect, onceBack(client))
