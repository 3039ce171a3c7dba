/**
 * The replaying door: a task's program runs again over what was recorded of it, and over nothing else.
 *
 * It has no engine, no hub and no disk to touch: the work of a step needs services of `World`, this door holds none, and
 * so no line here could run it. Whatever a step asks is answered from the record. What the record does not answer ends
 * the replay, and how it ends is the finding: the record is at its end (any prefix of a good history ends so), or the
 * program is not the one that was recorded, and then this is the first step at which the two differ.
 *
 * A handler cannot tell this door from the others and must not be able to take the end for a failure of the task. So the
 * end is no error: the step is interrupted, as it would be by a daemon that goes away, and who replays is told why.
 */
import { Effect, Option, Ref, Schema } from "effect"
import type { StepValue } from "../core/AttemptEvent.ts"
import type { StepRecord } from "../core/AttemptState.ts"
import { StepPath } from "../core/Ids.ts"
import { TaskFailure } from "../koji/Fault.ts"
import { canonical, digestOf } from "./Canonical.ts"
import type { DoorTo, StepAt } from "./Door.ts"

/** A value that the journal only names is not to be had. */
export class ValueMissing extends Schema.TaggedError<ValueMissing>()("ValueMissing", {
  digest: Schema.String,
  bytes: Schema.Int,
  message: Schema.String
}) {}

/** What was recorded of an attempt. */
export interface Recorded {
  step(path: StepPath): StepRecord | undefined
  /** The value of an outcome, wherever it is kept. */
  value(value: StepValue): Effect.Effect<Schema.Json, ValueMissing>
}

/** Why the program could not go on. */
export type ReplayEnd =
  /** It asks for a step that has no outcome in the record; `begun` when its intent is there. */
  | { readonly _tag: "RecordEnds"; readonly path: string; readonly begun: boolean }
  /** It asks for a recorded step with another input, or cannot read the outcome that was recorded. */
  | { readonly _tag: "Differs"; readonly path: string; readonly recorded: string; readonly asked: string }
  | { readonly _tag: "ValueMissing"; readonly path: string; readonly missing: ValueMissing }

export interface Replaying<World, Here = World> {
  readonly door: DoorTo<World, Here>
  /** The first thing that the record did not answer; none for a program that came to its own end. */
  readonly end: Effect.Effect<Option.Option<ReplayEnd>>
  /** The steps answered so far, in the order in which the program asked for them first. */
  readonly answered: ReadonlySet<string>
}

/** Of an input that is shown to a person. */
export const shownInputMax = 200

const decodeFailure = Schema.decodeUnknownEffect(Schema.toCodecJson(TaskFailure))

/** A door that answers from this record alone. */
export const replaying = <World, Here = World>(recorded: Recorded): Effect.Effect<Replaying<World, Here>> =>
  Effect.gen(function* () {
    const ended = yield* Ref.make(Option.none<ReplayEnd>())
    const answered = new Set<string>()
    // What a program asks for while it is being interrupted (to clean up) is not the finding.
    const stopAt = (end: ReplayEnd) =>
      Effect.andThen(
        Ref.update(
          ended,
          Option.orElse(() => Option.some(end))
        ),
        Effect.interrupt
      )

    /** Branches of the program that still find their answers go first: the record ends where all of them have come to its end. */
    const othersFirst = Effect.gen(function* () {
      for (let before = -1; before !== answered.size; ) {
        before = answered.size
        for (let turn = 0; turn < turnsOfOthers; turn++) yield* Effect.yieldNow
      }
    })

    const step = Effect.fnUntraced(function* <A, I extends Schema.Json>(
      at: StepAt,
      schema: Schema.Codec<A, I>
    ): Effect.fn.Return<A, TaskFailure> {
      const { path } = at
      const record = recorded.step(StepPath.make(path))
      if (record === undefined) {
        yield* othersFirst
        return yield* stopAt({ _tag: "RecordEnds", path, begun: false })
      }
      const input = at.input ?? null
      const differs = (recorded: string, asked: string) => stopAt({ _tag: "Differs", path, recorded, asked })
      if (record.input !== digestOf(input)) {
        return yield* differs(`input ${record.input}`, `${digestOf(input)}, which is ${shown(input)}`)
      }
      switch (record._tag) {
        case "Open":
          yield* othersFirst
          return yield* stopAt({ _tag: "RecordEnds", path, begun: true })
        case "Succeeded": {
          const value = yield* recorded
            .value(record.value)
            .pipe(Effect.catch((missing) => stopAt({ _tag: "ValueMissing", path, missing })))
          const decoded = yield* Schema.decodeUnknownEffect(schema)(value).pipe(
            Effect.catch((error) => differs(`outcome ${shown(value)}`, `another form: ${error.message}`))
          )
          answered.add(path)
          return decoded
        }
        case "Failed": {
          const failure = yield* decodeFailure(record.error).pipe(
            Effect.catch((error) =>
              differs(`failure ${JSON.stringify(record.error)}`, `another form: ${error.message}`)
            )
          )
          answered.add(path)
          return yield* Effect.fail(failure)
        }
      }
    })

    const door: DoorTo<World, Here> = {
      step: (at, schema) => step(at, schema),
      here: (at, schema) => step(at, schema),
      note: () => Effect.void
    }
    return { door, end: Ref.get(ended), answered }
  })

/** How often the other fibres get their turn between two looks at whether they still find answers. */
const turnsOfOthers = 50

const shown = (value: Schema.Json): string => {
  const text = canonical(value)
  return text.length <= shownInputMax ? text : `${text.slice(0, shownInputMax)}...`
}
