import { Effect, Layer } from "effect"
import * as FileJournalStore from "../../src/journal/FileJournalStore.ts"
import * as MemoryDisk from "../../src/journal/MemoryDisk.ts"
import * as MemoryJournalStore from "../../src/journal/MemoryJournalStore.ts"
import { journalStoreContract } from "../contract/JournalStoreContract.ts"
import { temporaryDirectory } from "./temporary.ts"

journalStoreContract(
  "files",
  Effect.map(temporaryDirectory, (directory) => FileJournalStore.layer({ directory }))
)

journalStoreContract(
  "memory",
  Effect.map(MemoryDisk.make, (memory) =>
    MemoryJournalStore.layerOnMemoryDisk.pipe(Layer.provide(Layer.succeed(MemoryDisk.MemoryDisk, memory)))
  )
)
