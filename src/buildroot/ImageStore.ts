/**
 * Images made here, by what they are made of: the cache behind "a buildroot is an image, the value of its inputs".
 *
 * A record lies beside the journals (`images/<key>/`): which image it is, its package list, its state for the next
 * resolve, and the transcript of its making, which goes into the logs of every task that uses it. Two attempts that
 * need the same image at the same time make it once; if the one that makes it is stopped, the next one makes it.
 *
 * What a live attempt refers to is pinned and is not evicted. Making, finding and evicting one key exclude each other,
 * and a pin is set inside: an image is found and pinned, or evicted and made again, never found and then evicted.
 */

import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, Option, Schema, Semaphore } from "effect"
import { Engine, type EngineError } from "../engine/Engine.ts"
import { PackageEntry } from "../koji/PackageList.ts"
import { BuilderSettings } from "./BuilderSettings.ts"
import { ifThere } from "./SourceFile.ts"

/** What is known of an image made here. */
export const ImageRecord = Schema.Struct({
  /** The digest of everything that went into it, and the name of its directory. */
  key: Schema.String.check(Schema.isPattern(/^[0-9A-Za-z]+$/)),
  kind: Schema.Literals(["base", "installed"]),
  /** The engine's id of it. */
  image: Schema.String,
  /** For people: which tag, repo, group, requirements. */
  inputs: Schema.Json,
  packages: Schema.Array(PackageEntry),
  /** Without the layers of the image it was made from. */
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
  /** A directory with `state.tar`, `transcript` and `log/`; taken over by the store. */
  readonly files: string
}

export interface Evicted {
  readonly key: string
  readonly image: string
  readonly reason: string
}

/** What eviction goes by, held in memory: this process alone changes it (the state directory is locked). */
interface Entry {
  readonly image: string
  readonly bytes: number
  /** Whether the image is one that the operator has named: only forgotten, never removed. */
  readonly ready: boolean
  /** Milliseconds since the epoch. */
  readonly used: number
}

export class ImageStore extends Context.Service<
  ImageStore,
  {
    /**
     * The image of this key, made by `make` if there is none; pinned for the attempt that asks. `made` tells whether
     * this attempt made it, perhaps in an earlier process (then its transcript is in the attempt's logs already).
     */
    getOrMake<E, R>(
      attempt: string,
      key: string,
      make: Effect.Effect<MadeImage, E, R>
    ): Effect.Effect<{ readonly record: ImageRecord; readonly made: boolean }, E | EngineError, R>
    /** Where the files of an image lie: `state.tar`, `transcript`, `log/`. */
    files(key: string): string
    /** The ids of all images that have a record, and the keys of those that are being made. */
    readonly known: Effect.Effect<{ readonly ids: ReadonlySet<string>; readonly making: ReadonlySet<string> }>
    /** The attempt has ended: what it alone pinned may be evicted. */
    unpin(attempt: string): Effect.Effect<void>
    /** Forgets the pins of all attempts but these, which are those that an earlier process left open. */
    keepPins(attempts: ReadonlySet<string>): Effect.Effect<void>
    /** Evicts what is too old, then the least recently used until the budget holds; never what is pinned. */
    readonly evict: Effect.Effect<ReadonlyArray<Evicted>>
  }
>()("adjutant/buildroot/ImageStore") {
  static readonly layer = Layer.effect(
    ImageStore,
    Effect.gen(function* () {
      const engine = yield* Engine
      const settings = yield* BuilderSettings
      const directory = join(settings.stateDirectory, "images")
      yield* Effect.promise(() => mkdir(directory, { recursive: true, mode: 0o700 }))
      const entries = new Map(yield* readEntries(directory))
      const pins = yield* Effect.promise(() => readPins(directory))
      const busy = new Map<string, { readonly lock: Semaphore.Semaphore; users: number }>()
      const files = (key: string) => join(directory, key)

      /** One at a time for each key; a key that nobody is at is not remembered. */
      const alone = <A, E, R>(key: string, work: (lock: Semaphore.Semaphore) => Effect.Effect<A, E, R>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => {
            const held = busy.get(key) ?? { lock: Semaphore.makeUnsafe(1), users: 0 }
            held.users++
            busy.set(key, held)
            return held
          }),
          ({ lock }) => work(lock),
          (held) => Effect.sync(() => void (--held.users === 0 && busy.delete(key)))
        )

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
      const isPinned = (key: string) => [...pins.values()].some((keys) => keys.has(key))

      const forget = (key: string) =>
        Effect.promise(() => rm(files(key), { recursive: true, force: true })).pipe(
          Effect.andThen(Effect.sync(() => void entries.delete(key)))
        )

      /** The record, if the engine still has the image; a record without its image is worth nothing. */
      const find = Effect.fnUntraced(function* (key: string) {
        const record = yield* readRecord(files(key))
        if (record === undefined) return undefined
        if ((yield* engine.inspectImage(record.image)) !== undefined) return record
        yield* forget(key)
        return undefined
      })

      const use = Effect.fnUntraced(function* (record: ImageRecord) {
        const now = yield* Clock.currentTimeMillis
        entries.set(record.key, { ...entryOf(record), used: now })
        yield* Effect.promise(() => writeFile(join(files(record.key), "used"), `${now}\n`))
      })

      const save = Effect.fnUntraced(function* (attempt: string, key: string, made: MadeImage) {
        const { files: from, ...rest } = made
        const record: ImageRecord = { ...rest, key, madeAt: yield* Clock.currentTimeMillis }
        const text = yield* Schema.encodeEffect(Schema.fromJsonString(ImageRecord))(record).pipe(Effect.orDie)
        yield* Effect.promise(async () => {
          await writeFile(join(from, "record.json"), `${text}\n`)
          await writeFile(join(from, makerName), attempt)
          await rm(files(key), { recursive: true, force: true })
          await rename(from, files(key)).catch(() => moveAcross(from, files(key)))
        })
        entries.set(key, entryOf(record))
        return record
      }, Effect.uninterruptible)

      const getOrMake = <E, R>(attempt: string, key: string, make: Effect.Effect<MadeImage, E, R>) =>
        alone(key, (lock) =>
          Effect.gen(function* () {
            pin(attempt, key)
            const found = yield* find(key)
            const record = found ?? (yield* save(attempt, key, yield* make))
            yield* use(record)
            yield* keepPin(attempt, key)
            const maker = yield* Effect.promise(() => readFile(join(files(key), makerName), "utf8").catch(() => ""))
            return { record, made: maker === attempt }
          }).pipe(lock.withPermits(1))
        )

      /** Evicts one image, unless somebody has it or is at it. */
      const evictOne = Effect.fnUntraced(function* (key: string, image: string, ready: boolean) {
        const done = yield* alone(key, (lock) =>
          lock.withPermitsIfAvailable(1)(
            Effect.gen(function* () {
              if (isPinned(key)) return false
              // An image that others are built on, or that a container uses, stays.
              if (!ready && (yield* Effect.result(engine.removeImage(image)))._tag === "Failure") return false
              yield* forget(key)
              return true
            })
          )
        )
        return Option.getOrElse(done, () => false)
      })

      const evict = Effect.fn("ImageStore.evict")(function* () {
        const now = yield* Clock.currentTimeMillis
        const byUse = [...entries].sort(([, a], [, b]) => a.used - b.used)
        let bytes = byUse.reduce((sum, [, entry]) => sum + entry.bytes, 0)
        const evicted: Array<Evicted> = []
        for (const [key, entry] of byUse) {
          const unused = Math.round((now - entry.used) / 1000)
          const old = unused > settings.imageCacheAgeSecondsMax
          if (!old && bytes <= settings.imageCacheBytesMax) continue
          const reason = old ? `unused for ${unused} s` : `the cache holds ${bytes} bytes`
          if (!(yield* evictOne(key, entry.image, entry.ready))) continue
          bytes -= entry.bytes
          evicted.push({ key, image: entry.image, reason })
        }
        return evicted
      })

      return ImageStore.of({
        known: Effect.sync(() => {
          const ids = new Set([...entries.values()].map(({ image }) => image))
          return { ids, making: new Set(busy.keys()) }
        }),
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

/** Names the attempt that made the image. */
const makerName = "maker"
const pinsName = "pins"

/** The keys that each attempt has pinned, as an earlier process left them. */
const readPins = async (directory: string): Promise<Map<string, Set<string>>> => {
  const pins = new Map<string, Set<string>>()
  for (const key of await readdir(directory)) {
    for (const attempt of (await ifThere(readdir(join(directory, key, pinsName)))) ?? []) {
      pins.set(attempt, (pins.get(attempt) ?? new Set()).add(key))
    }
  }
  return pins
}

const entryOf = (record: ImageRecord): Entry => ({
  image: record.image,
  bytes: record.bytes,
  ready: typeof record.inputs === "object" && record.inputs !== null && "ready" in record.inputs,
  used: record.madeAt
})

/** What an earlier process left. A directory without a whole record is what is left of a making, or of a removal. */
const readEntries = Effect.fnUntraced(function* (directory: string) {
  const found: Array<readonly [string, Entry]> = []
  for (const key of yield* Effect.promise(() => readdir(directory))) {
    const path = join(directory, key)
    const record = yield* readRecord(path)
    if (record === undefined) yield* Effect.promise(() => rm(path, { recursive: true, force: true }))
    else found.push([key, { ...entryOf(record), used: yield* lastUsed(path, record.madeAt) }])
  }
  return found
})

/** Between file systems: the directory has its name once it is whole. */
const moveAcross = async (from: string, to: string): Promise<void> => {
  await rm(`${to}.new`, { recursive: true, force: true })
  await cp(from, `${to}.new`, { recursive: true })
  await rename(`${to}.new`, to)
  await rm(from, { recursive: true, force: true })
}

const decodeRecord = Schema.decodeUnknownEffect(Schema.fromJsonString(ImageRecord))

const readRecord = (path: string) =>
  Effect.promise(() => ifThere(readFile(join(path, "record.json"), "utf8"))).pipe(
    Effect.flatMap((text) => (text === undefined ? Effect.succeed(undefined) : decodeRecord(text))),
    // A record that is none is as good as missing: the image is made again.
    Effect.catchTag("SchemaError", () => Effect.succeed(undefined))
  )

const lastUsed = (path: string, otherwise: number) =>
  Effect.promise(() =>
    readFile(join(path, "used"), "utf8").then(
      (text) => Number.parseInt(text, 10) || otherwise,
      () => otherwise
    )
  )
