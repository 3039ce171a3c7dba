/**
 * Images made here, by what they are made of: the cache behind "a buildroot is an image, the value of its inputs".
 *
 * A record lies beside the journals (`images/<key>/`): which image it is, its package list, its rpm database for the
 * next resolve, and the transcript of its making, which goes into the logs of every task that uses it. Two attempts
 * that need the same image at the same time make it once; if the one that makes it is stopped, the next one makes it.
 * What a live attempt refers to is pinned and is not evicted.
 */

import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, Schema, Semaphore } from "effect"
import { Engine, type EngineError } from "../engine/Engine.ts"
import { PackageEntry } from "../koji/PackageList.ts"
import { BuilderSettings } from "./BuilderSettings.ts"

/** What is known of an image made here. */
export const ImageRecord = Schema.Struct({
  /** The digest of everything that went into it. */
  key: Schema.String,
  kind: Schema.Literals(["base", "installed"]),
  /** The engine's id of it. */
  image: Schema.String,
  /** For people: which tag, repo, group, requirements. */
  inputs: Schema.Json,
  packages: Schema.Array(PackageEntry),
  bytes: Schema.Int,
  /** Milliseconds since the epoch. */
  madeAt: Schema.Int,
  /** The kernel that answered `uname -r` in it, for the logs. */
  kernel: Schema.String
})
export type ImageRecord = typeof ImageRecord.Type

/** What the making of an image hands over: the record's contents and where its files lie. */
export interface MadeImage {
  readonly kind: ImageRecord["kind"]
  readonly image: string
  readonly inputs: Schema.Json
  readonly packages: ReadonlyArray<PackageEntry>
  readonly bytes: number
  readonly kernel: string
  /** A directory with `rpmdb/`, `transcript` and `log/`; taken over by the store. */
  readonly files: string
}

export interface Evicted {
  readonly key: string
  readonly image: string
  readonly reason: string
}

export class ImageStore extends Context.Service<
  ImageStore,
  {
    /**
     * The image of this key, made by `make` if there is none; pinned for the attempt that asks. `made` tells whether
     * this call made it (then its transcript is in that attempt's logs already).
     */
    getOrMake<E, R>(
      attempt: string,
      key: string,
      make: Effect.Effect<MadeImage, E, R>
    ): Effect.Effect<{ readonly record: ImageRecord; readonly made: boolean }, E | EngineError, R>
    /** Where the files of an image lie: `rpmdb/`, `transcript`, `log/`. */
    files(key: string): string
    /** The ids of all images that have a record, and the keys of those that are being made. */
    readonly known: Effect.Effect<{ readonly ids: ReadonlySet<string>; readonly making: ReadonlySet<string> }>
    /** The attempt has ended: what it alone pinned may be evicted. */
    unpin(attempt: string): Effect.Effect<void>
    /** Forgets the pins of all attempts but these, which are those that an earlier process left open. */
    keepPins(attempts: ReadonlySet<string>): Effect.Effect<void>
    /** Evicts what is too old, then the least recently used until the budget holds; never what is pinned. */
    readonly evict: Effect.Effect<ReadonlyArray<Evicted>, EngineError>
  }
