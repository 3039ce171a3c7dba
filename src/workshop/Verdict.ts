/** Whether a build that was run again came to the same. */
import type { RecordedBuild } from "./RecordedBuild.ts"
import type { RerunReport } from "./Rerun.ts"
import { isSame } from "./Results.ts"

/**
 * `same` of two failures: the same fault, which says little more than that rpmbuild failed. `trouble`: it came to nothing
 * that says anything about the build.
 */
export type Verdict = "same" | "differs" | "trouble"

export const verdictOf = ({ outcome: was }: RecordedBuild, { end, outcome: is, files }: RerunReport): Verdict => {
  if (end !== null) return end._tag === "NotRecorded" ? "differs" : "trouble"
  if (was === null || is === null || (is._tag !== "Success" && is._tag !== "Fault")) return "trouble"
  if (was._tag === "Fault" && is._tag === "Fault") {
    return was.code === is.code && was.message === is.message ? "same" : "differs"
  }
  return was._tag === is._tag && files.every(isSame) ? "same" : "differs"
}
