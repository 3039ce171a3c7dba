/**
 * The one door through which a task handler touches the world.
 *
 * A handler is an Effect program that needs nothing but a door. Whatever it does to engine, hub or disk is the work
 * of a step: the door journals the intent, runs the work, and journals the outcome. The work may be interrupted, the
 * record of it may not; a defect, or an interruption by shutdown or hand-over, is no outcome and leaves the intent
 * open. Which door a handler runs under it cannot tell: this one records, and answers from the record as far as the
 * record goes; one that has no world at all can replay the same program from its journal alone, by type.
 */
import { Cause, Context, Effect, Exit, HashMap, Option, Schema } from "effect"
import { order } from "../core/AttemptCommand.ts"
import type { SettlementRule } from "../core/AttemptEvent.ts"
import type { AttemptState } from "../core/AttemptState.ts"
import { StepPath } from "../core/Ids.ts"
import { GiveBack, TaskFailure } from "../koji/Fault.ts"
import { AttemptJournal } from "./AttemptJournal.ts"
import { digestOf } from "./Canonical.ts"

/** Where in the program a step stands, and what it depends on. */
export interface StepAt {
  /** The logical path below the attempt, as `install/1`: the same whenever the program runs again. */
  readonly path: string
  /** How it is settled when a crash came between intent and outcome. */
  readonly rule: SettlementRule
  /** What the work is given. A program that asks for the same path with another input has diverged. */
  readonly input?: Schema.Json
}

/** A door to the services of `World`, of which those of `Here` are the builder's own. */
export interface DoorTo<World, Here = World> {
  /**
   * Runs `work` once, ever: the second time a program comes here it is answered from the record. `ask` belongs to the
   * rule of that name: what the world shows of work that was begun and never settled, or none if it did not happen.
   * Work that runs containers asks the engine itself, by their names, and needs none.
   */
  step<A, I extends Schema.Json>(
    at: StepAt,
    schema: Schema.Codec<A, I>,
    work: Effect.Effect<A, TaskFailure, World>,
    ask?: Effect.Effect<Option.Option<A>, TaskFailure, World>
  ): Effect.Effect<A, TaskFailure>
  /** As `step`, for work that the builder does by itself: a recorded attempt that is run again does it anew, with no hub. */
  here<A, I extends Schema.Json>(
    at: StepAt,
    schema: Schema.Codec<A, I>,
    work: Effect.Effect<A, TaskFailure, Here>,
    ask?: Effect.Effect<Option.Option<A>, TaskFailure, Here>
  ): Effect.Effect<A, TaskFailure>
  /** Tells the reader of the journal something that decides nothing. */
  note(text: string): Effect.Effect<void>
}

/** The step whose work is running, for whoever records something of it. */
export class CurrentStep extends Context.Service<
  CurrentStep,
  {
    readonly path: StepPath
    /** An earlier process had begun it: what it left is still there. */
    readonly begunBefore: boolean
  }
>()("adjutant/journal/CurrentStep") {}

/** The step in hand, or undefined outside of any. */
export const currentStep = Effect.map(Effect.serviceOption(CurrentStep), Option.getOrUndefined)

const encodeFailure = Schema.encodeSync(Schema.toCodecJson(TaskFailure))
const decodeFailure = Schema.decodeUnknownEffect(Schema.toCodecJson(TaskFailure))

const openSteps = (state: AttemptState): ReadonlySet<StepPath> =>
  state._tag === "Unknown"
    ? new Set()
    : new Set(HashMap.toEntries(state.steps).flatMap(([path, { _tag }]) => (_tag === "Open" ? [path] : [])))

