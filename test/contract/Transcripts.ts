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
  /** Of `session-faults`: what the call is about, and its number, if it had one. */
  readonly case?: string
  readonly callnum?: number | null
}

/** Those whose every call is compared with one of ours. */
export const phases = ["A", "B", "D", "F", "G", "H", "I", "K", "O", "session-faults"] as const

/** All that is recorded, with tasks that are not run here among it. */
export const everyPhase = [...phases, "C", "E", "J", "L", "M", "N"] as const
export type Phase = (typeof everyPhase)[number]

/** One task alone out of phase E. */
export const tagNotificationOfE = "E29"

export const transcript = (phase: Phase | typeof tagNotificationOfE): ReadonlyArray<RecordedCall> =>
  gunzipSync(readFileSync(join(import.meta.dirname, "transcripts", `${phase}.jsonl.gz`)))
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line): RecordedCall => JSON.parse(line))
