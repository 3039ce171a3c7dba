/**
 * The logs that a packager knows by name (`build.log`, `root.log`, `state.log`, `mock_output.log`, …), grown from what
 * container steps write and from what the program does.
 *
 * Each is a function of the journal and the captures: what a container puts out is in its capture, and the words of ours
 * between are journaled before they are written. So a process that goes on with an attempt makes them again from there,
 * whatever the one before it had written, and whoever repeats a step does not say the same twice.
 *
 * They only ever grow, one writer at a time, so that an upload that follows them never has to go back (tasks.md 2.8).
 */

import { appendFile, mkdir, open, readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, Semaphore } from "effect"
import { order } from "../core/AttemptCommand.ts"
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import { AttemptJournal, type PastEvent } from "../journal/AttemptJournal.ts"
import { currentStep } from "../journal/Door.ts"
import { isMissing } from "./Workspace.ts"

/** Where the logs of an attempt are written, and what they are made again from. */
export interface LogPlaces {
  /** One file a log. */
  readonly directory: string
  /** The captures of the attempt's containers. */
  readonly captures: string
  /** The operator's copy of everything the engine put out: `<log directory>/<task>/container.log`. */
  readonly container: string
}

export class KojiLogs extends Context.Service<
  KojiLogs,
  {
    /** Where the logs lie, one file a name. */
    readonly directory: string
    /** Adds what a container put out, which its capture holds already, to each of these logs. */
    output(names: ReadonlyArray<string>, bytes: Uint8Array): Effect.Effect<void>
    /** Adds words of ours to each of these logs, journaled first. A step that is repeated says them once. */
    append(names: ReadonlyArray<string>, text: Uint8Array | string): Effect.Effect<void>
    /** Adds a line to `state.log`, stamped as mock stamps it. */
    state(text: string): Effect.Effect<void>
    /** Adds a line of ours to `root.log`, in the shape of mock's. */
    root(text: string): Effect.Effect<void>
    /** The names of the logs that hold at least one byte. */
    readonly names: Effect.Effect<ReadonlyArray<string>>
    /** How often something was written: while it is the same number, whoever follows the logs has nothing to look for. */
    readonly writes: Effect.Effect<number>
  }
>()("adjutant/buildroot/KojiLogs") {
  static readonly layer = (places: LogPlaces, version: string) =>
    Layer.effect(
      KojiLogs,
      Effect.gen(function* () {
        const { directory } = places
        const journal = yield* AttemptJournal
        const oneAtATime = yield* Semaphore.make(1)
        const begun = new Set<string>()
        const first = `Mock Version: koji-adjutant ${version}\n`
        const header = (name: string, at: number): string => {
          if (name === "build.log") return first
          if (name === "root.log") return `INFO adjutant:  ${first}`
          return name === "state.log" ? `${stamp(at)} - ${first}` : ""
        }

        let writes = 0
        const write = async (names: ReadonlyArray<string>, bytes: Uint8Array | string, at: number) => {
          if (bytes.length === 0) return
          for (const name of names) {
            if (name === containerLog) await appendFile(places.container, bytes)
            else {
              const start = begun.has(name) ? "" : header(name, at)
              begun.add(name)
              if (start !== "") await appendFile(join(directory, name), start)
              await appendFile(join(directory, name), bytes)
            }
          }
          writes++
        }

        const writeEvent = Effect.fnUntraced(function* ({ at, event }: PastEvent) {
          if (event._tag === "LogWritten") {
            const text = yield* journal.getText(event.text).pipe(Effect.orDie)
            yield* Effect.promise(() => write(event.logs, lineOf(event, text), event.at ?? at))
          } else if (event._tag === "ContainerIntended" && event.capture !== "") {
            const capture = join(places.captures, event.capture)
            yield* Effect.promise(() => eachChunk(capture, (bytes) => write(event.logs, bytes, at)))
          }
        })

        const again = journal.history.some(
          ({ event }) => event._tag === "LogWritten" || event._tag === "ContainerIntended"
        )
        yield* Effect.promise(() => begin(places, again))
        for (const past of journal.history) yield* writeEvent(past)
        const said = saidBefore(journal.history)

        const journaled = Effect.fnUntraced(function* (
          names: ReadonlyArray<string>,
          text: Uint8Array | string,
          at: number | null
        ) {
          const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text
          if (bytes.length === 0) return
          const step = yield* currentStep
          const kept = yield* journal.putText(bytes).pipe(Effect.orDie)
          const written = { step: step?.path ?? null, logs: [...names], at, text: kept }
          if (step?.begunBefore === true && said.take(written)) return
          yield* journal.submit(order.WriteLog.make(written)).pipe(Effect.orDie)
          const now = at ?? (yield* Clock.currentTimeMillis)
          yield* Effect.promise(() => write(names, lineOf(written, bytes), now))
        })
        // Journaled and written, or neither: what is in the journal is made again at the next start.
        const append = (names: ReadonlyArray<string>, text: Uint8Array | string, at: number | null) =>
          Effect.uninterruptible(oneAtATime.withPermits(1)(journaled(names, text, at)))

        return KojiLogs.of({
          directory,
          output: (names, bytes) =>
            Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.promise(() => write(names, bytes, now))).pipe(
              oneAtATime.withPermits(1)
            ),
          append: (names, text) => append(names, text, null),
          state: (text) => Effect.flatMap(Clock.currentTimeMillis, (now) => append(["state.log"], text, now)),
          root: (text) => append(["root.log"], `INFO adjutant:  ${text}\n`, null),
          names: Effect.sync(() => [...begun]),
          writes: Effect.sync(() => writes)
        })
      })
    )
}

