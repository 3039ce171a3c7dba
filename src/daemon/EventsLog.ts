/**
 * The attempt's journal, up to the decided result, beside the build's logs on the hub: whoever fetches the logs of a
 * failed build (`koji download-logs`) can take it apart from that one file.
 *
 * It goes there before the task is closed, for afterwards the hub takes nothing. It is worth waiting for no longer than
 * a report is: a journal that does not arrive is still on the builder.
 */
import { Effect } from "effect"
import { order } from "../core/AttemptCommand.ts"
import type { Outcome } from "../core/AttemptEvent.ts"
import type { TaskId } from "../core/Ids.ts"
import { uploadFile } from "../hub/Upload.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { taskPath } from "../koji/Paths.ts"

/** Koji's clients fetch what ends in `.log`. */
export const eventsLogName = "adjutant-events.log"

const uploadSeconds = 60
/** A task that is given back is wanted elsewhere, and a daemon that is told to stop should. */
const uploadSecondsFreed = 10

/** Never fails: what went wrong is noted in the journal itself. */
export const uploadEvents = Effect.fn("uploadEvents")(function* (task: TaskId, outcome: Outcome) {
  const journal = yield* AttemptJournal
  const { path } = journal
  // A task that was canceled or is somebody else's takes no uploads from us.
  if (path === null || outcome._tag === "Canceled" || outcome._tag === "Lost") return
  const seconds = outcome._tag === "Freed" ? uploadSecondsFreed : uploadSeconds
  yield* uploadFile(path, taskPath(task), eventsLogName).pipe(
    Effect.interruptible,
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail({ message: `the hub did not take it within ${seconds} s` })
    }),
    Effect.catch(({ message }) =>
      journal.submit(order.Note.make({ text: `${eventsLogName} was not uploaded: ${message}` })).pipe(Effect.orDie)
    )
  )
})
