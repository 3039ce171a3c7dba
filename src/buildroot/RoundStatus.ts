/** How a container that ran rpmbuild ended, as data for the journal, and what mock would have called it. */
import { Schema } from "effect"
import type { MockStatus } from "./MockStatus.ts"

export const RoundStatus = Schema.Struct({
  status: Schema.NullOr(Schema.Int),
  signal: Schema.NullOr(Schema.Int),
  detail: Schema.String,
  stage: Schema.String
})
export type RoundStatus = typeof RoundStatus.Type

/** rpmbuild -br that fails in earnest is mock's status 10, which points at build.log (tasks.md 14.1). */
export const judged = (ended: RoundStatus): MockStatus => {
  const { detail } = ended
  if (ended.signal !== null) return { _tag: "Signal", signal: ended.signal, detail }
  const status = ended.status ?? 0
  if (status === 0 || detail !== "") return { _tag: "Status", status, detail }
  if (ended.stage === "generate") return { _tag: "Status", status: 10, detail }
  if (ended.stage === "unpack") return { _tag: "Status", status: 40, detail }
  return { _tag: "Status", status, detail }
}
