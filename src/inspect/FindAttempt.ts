/** Where the journals of a host's attempts are. */
import { join } from "node:path"
import { Effect } from "effect"
import type { TaskId } from "../core/Ids.ts"
import { namesIn } from "./Files.ts"
import { JournalUnreadable } from "./JournalSource.ts"

/** The file of a task's newest attempt, or of the one given, below a state directory. */
export const findAttempt = Effect.fn("findAttempt")(function* (stateDirectory: string, task: TaskId, attempt?: number) {
  const directory = join(stateDirectory, "tasks", String(task))
  const fail = (reason: JournalUnreadable["reason"], message: string) =>
    new JournalUnreadable({ file: directory, reason, message })
  const names = yield* namesIn(directory).pipe(
    Effect.mapError((error) =>
      error.reason === "missing"
        ? fail("missing", `no attempt of task ${task} is recorded below ${stateDirectory}`)
        : fail(error.reason, error.message)
    )
  )
  const attempts = names.flatMap((name) => /^([1-9]\d{0,8})\.jsonl$/.exec(name)?.[1] ?? []).map(Number)
  const chosen = attempt ?? Math.max(...attempts)
  if (attempts.length === 0)
    return yield* fail("missing", `no attempt of task ${task} is recorded below ${stateDirectory}`)
  if (!attempts.includes(chosen)) {
    const known = attempts.sort((a, b) => a - b).join(", ")
    return yield* fail("missing", `task ${task} has no attempt ${chosen} here; recorded: ${known}`)
  }
  return join(directory, `${chosen}.jsonl`)
})
