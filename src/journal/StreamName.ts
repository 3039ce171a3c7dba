/** The names of streams: which history a line belongs to, and the file that holds it. */
import { AttemptNumber, TaskId } from "../core/Ids.ts"

/** One stream for each attempt, one for the daemon itself. */
export type StreamName =
  | {
      readonly kind: "attempt"
      readonly task: TaskId
      readonly attempt: AttemptNumber
    }
  | { readonly kind: "daemon" }

export const daemonStream: StreamName = { kind: "daemon" }

/** The file of a stream, below the state directory: `tasks/<task>/<attempt>.jsonl` or `daemon.jsonl`. */
export const fileOfStream = (stream: StreamName): string =>
  stream.kind === "daemon" ? "daemon.jsonl" : `tasks/${stream.task}/${stream.attempt}.jsonl`

const attemptFile = /(?:^|\/)tasks\/(0|[1-9]\d{0,14})\/(0|[1-9]\d{0,8})\.jsonl$/
const daemonFile = /(?:^|\/)daemon\.jsonl$/

/** The stream of a file, by its path (of any length) alone; undefined when no stream has such a name. */
export const streamOfFile = (path: string): StreamName | undefined => {
  if (daemonFile.test(path)) return daemonStream
  const [, task, attempt] = attemptFile.exec(path) ?? []
  if (task === undefined || attempt === undefined) return undefined
  return {
    kind: "attempt",
    task: TaskId.make(Number(task)),
    attempt: AttemptNumber.make(Number(attempt))
  }
}
