/**
 * The logs that a packager knows by name (`build.log`, `root.log`, `state.log`, `mock_output.log`, …), grown from what
 * container steps write and from what the program does.
 *
 * They only ever grow, one writer at a time, so that an upload that follows them never has to go back (tasks.md 2.8).
 */

import { appendFile, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Context, Effect, Layer, Semaphore } from "effect"

export class KojiLogs extends Context.Service<
  KojiLogs,
  {
    /** Where the logs lie, one file a name. */
    readonly directory: string
    /** Adds bytes to each of these logs, in order. */
    append(names: ReadonlyArray<string>, bytes: Uint8Array | string): Effect.Effect<void>
    /** Adds a line to `state.log`, stamped as mock stamps it. */
    state(text: string): Effect.Effect<void>
    /** Adds a line of ours to `root.log`, in the shape of mock's. */
    root(text: string): Effect.Effect<void>
    /** The names of the logs that hold at least one byte. */
    readonly names: Effect.Effect<ReadonlyArray<string>>
  }
>()("adjutant/buildroot/KojiLogs") {
  /** `container` is the operator's copy of everything the engine put out: `<log directory>/<task>/container.log`. */
  static readonly layer = (directory: string, version: string, container: string) =>
    Layer.effect(
      KojiLogs,
      Effect.gen(function* () {
        yield* Effect.promise(() => mkdir(join(container, ".."), { recursive: true, mode: 0o755 }))
        const oneAtATime = yield* Semaphore.make(1)
        const begun = new Set<string>()
        const first = `Mock Version: koji-adjutant ${version}\n`

        const write = async (name: string, bytes: Uint8Array | string) => {
          if (name === containerLog) return appendFile(container, bytes)
          if (!begun.has(name)) {
            begun.add(name)
            if (name === "build.log") await appendFile(join(directory, name), first)
            if (name === "root.log") await appendFile(join(directory, name), `INFO adjutant:  ${first}`)
          }
          return appendFile(join(directory, name), bytes)
        }

        const append = Effect.fnUntraced(function* (names: ReadonlyArray<string>, bytes: Uint8Array | string) {
          if (bytes.length === 0) return
          yield* Effect.promise(async () => {
            for (const name of names) await write(name, bytes)
          }).pipe(oneAtATime.withPermits(1))
        })

        const state = Effect.fnUntraced(function* (text: string) {
          const now = yield* Clock.currentTimeMillis
          const version = begun.has("state.log") ? "" : `${stamp(now)} - ${first}`
          yield* append(["state.log"], `${version}${stamp(now)} - ${text}\n`)
        })

        return KojiLogs.of({
          directory,
          append,
          state,
          root: (text) => append(["root.log"], `INFO adjutant:  ${text}\n`),
          names: Effect.sync(() => [...begun])
        })
      })
    )
}

/** The pseudo-name of the operator's copy, which is not uploaded. */
export const containerLog = "container.log"

/** `2026-01-31 16:29:15,123`, as mock writes it, in UTC. */
const stamp = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace("T", " ").replace("Z", "").replace(".", ",")
