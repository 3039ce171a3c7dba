/**
 * What lies around a journal: values that it only names, the output of its containers, the logs that packagers know.
 *
 * On the builder itself all of it is below the state directory while the attempt runs; of an attempt that has ended, the
 * copy of its output; beside a journal that was fetched from the hub, what was fetched with it. None of it must be there:
 * a journal is read from its one file.
 *
 * The names come out of the journal, which may have come by mail. So a name is a single component of a path or nothing,
 * and what is found says whether it is a link: what a link leads to is shown to nobody unless its digest is on record.
 */
import { dirname, join, resolve } from "node:path"
import { Effect, Option, Result, type Stream } from "effect"
import { safeComponent } from "../koji/Paths.ts"
import { type FileUnreadable, namesIn, readChunks, regularFile } from "./Files.ts"

/** Of an attempt: a value by its digest, what one container put out, or one of Koji's logs. */
export interface Wanted {
  readonly kind: "value" | "capture" | "log"
  readonly name: string
}

export interface Found {
  /** Where it is, for people. */
  readonly name: string
  /** Its contents from this byte on. */
  bytes(from: number): Stream.Stream<Uint8Array, FileUnreadable>
  /** Null when that is known only after reading it. */
  readonly size: number | null
  readonly isLink: boolean
}

export interface Surroundings {
  /** None when it is not there, or cannot be read. */
  find(wanted: Wanted): Effect.Effect<Option.Option<Found>>
}

export const nothingAround: Surroundings = { find: () => Effect.succeed(Option.none()) }

/** The pseudo-log that the operator's copy of all output is called by. */
export const containerLog = "container.log"

/** No capture or log is larger, whatever limit was set for it. */
export const foundBytesMax = 64 * 1024 ** 3

/** What is around a journal's file; `logDirectory` is where the host keeps what containers put out, if it is this host. */
export const aroundFile = (
  journal: string,
  of: { readonly task: number; readonly attempt: number },
  logDirectory: string | null
): Surroundings => {
  const beside = dirname(resolve(journal))
  const state = dirname(dirname(beside))
  const work = join(state, "work", `${of.task}-${of.attempt}`)

  const places = ({ kind, name }: Wanted): ReadonlyArray<string> => {
    if (Result.isFailure(safeComponent(name))) return []
    switch (kind) {
      case "value":
        return [join(state, "blobs", name), join(beside, "blobs", name)]
      case "capture":
        return [join(work, "captures", name), join(beside, String(of.attempt), name)]
      case "log":
        return [join(work, "logs", name), join(beside, name)]
    }
  }
  /** One file for a task: it is about the newest attempt. */
  const operatorsCopy = Effect.gen(function* () {
    if (logDirectory === null) return []
    const names = yield* Effect.orElseSucceed(namesIn(beside), (): ReadonlyArray<string> => [])
    return names.includes(`${of.attempt + 1}.jsonl`) ? [] : [join(logDirectory, String(of.task), containerLog)]
  })
  const find = Effect.fnUntraced(function* (wanted: Wanted) {
    const more = wanted.kind === "log" && wanted.name === containerLog ? yield* operatorsCopy : []
    for (const path of [...places(wanted), ...more]) {
      const file = yield* Effect.option(regularFile(path))
      if (Option.isNone(file)) continue
      const bytes = (from: number) => readChunks(path, foundBytesMax, from)
      return Option.some<Found>({ name: path, ...file.value, bytes })
    }
    return Option.none<Found>()
  })
  return { find }
}