/** The door of the attempt whose journal and world are at hand: it records, and resumes what was recorded. */
export const recording = <World>() =>
  Effect.gen(function* () {
    const journal = yield* AttemptJournal
    const world = yield* Effect.context<World>()
    /** Steps that an earlier process began and nobody settled. */
    const unsettled = new Set(journal.history.length === 0 ? [] : openSteps(yield* journal.state))

    const answer = Effect.fnUntraced(function* <A, I extends Schema.Json>(
      path: StepPath,
      input: string,
      schema: Schema.Codec<A, I>
    ) {
      const state = yield* journal.state
      if (state._tag === "Unknown") return Option.none<Effect.Effect<A, TaskFailure>>()
      const record = Option.getOrUndefined(HashMap.get(state.steps, path))
      if (record === undefined) return Option.none<Effect.Effect<A, TaskFailure>>()
      const diverged = () => new GiveBack({ message: `the program diverged from its journal at ${path}` })
      if (record.input !== input) return Option.some(Effect.fail(diverged()))
      switch (record._tag) {
        case "Open":
          return Option.none<Effect.Effect<A, TaskFailure>>()
        case "Succeeded":
          return Option.some(
            journal.getValue(record.value).pipe(
              // A damaged disk says nothing of the task.
              Effect.mapError(({ message }) => new GiveBack({ message: `what ${path} came to is lost: ${message}` })),
              // Another version recorded it: a program that wants other outcomes is another program.
              Effect.flatMap((value) => Effect.mapError(Schema.decodeUnknownEffect(schema)(value), diverged))
            )
          )
        case "Failed":
          return Option.some(decodeFailure(record.error).pipe(Effect.mapError(diverged), Effect.flatMap(Effect.fail)))
      }
    })

    /** The work of a step, or what the world shows of it when an earlier process may have done it. */
    const settled = Effect.fnUntraced(function* <A>(
      at: StepAt,
      begunBefore: boolean,
      work: Effect.Effect<A, TaskFailure, World>,
      ask: Effect.Effect<Option.Option<A>, TaskFailure, World> | undefined
    ) {
      if (!begunBefore || at.rule === "repeat") return yield* work
      if (at.rule === "give-up") {
        return yield* new GiveBack({ message: `nobody knows whether ${at.path} happened before the daemon ended` })
      }
      const found = ask === undefined ? Option.none<A>() : yield* ask
      return Option.isSome(found) ? found.value : yield* work
    })

    const step = <A, I extends Schema.Json>(
      at: StepAt,
      schema: Schema.Codec<A, I>,
      work: Effect.Effect<A, TaskFailure, World>,
      ask?: Effect.Effect<Option.Option<A>, TaskFailure, World>
    ): Effect.Effect<A, TaskFailure> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          const path = StepPath.make(at.path)
          const input = digestOf(at.input ?? null)
          const recorded = yield* answer(path, input, schema)
          if (Option.isSome(recorded)) return yield* recorded.value
          yield* journal.submit(order.IntendStep.make({ step: path, rule: at.rule, input })).pipe(
            // The only lawful rejection here is "being stopped": wait for the interruption that is on its way.
            Effect.catchTag("Rejected", () => restore(Effect.never)),
            Effect.orDie
          )
          const begunBefore = unsettled.delete(path)
          const exit = yield* settled(at, begunBefore, work, ask).pipe(
            restore,
            Effect.provideContext(world),
            Effect.provideService(CurrentStep, CurrentStep.of({ path, begunBefore })),
            Effect.exit
          )
          if (Exit.isSuccess(exit)) {
            const encoded = yield* Schema.encodeEffect(schema)(exit.value).pipe(Effect.orDie)
            const value = yield* journal.putValue(encoded).pipe(Effect.orDie)
            yield* journal.submit(order.SucceedStep.make({ step: path, value })).pipe(Effect.orDie)
            return exit.value
          }
          const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
          if (failure !== undefined && !Cause.hasInterrupts(exit.cause) && !Cause.hasDies(exit.cause)) {
            yield* journal.submit(order.FailStep.make({ step: path, error: encodeFailure(failure) })).pipe(
              // A step whose container could not be removed has no outcome yet: its failure goes on, its intent stays.
              Effect.catchTag("Rejected", () => Effect.void),
              Effect.orDie
            )
          }
          return yield* Effect.failCause(exit.cause)
        })
      ).pipe(Effect.withSpan("step", { attributes: { path: at.path } }))

    const note = (text: string) => journal.submit(order.Note.make({ text })).pipe(Effect.orDie, Effect.asVoid)
    return { step, here: step, note } satisfies DoorTo<World>
  })
