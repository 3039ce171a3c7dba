/**
 * A process that holds a state directory and appends to one stream until it is killed. Each line it prints is a
 * promise: `held <instance>`, then `acknowledged <seq>` for every durable append.
 */
import { Effect } from "effect"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import { JournalStore } from "../../src/journal/JournalStore.ts"
import { StateDirectory } from "../../src/journal/StateDirectory.ts"
import { attempt } from "../contract/JournalStoreContract.ts"

const [, , directory = "", appends = ""] = process.argv

const daemon = Effect.scoped(
  Effect.gen(function* () {
    const store = yield* JournalStore
    const { instance } = yield* StateDirectory
    process.stdout.write(`held ${instance}\n`)
    if (appends === "") return yield* Effect.never
    const stream = yield* store.open(attempt(7, 1))
    for (;;) {
      const [stored] = yield* stream.append([{ _tag: "Noted", text: "größer ".repeat(30) }], true)
      process.stdout.write(`acknowledged ${stored?.seq}\n`)
    }
  })
).pipe(Effect.provide(FileJournalStore.layer({ directory })))

// The timer keeps the process alive while it only holds; what nobody refers to then goes at once, not some day.
setInterval(() => globalThis.gc?.(), 100)
Effect.runPromise(daemon).catch((error: unknown) => {
  process.stdout.write(`refused ${String(error)}\n`)
  process.exit(1)
})
