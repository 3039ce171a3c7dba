/**
 * The door of a recorded build that is run again: what the builder does by itself is done anew, everything else is
 * answered from the record.
 *
 * It holds no hub, by type: the work of a step that takes one needs services that this door does not have, so no line
 * here could run it. What it does run is recorded, in a journal of its own, by the recording door itself. A program that
 * asks for what the record cannot answer, or asks otherwise, has gone another way; that is a finding and no failure of
 * the task, so the step is interrupted, as by a daemon that goes away, and who runs it is told why.
 */
import { Effect, Option, Ref, Schema } from "effect"
import { StepPath } from "../core/Ids.ts"
import { digestOf } from "../journal/Canonical.ts"
import type { DoorTo, StepAt } from "../journal/Door.ts"
import type { Recorded } from "../journal/ReplayDoor.ts"
import { TaskFailure } from "../koji/Fault.ts"

/** Why the program did not come to an end of its own. */
export type RerunEnd =
  /** It asks for something that the record does not answer. */
  | { readonly _tag: "NotRecorded"; readonly path: string }
  /** It asks for a recorded step with another input: this version's program is another one. */
  | { readonly _tag: "Differs"; readonly path: string }
  /** What it needs is not what was recorded, or not to be had: why, in words. */
  | { readonly _tag: "Missing"; readonly path: string; readonly message: string }
  /** It was to be stopped here. */
  | { readonly _tag: "Until"; readonly path: string }

/** What is particular to containers and images, for the door knows neither. */
export interface RerunRules {
  /** Whether to stop before this step. */
  readonly stopsAt: (path: string) => boolean
  /** Whether a step of the builder's own is answered from the record all the same: what it made is still there. */
  readonly isHeld: (path: string) => boolean
  /** Whether a step that the record does not have may be done. */
  readonly mayBeNew: (path: string) => boolean
  /** Whether the input of this step can be held against the recorded one. */
  readonly isComparable: (path: string) => boolean
  /** An input, with what has been made anew called by its recorded name. */
  readonly asRecorded: (input: Schema.Json) => Schema.Json
  /** What is answered for a recorded value: places may be others than then. Undefined when the record only names it. */
  readonly answer: (path: string, value: Schema.Json | undefined) => Effect.Effect<Schema.Json, Unanswerable>
  /** What the failure of a step that did not fail then means: nothing about the build, when it fails with this. */
  readonly failed: (path: string, failure: TaskFailure) => Effect.Effect<void, Unanswerable>
  /** Holds what was done anew against the record. */
  readonly done: (path: string, value: Schema.Json) => Effect.Effect<void, Unanswerable>
}

/** The record does not serve: why, in words. */
export class Unanswerable extends Schema.TaggedError<Unanswerable>()("Unanswerable", { message: Schema.String }) {}

export type Ends = Ref.Ref<Option.Option<RerunEnd>>

/** Ends the program for this reason; the first one given is the reason. */
export const endFor = (ends: Ends, end: RerunEnd): Effect.Effect<never> =>
  Effect.andThen(
    Ref.update(
      ends,
      Option.orElse(() => Option.some(end))
    ),
    Effect.interrupt
  )

const decodeFailure = Schema.decodeUnknownEffect(Schema.toCodecJson(TaskFailure))

/** A door over this record; `live` is the one that does things, and records them. */
export const rerunning = <World, Here>(
  recorded: Recorded,
  live: DoorTo<Here>,
  rules: RerunRules,
  ends: Ends
): DoorTo<World, Here> => {
  const missing = (path: string) => (error: { readonly message: string }) =>
    endFor(ends, { _tag: "Missing", path, message: error.message })

  const answered = <A, I extends Schema.Json>(at: StepAt, schema: Schema.Codec<A, I>): Effect.Effect<A, TaskFailure> =>
    Effect.gen(function* () {
      const { path } = at
      const record = recorded.step(StepPath.make(path))
      if (record === undefined || record._tag === "Open") return yield* endFor(ends, { _tag: "NotRecorded", path })
      if (record._tag === "Failed") {
        const failure = yield* decodeFailure(record.error).pipe(Effect.catch(missing(path)))
        return yield* Effect.fail(failure)
      }
      const value = yield* Effect.option(recorded.value(record.value))
      const answer = yield* rules.answer(path, Option.getOrUndefined(value)).pipe(Effect.catch(missing(path)))
      return yield* Schema.decodeUnknownEffect(schema)(answer).pipe(Effect.catch(missing(path)))
    })

  /** The same as was recorded, as far as there is a record. */
  const checked = Effect.fnUntraced(function* ({ path, input }: StepAt) {
    if (rules.stopsAt(path)) return yield* endFor(ends, { _tag: "Until", path })
    const record = recorded.step(StepPath.make(path))
    if (record === undefined || !rules.isComparable(path)) return
    if (record.input === digestOf(rules.asRecorded(input ?? null))) return
    return yield* endFor(ends, { _tag: "Differs", path })
  })

  return {
    step: (at, schema) => Effect.andThen(checked(at), live.step(at, schema, answered(at, schema))),
    here: (at, schema, work) =>
      Effect.gen(function* () {
        const { path } = at
        yield* checked(at)
        if (rules.isHeld(path)) return yield* live.step(at, schema, answered(at, schema))
        if (recorded.step(StepPath.make(path)) === undefined && !rules.mayBeNew(path)) {
          return yield* endFor(ends, { _tag: "NotRecorded", path })
        }
        const value = yield* live
          .step(at, schema, work)
          .pipe(Effect.tapError((failure) => rules.failed(path, failure).pipe(Effect.catch(missing(path)))))
        const encoded = yield* Schema.encodeEffect(schema)(value).pipe(Effect.orDie)
        yield* rules.done(path, encoded).pipe(Effect.catch(missing(path)))
        return value
      }),
    note: live.note
  }
}
