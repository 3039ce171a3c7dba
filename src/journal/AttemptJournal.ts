/**
 * The one way in which an attempt's history grows: an order is judged by the core, what it makes happen is written
 * and synced, and only then is the new state held and the order's giver told.
 */
import { Context, Effect, Layer, Ref, Schema, Semaphore } from "effect"
import type { AttemptCommand } from "../core/AttemptCommand.ts"
import { decide, type Rejected } from "../core/AttemptDecider.ts"
import { AttemptEvent, StepValue } from "../core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../core/AttemptState.ts"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import { JournalDamaged, type JournalError } from "./JournalError.ts"
import { JournalStore } from "./JournalStore.ts"

/** Outcomes above this go to a content-addressed file beside the journal (design, "Rules of steps"). */
export const inlineBytesMax = 64 * 1024

export class AttemptJournal extends Context.Service<
  AttemptJournal,
  {
    readonly task: TaskId
    readonly attempt: AttemptNumber
    /** The file of this stream, if it is one. */
    readonly path: string | null
    /** What the attempt adds up to now. */
    readonly state: Effect.Effect<AttemptState>
    /**
     * Carries out one order: everything it makes happen is durable when this returns, and it is not interrupted half
     * way. Fails with `Rejected` when the order contradicts the history.
     */
    submit(command: AttemptCommand): Effect.Effect<AttemptState, Rejected | JournalError>
    /** Stores a value where its size allows: in the event, or in a file of its own. */
    putValue(value: Schema.Json): Effect.Effect<StepValue, JournalError>
    getValue(value: StepValue): Effect.Effect<Schema.Json, JournalError>
  }
>()("adjutant/journal/AttemptJournal") {
  static readonly layer = (task: TaskId, attempt: AttemptNumber) =>
    Layer.effect(
      AttemptJournal,
      Effect.gen(function* () {
        const store = yield* JournalStore
        const stream = yield* store.open({ kind: "attempt", task, attempt })
        const file = stream.path ?? `task ${task}, attempt ${attempt}`
        const held = yield* Ref.make<AttemptState>(initial)
        for (const stored of stream.existing) {
          const event = yield* decodeStored(file, stored.seq, stored.event)
          yield* Ref.update(held, (state) => evolve(state, event))
        }
        const oneAtATime = yield* Semaphore.make(1)

        const submit = Effect.fn("AttemptJournal.submit")(function* (command: AttemptCommand) {
          const state = yield* Ref.get(held)
          const events = yield* Effect.fromResult(decide(state, command))
          if (events.length === 0) return state
          yield* stream.append(
            events.map((event) => encodeEvent(event)),
            isDurable(command)
          )
          const next = events.reduce(evolve, state)
          yield* Ref.set(held, next)
          return next
        })

        const putValue = Effect.fn("AttemptJournal.putValue")(function* (value: Schema.Json) {
          const bytes = new TextEncoder().encode(JSON.stringify(value))
          if (bytes.length <= inlineBytesMax) return StepValue.cases.Inline.make({ value })
          const digest = yield* store.putBlob(bytes)
          return StepValue.cases.Blob.make({ digest, bytes: bytes.length })
        })

        const getValue = Effect.fn("AttemptJournal.getValue")(function* (value: StepValue) {
          if (value._tag === "Inline") return value.value
          const bytes = yield* store.getBlob(value.digest)
          return yield* decodeJson(new TextDecoder().decode(bytes)).pipe(
            Effect.mapError(
              (error) => new JournalDamaged({ file, line: 0, message: `blob ${value.digest}: ${error.message}` })
            )
          )
        })

        return AttemptJournal.of({
          task,
          attempt,
          path: stream.path,
          state: Ref.get(held),
          submit: (command) => Effect.uninterruptible(oneAtATime.withPermits(1)(submit(command))),
          putValue,
          getValue
        })
      })
    )
}

const encodeEvent = Schema.encodeSync(AttemptEvent)
const decodeEvent = Schema.decodeUnknownEffect(AttemptEvent)
const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))

/** An event as it was stored; fails with the file and line when this version does not know it. */
export const decodeStored = Effect.fnUntraced(function* (file: string, seq: number, event: unknown) {
  return yield* decodeEvent(event).pipe(
    Effect.mapError((error) => new JournalDamaged({ file, line: seq + 1, message: error.message }))
  )
})

/** Nothing depends on a note or on how far a log has come: those may wait for the next sync. */
const isDurable = (command: AttemptCommand): boolean => command._tag !== "Note" && command._tag !== "AdvanceLog"
