/**
 * The daemon's sign of life: a file that is written for as long as the daemon lives, whether or not the hub answers.
 * Whoever sweeps behind a daemon that is gone (`adjutant reap`) counts its lease from there.
 */
import { readFile, rename, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { isMissing } from "../buildroot/Workspace.ts"

const aliveFile = (stateDirectory: string): string => join(stateDirectory, "alive")

/** A small part of any lease that makes sense. */
const aliveSeconds = 15

/** Says again and again that the daemon is there, for as long as it is let. */
export const tellingAlive = Effect.gen(function* () {
  const { stateDirectory } = yield* BuilderSettings
  yield* tellAlive(stateDirectory).pipe(Effect.andThen(Effect.sleep(`${aliveSeconds} seconds`)), Effect.forever)
})

/** A disk that takes nothing is told of elsewhere, and keeps what was said last. */
const tellAlive = Effect.fnUntraced(function* (stateDirectory: string) {
  const now = yield* Clock.currentTimeMillis
  const path = aliveFile(stateDirectory)
  const tell = () => writeFile(`${path}.new`, `${now}\n`, { mode: 0o600 }).then(() => rename(`${path}.new`, path))
  yield* Effect.ignore(Effect.tryPromise(tell))
})

/**
 * For how many seconds it has not; since the epoch if it never did. A file that does not say when counts from when it
 * was written, or from now where the disk does not show even that: what is taken away too late does no harm.
 */
export const silence = Effect.fnUntraced(function* (stateDirectory: string) {
  const now = yield* Clock.currentTimeMillis
  const path = aliveFile(stateDirectory)
  const saidAt = yield* Effect.promise(async () => {
    try {
      const said = Number.parseInt(await readFile(path, "utf8"), 10)
      return Number.isNaN(said) ? (await stat(path)).mtimeMs : said
    } catch (cause) {
      if (isMissing(cause)) return 0
      return stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => now
      )
    }
  })
  return Math.max(0, Math.floor((now - saidAt) / 1000))
})
