/** The daemon's own stream: what it did outside any attempt. */
import { Context, Effect, Layer, Schema } from "effect"
import { DaemonEvent } from "../core/DaemonEvent.ts"
import type { JournalError } from "../journal/JournalError.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import { daemonStream } from "../journal/StreamName.ts"

export class DaemonJournal extends Context.Service<
  DaemonJournal,
  {
    /** Writes one event; durable when this returns. */
    record(event: DaemonEvent): Effect.Effect<void, JournalError>
  }
>()("adjutant/daemon/DaemonJournal") {
  static readonly layer = Layer.effect(
    DaemonJournal,
    Effect.gen(function* () {
      const store = yield* JournalStore
      const stream = yield* store.open(daemonStream)
      return DaemonJournal.of({
        record: (event) => stream.append([encode(event)], true).pipe(Effect.asVoid)
      })
    })
  )
}

const encode = Schema.encodeSync(DaemonEvent)
