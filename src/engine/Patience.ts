/**
 * An engine that goes away comes back, most of the time: it is being upgraded, or starts again. What found it away is
 * asked again then, for as long as it is not away for too long at a time.
 *
 * What is asked for a running step is asked for hours, by several at once, and at the end it matters when the engine was
 * away meanwhile: a vigil shares one patience among them, and remembers.
 */
import { Clock, Effect, Option, Schedule } from "effect"
import { EngineError } from "./Engine.ts"

export interface Patience {
  /**
   * Asks again, once the engine is back, what found it away. Whoever asks makes sure that asking twice does no harm;
   * `still` says whether there is any use in it.
   */
  ask<A, E, R>(effect: Effect.Effect<A, E, R>, still?: () => boolean): Effect.Effect<A, E, R>
  /** A watch that begins now. */
  vigil(): Vigil
}

export interface Vigil {
  /** As often as need be: a long build may see many absences. */
  ask<A>(effect: Effect.Effect<A, EngineError>): Effect.Effect<A, EngineError>
  /** What first told that the engine was away; undefined if it never was. */
  firstMissed(): string | undefined
  /** Whether the engine was away at this time, or about to be. */
  wasAwayAt(millis: number): boolean
}

/** How long an engine may be away at a time. */
const awayMillisDefault = 60_000
/** Pauses between looks whether it is there again. */
const lookInterval = "500 millis"
/** How often one call that the engine does not answer is made again, although it answers other things. */
const askedAgainMax = 10
/** An engine that was not missed for so long had come back. */
const presenceMillis = 5000
/** How long before its absence is noticed an engine may have stopped reading. */
const deathMillis = 1000

/** Patience with the engine that answers this question, if it is there. */
export const makePatience = (
  question: Effect.Effect<unknown, EngineError>,
  awayMillisMax: number = awayMillisDefault
): Patience => ({
  ask: (effect, still = () => true) =>
    Effect.suspend(() => {
      const absences = makeAbsences(question, awayMillisMax)
      return Effect.retry(effect, {
        while: (error) => (isAway(error) && still() ? absences.ends : Effect.succeed(false)),
        schedule: Schedule.spaced(lookInterval),
        times: askedAgainMax
      })
    }),
  vigil: () => {
    const absences = makeAbsences(question, awayMillisMax)
    let first: string | undefined
    return {
      ask: (effect) =>
        Effect.retry(effect, {
          while: (error) => {
            if (!isAway(error)) return Effect.succeed(false)
            first ??= error.message
            return absences.ends
          },
          schedule: Schedule.spaced(lookInterval)
        }),
      firstMissed: () => first,
      wasAwayAt: absences.include
    }
  }
})

const isAway = (error: unknown): boolean => error instanceof EngineError && error.reason === "unreachable"

interface Absence {
  readonly since: number
  /** When it was missed last, or was there again. */
  until: number
}

const makeAbsences = (question: Effect.Effect<unknown, EngineError>, awayMillisMax: number) => {
  const absences: Array<Absence> = []

  /** The absence that is noticed now. One who answers this question and no other is away all the same. */
  const noticed = Effect.map(Clock.currentTimeMillis, (now) => {
    const last = absences.at(-1)
    if (last !== undefined && now - last.until <= presenceMillis) {
      last.until = now
      return last
    }
    const begun: Absence = { since: now, until: now }
    absences.push(begun)
    return begun
  })

  /** Notices that the engine is away, and waits until it is there; false when it is away for too long. */
  const ends = Effect.gen(function* () {
    const absence = yield* noticed
    const left = awayMillisMax - (absence.until - absence.since)
    const goesBy = Effect.map(Clock.currentTimeMillis, (now) => {
      absence.until = now
      return true
    })
    if (left <= 0) return false
    const answered = yield* question.pipe(
      Effect.retry({
        while: (error) => (isAway(error) ? goesBy : Effect.succeed(false)),
        schedule: Schedule.spaced(lookInterval)
      }),
      Effect.result,
      Effect.timeoutOption(left)
    )
    yield* goesBy
    return Option.isSome(answered)
  })

  const include = (millis: number): boolean =>
    absences.some(({ since, until }) => millis >= since - deathMillis && millis <= until)

  return { ends, include }
}
