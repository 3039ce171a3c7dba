/**
 * `‹log›-ts.log`, kojid's `log_timestamps`: when how much of a log had arrived at the hub (daemon.md 5.5). Lines of seconds
 * and bytes, the first with 0. Everything in them is in the journal as well, so a resumed attempt goes on with them.
 */
import { appendFile } from "node:fs/promises"
import { join } from "node:path"
import { Clock, Effect } from "effect"
import type { PastEvent } from "../journal/AttemptJournal.ts"

const suffix = "-ts.log"

/** kojid times what it watches while mock runs, and what it uploads whole it does not. */
const untimed = ["mock_config.log"]
const isTimed = (name: string): boolean => name.endsWith(".log") && !name.endsWith(suffix) && !untimed.includes(name)

interface Moved {
  readonly name: string
  readonly offset: number
}

/** Keeps the times of logs in `directory`, where those themselves are; told of every move of theirs, in order. */
export const logTimes = Effect.fnUntraced(function* (directory: string, history: ReadonlyArray<PastEvent>) {
  const offsets = new Map<string, number>()
  const add = async ({ name, offset }: Moved, milliseconds: number) => {
    if (!isTimed(name) || offset <= (offsets.get(name) ?? 0)) return
    const seconds = Math.round(milliseconds / 1000)
    const start = offsets.has(name) ? "" : `${seconds} 0\n`
    offsets.set(name, offset)
    await appendFile(join(directory, `${name}${suffix}`), `${start}${seconds} ${offset}\n`)
  }
  for (const { at, event } of history) {
    if (event._tag === "LogAdvanced") yield* Effect.promise(() => add(event, at))
  }
  return {
    moved: (logs: ReadonlyArray<Moved>) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        Effect.promise(async () => {
          for (const log of logs) await add(log, now)
        })
      )
  }
})
