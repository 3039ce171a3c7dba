/**
 * Where histories are kept: append-only streams of events, and the large values that events only name.
 *
 * A store knows nothing of what an event means. It promises that what it acknowledged as durable is found again, in
 * order and whole, and that what it cannot believe it refuses. Files are the one store of a builder; memory is the
 * one of tests; a central store of a fleet would stand behind the same service.
 */
import { Context, type Effect, type Scope } from "effect"
import type { AttemptNumber, TaskId } from "../core/Ids.ts"
import type { JournalError, JournalPoisoned } from "./JournalError.ts"
import type { StoredEvent } from "./Line.ts"
import type { StreamName } from "./StreamName.ts"

export type { StoredEvent } from "./Line.ts"
export type { StreamName } from "./StreamName.ts"

/** The unfinished line that a crash left at the end of a stream; nobody was ever told that it was written. */
export interface TornTail {
  readonly bytes: number
  /** The file that the bytes were put aside in; null for a store without files. */
  readonly keptAt: string | null
}

/** A stream held for appending, by this scope alone. */
export interface JournalStream {
  readonly name: StreamName
  /** The file that holds it; null for a store without files. */
  readonly path: string | null
  /** What was there when it was opened, all of it durable. */
  readonly existing: ReadonlyArray<StoredEvent>
  /** What was cut off when it was opened. */
  readonly torn: TornTail | null
  /**
   * Adds all of `events`, each with the next number and the time (of the Effect clock), and gives them back as a
   * reader will find them. With `durable` it returns once they are synced, together with everything before them;
   * without, once the system has them, which survives the end of the process but not of the machine. Appends that
   * arrive while another is being synced share the next sync. Once begun it is not interrupted.
   *
   * Fails with `EntryRefused` (nothing was written, go on) or `JournalPoisoned` (they may or may not be there).
   */
  append(events: ReadonlyArray<unknown>, durable: boolean): Effect.Effect<ReadonlyArray<StoredEvent>, JournalError>
}

export class JournalStore extends Context.Service<
  JournalStore,
  {
    /**
     * Opens a stream for appending, made if it is not there; it is closed, synced, with the scope. What is there is
     * verified first: an unfinished last line is cut off, put aside and reported, anything else that is wrong is
     * `JournalDamaged` and left as it is. `JournalBusy` when this daemon has it open already.
     */
    open(stream: StreamName): Effect.Effect<JournalStream, JournalError, Scope.Scope>
    /** What a stream holds, verified; touches nothing and overlooks an unfinished last line. `JournalUnavailable` when there is none. */
    read(stream: StreamName): Effect.Effect<ReadonlyArray<StoredEvent>, JournalError>
    /** Every stream there is: the daemon's first, that of shells, then attempts by task and number. */
    readonly list: Effect.Effect<ReadonlyArray<StreamName>, JournalError>
    /** The numbers of a task's attempts, in order. */
    attempts(task: TaskId): Effect.Effect<ReadonlyArray<AttemptNumber>, JournalError>
    /**
     * The last whole line of a stream, as it stands, without a look at what is before it: enough to pass over the many
     * that have ended. Undefined when there is none that can be read.
     */
    last(stream: StreamName): Effect.Effect<StoredEvent | undefined, JournalError>
    /** Keeps bytes durably under their SHA-256 (64 hex digits), which it returns. Keeping the same again costs nothing. */
    putBlob(bytes: Uint8Array): Effect.Effect<string, JournalError>
    /** The bytes of this SHA-256, verified; `JournalDamaged` when they are missing or others. */
    getBlob(digest: string): Effect.Effect<Uint8Array, JournalError>
    /**
     * Takes away the attempts that ended before `before` (milliseconds since the epoch), or were never begun and made
     * before that, and values that no younger one can refer to. How many of each; what the disk keeps is told in the log.
     */
    forget(before: number): Effect.Effect<{ readonly attempts: number; readonly values: number }, JournalError>
    /** Whether a write or sync has failed in this process, after which nothing more is appended. */
    readonly poisoned: Effect.Effect<boolean>
    /** Returns when that happens, with the reason: the daemon waits for it and leaves. */
    readonly awaitPoisoned: Effect.Effect<JournalPoisoned>
  }
>()("adjutant/journal/JournalStore") {}
