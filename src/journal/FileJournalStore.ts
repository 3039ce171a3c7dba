/**
 * The store of a builder: one file a stream, JSON lines, under the state directory, so that `tail`, `jq` and `rsync`
 * work on it.
 */
import { join } from "node:path"
import { Effect, Layer } from "effect"
import type { TaskId } from "../core/Ids.ts"
import { getBlob, makePutBlob } from "./BlobFiles.ts"
import { Disk } from "./Disk.ts"
import { forget, lastLine } from "./Forgetting.ts"
import { JournalBusy, type JournalError, StateDirectoryRefused } from "./JournalError.ts"
import { JournalStore } from "./JournalStore.ts"
import * as NodeDisk from "./NodeDisk.ts"
import { makePoison } from "./Poison.ts"
import * as StateDirectory from "./StateDirectory.ts"
import { openStreamFile, type Place, readStreamFile } from "./StreamFile.ts"
import { daemonStream, fileOfStream, type StreamName, shellStream, streamOfFile } from "./StreamName.ts"

/**
 * The store of the daemon, which holds the state directory against every other; `directory` is an absolute path.
 * Fails with `JournalBusy` or `StateDirectoryRefused`.
 */
export const layer = (options: { readonly directory: string }) =>
  layerOnDisk.pipe(Layer.provideMerge(StateDirectory.layer({ path: options.directory })), Layer.provide(NodeDisk.layer))

/** The store of people who look: takes no lock, makes and changes nothing; `open` and `putBlob` are refused. */
export const layerReader = (options: { readonly directory: string }) =>
  Layer.effect(JournalStore, makeReader(options.directory)).pipe(Layer.provide(NodeDisk.layer))

/** The store on any disk, in a state directory that is held. */
export const layerOnDisk = Layer.effect(
  JournalStore,
  Effect.gen(function* () {
    const { path } = yield* StateDirectory.StateDirectory
    return yield* make({ directory: path, visible: true })
  })
)

/** A store in a directory that is there and that nobody else writes to. */
export const make = Effect.fnUntraced(function* (options: { readonly directory: string; readonly visible: boolean }) {
  const place: Place = { disk: yield* Disk, poison: yield* makePoison, ...options }
  const held = new Set<string>()

  const open = Effect.fn("JournalStore.open")(function* (stream: StreamName) {
    yield* place.poison.check
    const file = fileOfStream(stream)
    yield* Effect.acquireRelease(
      Effect.suspend((): Effect.Effect<void, JournalBusy> => {
        if (held.has(file)) return Effect.fail(new JournalBusy({ message: `${file} is open for appending already` }))
        held.add(file)
        return Effect.void
      }),
      () => Effect.sync(() => held.delete(file))
    )
    return yield* openStreamFile(place, stream)
  }, Effect.uninterruptible)

  return JournalStore.of({
    ...reading(place),
    open,
    putBlob: Effect.fn("JournalStore.putBlob")(makePutBlob(place)),
    forget: Effect.fn("JournalStore.forget")((before: number) => forget(place, before)),
    poisoned: place.poison.happened,
    awaitPoisoned: place.poison.wait
  })
})

const makeReader = Effect.fnUntraced(function* (directory: string) {
  const place: Place = { disk: yield* Disk, poison: yield* makePoison, directory, visible: true }
  const refused = Effect.fail(new StateDirectoryRefused({ path: directory, message: "opened for reading only" }))
  return JournalStore.of({
    ...reading(place),
    open: () => refused,
    putBlob: () => refused,
    forget: () => refused,
    poisoned: place.poison.happened,
    awaitPoisoned: place.poison.wait
  })
})

/** What needs no right to write. */
const reading = (place: Place) => {
  const { disk, directory, poison } = place

  const read = Effect.fn("JournalStore.read")(function* (stream: StreamName) {
    const { events } = yield* readStreamFile(place, stream)
    return events
  })

  /** The attempts of one task by number. */
  const attemptsOf = Effect.fnUntraced(function* (task: string) {
    const names = yield* poison.guard(disk.list(join(directory, "tasks", task)))
    return names.flatMap((name) => streamOfFile(`tasks/${task}/${name}`) ?? []).sort(byNumber)
  })

  const list = Effect.gen(function* (): Effect.fn.Return<ReadonlyArray<StreamName>, JournalError> {
    const names = yield* poison.guard(disk.list(directory))
    const tasks = names.includes("tasks") ? yield* poison.guard(disk.list(join(directory, "tasks"))) : []
    const attempts = yield* Effect.forEach(tasks.filter(isTask).sort(byValue), attemptsOf)
    const others = [daemonStream, shellStream].filter((stream) => names.includes(fileOfStream(stream)))
    return [...others, ...attempts.flat()]
  }).pipe(Effect.withSpan("JournalStore.list"))

  const attempts = Effect.fn("JournalStore.attempts")(function* (task: TaskId) {
    const there = yield* poison.guard(disk.stat(join(directory, "tasks", String(task))))
    if (there === undefined) return []
    return (yield* attemptsOf(String(task))).flatMap((name) => (name.kind === "attempt" ? [name.attempt] : []))
  })

  const last = (stream: StreamName) => poison.guard(lastLine(disk, join(directory, fileOfStream(stream))))

  return {
    read,
    list,
    attempts,
    last,
    getBlob: Effect.fn("JournalStore.getBlob")((digest: string) => getBlob(place, digest))
  }
}

const isTask = (name: string): boolean => /^\d+$/.test(name)
const byValue = (a: string, b: string): number => Number(a) - Number(b)
const byNumber = (a: StreamName, b: StreamName): number =>
  a.kind === "attempt" && b.kind === "attempt" ? a.attempt - b.attempt : 0
