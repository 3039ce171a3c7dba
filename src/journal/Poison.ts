/**
 * What a failing disk does to a journal. A look that failed (open, read, list) changed nothing: it is reported and
 * may be tried again. The first change that failed ends all appending in this process, for every stream.
 *
 * After a failed sync the kernel may have dropped the pages and will report success the next time, so a second try
 * proves nothing; and a disk that failed one file is not trusted with another. The only safe act left is to say so
 * and leave: the next start reads what is really there.
 */
import { Deferred, Effect } from "effect"
import type { DiskError } from "./Disk.ts"
import { type JournalError, JournalPoisoned, JournalUnavailable } from "./JournalError.ts"

export interface Poison {
  /** Fails once the journal is poisoned. */
  readonly check: Effect.Effect<void, JournalPoisoned>
  readonly happened: Effect.Effect<boolean>
  readonly wait: Effect.Effect<JournalPoisoned>
  /** Uses the disk; when what fails is a change, the journal is poisoned. */
  guard<A, R>(use: Effect.Effect<A, DiskError | JournalError, R>): Effect.Effect<A, JournalError, R>
}

export const makePoison: Effect.Effect<Poison> = Effect.gen(function* () {
  const fatal = yield* Deferred.make<JournalPoisoned>()
  let reason: JournalPoisoned | undefined

  const judge = Effect.fnUntraced(function* (error: DiskError) {
    const told = `${error.operation} failed (${error.code}): ${error.message}`
    if (!isChange(error)) return yield* new JournalUnavailable({ path: error.path, message: told })
    reason ??= new JournalPoisoned({ message: `${error.path}: ${told}; nothing more is appended` })
    yield* Deferred.succeed(fatal, reason)
    return yield* reason
  })

  return {
    check: Effect.suspend(() => (reason === undefined ? Effect.void : Effect.fail(reason))),
    happened: Effect.sync(() => reason !== undefined),
    wait: Deferred.await(fatal),
    guard: (use) => Effect.catchTag(use, "DiskError", judge)
  }
})

const isChange = (error: DiskError): boolean => {
  switch (error.operation) {
    case "append":
    case "datasync":
    case "truncate":
    case "sync-directory":
    case "rename":
      return true
    case "open":
    case "read":
    case "stat":
    case "list":
    case "make-directory":
    case "remove":
    case "touch":
      return false
  }
}
