/** The names of streams: which history a line belongs to, and the file that holds it. */
import { AttemptNumber, TaskId } from "../core/Ids.ts"

/**
 * One stream for each attempt, one for the daemon itself, and one for the shells that people open in kept roots: a daemon
 * holds its own stream for as long as it runs, and people come when it does.
 */
export type StreamName =
  | {
      readonly kind: "attempt"
      readonly task: TaskId
      readonly attempt: AttemptNumber
    }
  | { readonly kind: "daemon" }
  | { readonly kind: "shell" }

export const daemonStream: StreamName = { kind: "daemon" }
export const shellStream: StreamName = { kind: "shell" }

/** The file of a stream, below the state directory: `tasks/<task>/<attempt>.jsonl`, `daemon.jsonl` or `shell.jsonl`. */
export const fileOfStream = (stream: StreamName): string =>
  stream.kind === "attempt" ? `tasks/${stream.task}/${stream.attempt}.jsonl` : `${stream.kind}.jsonl`

const attemptFile = /(?:^|\/)tasks\/(0|[1-9]\d{0,14})\/(0|[1-9]\d{0,8})\.jsonl$/
const otherFile = /(?:^|\/)(daemon|shell)\.jsonl$/

/** The stream of a file, by its path (of any length) alone; undefined when no stream has such a name. */
export const streamOfFile = (path: string): StreamName | undefined => {
  const [, other] = otherFile.exec(path) ?? []
  if (other !== undefined) return other === "daemon" ? daemonStream : shellStream
  const [, task, attempt] = attemptFile.exec(path) ?? []
  if (task === undefined || attempt === undefined) return undefined
  return {
    kind: "attempt",
    task: TaskId.make(Number(task)),
    attempt: AttemptNumber.make(Number(attempt))
  }
}