/** The pseudo-name of the operator's copy, which is not uploaded. */
export const containerLog = "container.log"

type Written = Omit<Extract<AttemptEvent, { _tag: "LogWritten" }>, "_tag">

/** What stands in the log: the words as they are, or a stamped line of them. */
const lineOf = ({ at }: Pick<Written, "at">, text: Uint8Array): Uint8Array =>
  at === null ? text : Buffer.concat([Buffer.from(`${stamp(at)} - `), text, Buffer.from("\n")])

/** `2026-01-31 16:29:15,123`, as mock writes it, in UTC. */
const stamp = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace("T", " ").replace("Z", "").replace(".", ",")

/** What each step has said before, as often as it did. */
const saidBefore = (history: ReadonlyArray<PastEvent>) => {
  const times = new Map<string, number>()
  const keyOf = ({ step, logs, at, text }: Written) => JSON.stringify([step, logs, at !== null, text])
  for (const { event } of history) {
    if (event._tag === "LogWritten") times.set(keyOf(event), (times.get(keyOf(event)) ?? 0) + 1)
  }
  /** True if it had been said, once for each time. */
  const take = (written: Written): boolean => {
    const left = times.get(keyOf(written)) ?? 0
    if (left > 0) times.set(keyOf(written), left - 1)
    return left > 0
  }
  return { take }
}

/** Empty logs to begin with. The operator's copy of an earlier attempt is kept as `container.log.1`. */
const begin = async ({ directory, container }: LogPlaces, again: boolean): Promise<void> => {
  await mkdir(join(container, ".."), { recursive: true, mode: 0o755 })
  if (again) await rm(container, { force: true })
  else await rename(container, `${container}.1`).catch(ifThere)
  for (const name of await readdir(directory)) await rm(join(directory, name))
}

const ifThere = (cause: unknown): void => {
  if (!isMissing(cause)) throw cause
}

const chunkBytes = 1024 * 1024

/** Everything a capture holds; nothing when the container never came to write any. */
const eachChunk = async (path: string, use: (bytes: Uint8Array) => Promise<void>): Promise<void> => {
  const file = await open(path, "r").catch(ifThere)
  if (file === undefined) return
  try {
    const buffer = Buffer.alloc(chunkBytes)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes)
      if (bytesRead === 0) return
      await use(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}
