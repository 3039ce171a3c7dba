/**
 * The one way in which an attempt's history grows: an order is judged by the core, what it makes happen is written
 * and synced, and only then is the new state held and the order's giver told.
 */
import { Context, Effect, Layer, Ref, Schema, Semaphore } from "effect"
import type { AttemptCommand } from "../core/AttemptCommand.ts"
import { decide, type Rejected } from "../core/AttemptDecider.ts"
import { AttemptEvent, LogText, StepValue } from "../core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../core/AttemptState.ts"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import { decodeEvent } from "./DecodeEvent.ts"
import { JournalDamaged, type JournalError } from "./JournalError.ts"
import { JournalStore } from "./JournalStore.ts"
import type { StoredEvent } from "./Line.ts"

/** Outcomes above this go to a content-addressed file beside the journal (design, "Rules of steps"). */
export const inlineBytesMax = 64 * 1024

/** An event and its time, in milliseconds since the epoch. */
export interface PastEvent {
  readonly at: number
  readonly event: AttemptEvent
}

/** A log's words above this do so too: they are worth less in a journal than an outcome is. */
const inlineTextBytesMax = 16 * 1024

export class AttemptJournal extends Context.Service<
  AttemptJournal,
  {
    readonly task: TaskId
    readonly attempt: AttemptNumber
    /** The file of this stream, if it is one. */
    readonly path: string | null
    /** What an earlier process has written of this attempt: empty for a new one. */
    readonly history: ReadonlyArray<PastEvent>
    /** What the attempt adds up to now. */
    readonly state: Effect.Effect<AttemptState>
    /**
     * Carries out one order: everything it makes happen is durable when this returns, and it is not interrupted half
     * way. Fails with `Rejected` when the order contradicts the history.
     */
    submit(command: AttemptCommand): Effect.Effect<AttemptState, Rejected | JournalError>
    /** Whether a write has failed: nothing is appended any more by this process, and the next one goes on. */
    readonly poisoned: Effect.Effect<boolean>
    /** Stores a value where its size allows: in the event, or in a file of its own. */
    putValue(value: Schema.Json): Effect.Effect<StepValue, JournalError>
    getValue(value: StepValue): Effect.Effect<Schema.Json, JournalError>
    /** The same for what is written to a log, which need not be UTF-8. */
    putText(bytes: Uint8Array): Effect.Effect<LogText, JournalError>
    getText(text: LogText): Effect.Effect<Uint8Array, JournalError>
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
        const history: Array<PastEvent> = []
        for (const stored of stream.existing) {
          const event = yield* decodeStored(file, stored)
          history.push({ at: stored.at, event })
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

        const putText = Effect.fn("AttemptJournal.putText")(function* (bytes: Uint8Array) {
          const text = bytes.length <= inlineTextBytesMax ? asText(bytes) : undefined
          if (text !== undefined) return LogText.cases.Inline.make({ text })
          const digest = yield* store.putBlob(bytes)
          return LogText.cases.Blob.make({ digest, bytes: bytes.length })
        })

        const getText = Effect.fn("AttemptJournal.getText")(function* (text: LogText) {
          return text._tag === "Inline" ? new TextEncoder().encode(text.text) : yield* store.getBlob(text.digest)
        })

        return AttemptJournal.of({
          task,
          attempt,
          path: stream.path,
          state: Ref.get(held),
          history,
          poisoned: store.poisoned,
          submit: (command) => Effect.uninterruptible(oneAtATime.withPermits(1)(submit(command))),
          putValue,
          getValue,
          putText,
          getText
        })
      })
    )
}

const encodeEvent = Schema.encodeSync(AttemptEvent)
const decodeJson = Schema.decodeUnknownEffect(Schema.fromJsonString(Schema.Json))

/** The text of these bytes, unless writing it again would make others. */
const asText = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** An event as it was stored; fails with the file and line when this version does not know it. */
export const decodeStored = Effect.fnUntraced(function* (file: string, stored: StoredEvent) {
  return yield* Effect.fromResult(decodeEvent(stored)).pipe(
    Effect.mapError((error) => new JournalDamaged({ file, line: stored.seq + 1, message: error.message }))
  )
})

/** Nothing depends on a note, on words in a log or on how far it has come: those may wait for the next sync. */
const isDurable = ({ _tag }: AttemptCommand): boolean => _tag !== "Note" && _tag !== "WriteLog" && _tag !== "AdvanceLog"
