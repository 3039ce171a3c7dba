/**
 * The store of tests and simulations: the very code that keeps a builder's files, on a disk that is memory. What it
 * does not have is the state directory's lock and permissions. Crash its `MemoryDisk` and build the store again over
 * the same disk to see what a restarted daemon would find.
 */
import { Effect, Layer } from "effect"
import { Disk } from "./Disk.ts"
import * as FileJournalStore from "./FileJournalStore.ts"
import { JournalStore } from "./JournalStore.ts"
import * as MemoryDisk from "./MemoryDisk.ts"

/** An empty store, and the disk under it. */
export const layerMemory = Layer.suspend(() => layerOnMemoryDisk).pipe(Layer.provideMerge(MemoryDisk.layer))

/** The store over a disk that may hold something already, as after a crash. */
export const layerOnMemoryDisk = Layer.effect(
  JournalStore,
  Effect.gen(function* () {
    const { disk } = yield* MemoryDisk.MemoryDisk
    return yield* FileJournalStore.make({ directory: "/", visible: false }).pipe(Effect.provideService(Disk, disk))
  })
)
