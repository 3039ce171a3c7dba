/**
 * Holds a step to its disk budget without quotas: the container's own layer and what is mounted to be written, together.
 *
 * Counting files is dear (a build tree has 100,000), so it is done when it can matter: every two seconds the file
 * systems are asked how much they hold, which costs nothing, and only when they have grown by a good part of what is
 * left, or after a minute, is the step's share counted, by `du`, which follows no links and is not led astray by
 * trees deeper than a path may be long. An inode counts as a block, so that a million empty files are 4 GB.
 *
 * The engine's own log file is looked at too: a flood of empty lines grows it faster than any API reads it.
 */

import { execFile } from "node:child_process"
import { statfs } from "node:fs/promises"
import { Clock, Effect } from "effect"
import type { LimitReached } from "./StepLimits.ts"

const pollInterval = "2 seconds"
/** At the latest so long after a count comes the next one. */
const countEveryMillis = 60_000
/** A count may use a fifth of the time. */
const restFactor = 4
/** A count that takes longer is given up; the next one is tried. */
const countSeconds = 300
const inodeBytes = 4096

export interface DiskBudget {
  readonly paths: ReadonlyArray<string>
  readonly diskBytes: number
  /** The engine's log file, and how large it may get; null when it cannot be seen. */
  readonly log: {
    readonly bytes: Effect.Effect<number>
    readonly bytesMax: number
    readonly outputBytes: number
  } | null
}

/** Succeeds once the budget is exceeded, and otherwise never. */
export const overBudget = (budget: DiskBudget): Effect.Effect<LimitReached> =>
  Effect.gen(function* () {
    let counted = 0
    let heldThen = yield* held(budget.paths)
    let countedAt = Number.NEGATIVE_INFINITY
    let took = 0
    while (true) {
      yield* Effect.sleep(pollInterval)
      const log = budget.log
      if (log !== null && (yield* log.bytes) > log.bytesMax) return { limit: "output", value: log.outputBytes }
      const now = yield* Clock.currentTimeMillis
      const grown = (yield* held(budget.paths)) - heldThen
      const due = now - countedAt > countEveryMillis || grown > (budget.diskBytes - counted) / restFactor
      if (!due || now - countedAt < restFactor * took) continue
      heldThen = yield* held(budget.paths)
      counted = (yield* usage(budget.paths)) ?? counted
      countedAt = yield* Clock.currentTimeMillis
      took = countedAt - now
      if (counted > budget.diskBytes) return { limit: "disk", value: budget.diskBytes }
    }
  })

/** What the paths hold together, in bytes, an inode counted as a block; undefined when it could not be found out. */
export const usage = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  if (paths.length === 0) return 0
  const bytes = yield* du(["--block-size=1"], paths)
  const inodes = yield* du(["--inodes"], paths)
  return bytes === undefined || inodes === undefined ? undefined : bytes + inodes * inodeBytes
})

/** The sum of `du`'s first column. Files that vanish while it looks make it complain and are none of our business. */
const du = (how: ReadonlyArray<string>, paths: ReadonlyArray<string>) =>
  Effect.promise(
    (signal) =>
      new Promise<number | undefined>((resolve) => {
        const options = {
          signal,
          timeout: 1000 * countSeconds,
          killSignal: "SIGKILL",
          env: { LC_ALL: "C", PATH: "/usr/bin:/bin" }
        } as const
        execFile("du", ["-sx", ...how, "--", ...paths], options, (error, stdout) => {
          if (error !== null && typeof error.code !== "number") return resolve(undefined)
          const sums = [...stdout.matchAll(/^(\d+)\t/gm)].map(([, digits]) => Number(digits))
          resolve(sums.reduce((total, sum) => total + sum, 0))
        })
      })
  )

/** What the file systems of these paths hold in all, each counted once. */
const held = Effect.fnUntraced(function* (paths: ReadonlyArray<string>) {
  const systems = new Map<string, number>()
  for (const path of paths) {
    const system = yield* Effect.promise(() => statfs(path).catch(() => undefined))
    if (system === undefined) continue
    const used = (system.blocks - system.bfree) * system.bsize + (system.files - system.ffree) * inodeBytes
    systems.set(`${system.type} ${system.blocks} ${system.files}`, used)
  }
  return [...systems.values()].reduce((total, used) => total + used, 0)
})
