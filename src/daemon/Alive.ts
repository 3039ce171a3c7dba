/**
 * The daemon's sign of life: a file that is written at every look at the hub. Whoever sweeps behind a daemon that is
 * gone (`adjutant reap`) counts its lease from there.
 */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect } from "effect"

const aliveFile = (stateDirectory: string): string => join(stateDirectory, "alive")

/** Says that the daemon is there. A disk that takes nothing is told of elsewhere. */
export const tellAlive = Effect.fnUntraced(function* (stateDirectory: string) {
  const now = yield* Clock.currentTimeMillis
  yield* Effect.ignore(Effect.tryPromise(() => writeFile(aliveFile(stateDirectory), `${now}\n`, { mode: 0o600 })))
})

/** For how many seconds it has not; since the epoch if it never did. */
export const silence = Effect.fnUntraced(function* (stateDirectory: string) {
  const now = yield* Clock.currentTimeMillis
  const text = yield* Effect.promise(() => readFile(aliveFile(stateDirectory), "utf8").catch(() => ""))
  return Math.max(0, Math.floor((now - (Number.parseInt(text, 10) || 0)) / 1000))
})
