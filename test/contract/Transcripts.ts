/** The recorded calls, line by line (see transcripts/README.md). */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"

export interface RecordedCall {
  readonly n: number
  readonly session: string
  readonly method: string
  readonly path: string
  readonly query: string
  readonly status: string
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly responseHeaders: Readonly<Record<string, string>>
  /** XML as sent; absent for raw uploads. */
  readonly request?: string
  readonly requestText?: string
  readonly response: string
}

export const phases = ["A", "B", "D", "F", "G", "H", "I", "K", "O", "session-faults"] as const

/** One task alone out of phase E. */
export const tagNotificationOfE = "E29"

export const transcript = (phase: (typeof phases)[number] | typeof tagNotificationOfE): ReadonlyArray<RecordedCall> =>
  gunzipSync(readFileSync(join(import.meta.dirname, "transcripts", `${phase}.jsonl.gz`)))
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line): RecordedCall => JSON.parse(line))