>()("adjutant/buildroot/ImageStore") {
  static readonly layer = Layer.effect(
    ImageStore,
    Effect.gen(function* () {
      const engine = yield* Engine
      const settings = yield* BuilderSettings
      const directory = join(settings.stateDirectory, "images")
      yield* Effect.promise(() => mkdir(directory, { recursive: true, mode: 0o700 }))
      const locks = new Map<string, Semaphore.Semaphore>()
      const making = new Map<string, number>()
      const pins = yield* Effect.promise(() => readPins(directory))
      const files = (key: string) => join(directory, key)

      const lockOf = (key: string) => {
        const lock = locks.get(key) ?? Semaphore.makeUnsafe(1)
        locks.set(key, lock)
        return lock
      }
      const pin = (attempt: string, key: string) => pins.set(attempt, (pins.get(attempt) ?? new Set()).add(key))
      /** On disk too: an attempt that is resumed never asks again for the image that it has. */
      const keepPin = (attempt: string, key: string) =>
        Effect.promise(async () => {
          await mkdir(join(files(key), pinsName), { recursive: true })
          await writeFile(join(files(key), pinsName, attempt), "")
        })
      const unpin = Effect.fnUntraced(function* (attempt: string) {
        const keys = [...(pins.get(attempt) ?? [])]
        pins.delete(attempt)
        for (const key of keys) {
          yield* Effect.promise(() => rm(join(files(key), pinsName, attempt), { force: true }))
        }
      })
      const touch = Effect.fnUntraced(function* (key: string) {
        const now = yield* Clock.currentTimeMillis
        yield* Effect.promise(() => writeFile(join(files(key), "used"), `${now}\n`))
      })

      /** The record, if the engine still has the image; a record without its image is worth nothing. */
      const find = Effect.fnUntraced(function* (key: string) {
        const record = yield* readRecord(files(key))
        if (record === undefined) return undefined
        if ((yield* engine.inspectImage(record.image)) !== undefined) return record
        yield* Effect.promise(() => rm(files(key), { recursive: true, force: true }))
        return undefined
      })

      const save = Effect.fnUntraced(function* (key: string, made: MadeImage) {
        const { files: from, ...rest } = made
        const record: ImageRecord = { ...rest, key, madeAt: yield* Clock.currentTimeMillis }
        const text = yield* Schema.encodeEffect(Schema.fromJsonString(ImageRecord))(record).pipe(Effect.orDie)
        yield* Effect.promise(async () => {
          await writeFile(join(from, "record.json"), `${text}\n`)
          await rm(files(key), { recursive: true, force: true })
          await rename(from, files(key)).catch(async () => {
            await cp(from, files(key), { recursive: true })
            await rm(from, { recursive: true, force: true })
          })
        })
        return record
      })

      const getOrMake = <E, R>(attempt: string, key: string, make: Effect.Effect<MadeImage, E, R>) =>
        Effect.gen(function* () {
          pin(attempt, key)
          const found = yield* find(key)
          const record = found ?? (yield* Effect.flatMap(make, (made) => save(key, made)))
          yield* touch(key)
          yield* keepPin(attempt, key)
          return { record, made: found === undefined }
        }).pipe(lockOf(key).withPermits(1), claimed(key))

      /** Nobody removes an image of this key while it is being made. */
      const claimed =
        (key: string) =>
        <A, E, R>(use: Effect.Effect<A, E, R>) =>
          Effect.acquireUseRelease(
            Effect.sync(() => making.set(key, (making.get(key) ?? 0) + 1)),
            () => use,
            () =>
              Effect.sync(() => {
                const left = (making.get(key) ?? 1) - 1
                if (left === 0) making.delete(key)
                else making.set(key, left)
              })
          )

      const evict = Effect.fn("ImageStore.evict")(function* () {
        const now = yield* Clock.currentTimeMillis
        const pinned = new Set([...pins.values()].flatMap((keys) => [...keys]))
        const keys = yield* Effect.promise(() => readdir(directory))
        const known: Array<{ record: ImageRecord; used: number }> = []
        for (const key of keys) {
          const record = yield* readRecord(files(key))
          if (record !== undefined) known.push({ record, used: yield* lastUsed(files(key), record.madeAt) })
        }
        known.sort((a, b) => a.used - b.used)
        let bytes = known.reduce((sum, { record }) => sum + record.bytes, 0)
        const evicted: Array<Evicted> = []
        for (const { record, used } of known) {
          if (pinned.has(record.key)) continue
          const old = (now - used) / 1000 > settings.imageCacheAgeSecondsMax
          const over = bytes > settings.imageCacheBytesMax
          if (!old && !over) continue
          const reason = old ? `unused for ${Math.round((now - used) / 1000)} s` : `the cache holds ${bytes} bytes`
          // An image that others are built on, or that a container uses, stays; the operator's own is only forgotten.
          const ready = isReady(record)
          const removed = ready || (yield* Effect.result(engine.removeImage(record.image)))._tag === "Success"
          if (!removed) continue
          yield* Effect.promise(() => rm(files(record.key), { recursive: true, force: true }))
          bytes -= record.bytes
          evicted.push({ key: record.key, image: record.image, reason })
        }
        return evicted
      })

      const known = Effect.gen(function* () {
        const keys = yield* Effect.promise(() => readdir(directory))
        const records = yield* Effect.forEach(keys, (key) => readRecord(files(key)))
        const ids = new Set(records.flatMap((record) => (record === undefined ? [] : [record.image])))
        return { ids, making: new Set(making.keys()) }
      })

      return ImageStore.of({
        known,
        getOrMake,
        files,
        unpin,
        keepPins: (attempts) =>
          Effect.forEach(
            [...pins.keys()].filter((attempt) => !attempts.has(attempt)),
            unpin,
            { discard: true }
          ),
        evict: evict()
      })
    })
  )
}

const pinsName = "pins"

/** The keys that each attempt has pinned, as an earlier process left them. */
const readPins = async (directory: string): Promise<Map<string, Set<string>>> => {
  const pins = new Map<string, Set<string>>()
  for (const key of await readdir(directory)) {
    for (const attempt of await readdir(join(directory, key, pinsName)).catch(() => [])) {
      pins.set(attempt, (pins.get(attempt) ?? new Set()).add(key))
    }
  }
  return pins
}

/** Whether the image is one that the operator has named: not ours to remove. */
const isReady = (record: ImageRecord): boolean =>
  typeof record.inputs === "object" && record.inputs !== null && "ready" in record.inputs

const decodeRecord = Schema.decodeUnknownEffect(Schema.fromJsonString(ImageRecord))

const readRecord = (path: string) =>
  Effect.promise(() => readFile(join(path, "record.json"), "utf8").catch(() => undefined)).pipe(
    Effect.flatMap((text) => (text === undefined ? Effect.succeed(undefined) : decodeRecord(text))),
    // A record that cannot be read is as good as none: the image is made again.
    Effect.catchTag("SchemaError", () => Effect.succeed(undefined))
  )

const lastUsed = (path: string, otherwise: number) =>
  Effect.promise(() =>
    readFile(join(path, "used"), "utf8").then(
      (text) => Number.parseInt(text, 10) || otherwise,
      () => otherwise
    )
  )
