/** A golden journal as it is read: its events, what they add up to, and what is wrong with it. */
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { historyCheck } from "../../src/inspect/Check.ts"
import { fileSource } from "../../src/inspect/JournalSource.ts"
import { momentAfter, stateJson } from "../../src/inspect/Moment.ts"
import { scanJournal } from "../../src/inspect/ScanJournal.ts"
import { digestOf } from "../../src/journal/Canonical.ts"

/** Long values by their digests: the file is for comparing, and for a person to read. */
const digested = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, member: unknown) => {
      const text =
        typeof member === "object" && member !== null && "Inline" === Reflect.get(member, "_tag") ? member : null
      return text === null || JSON.stringify(text).length < 200 ? member : digestOf(JSON.parse(JSON.stringify(text)))
    })
  )

export const read = Effect.fnUntraced(function* (path: string) {
  const moment = momentAfter(null)
  const check = historyCheck()
  const events: Array<AttemptEvent> = []
  const scan = yield* scanJournal(fileSource(path), {
    attempt: (event, at) => {
      events.push(event)
      moment.add(event, at)
      check.add(event)
    }
  })
  const found = moment.moment()
  return { scan, events, state: found === undefined ? null : digested(stateJson(found).state), check: check.found() }
})
