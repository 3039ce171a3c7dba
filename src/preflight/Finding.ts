/**
 * What a preflight finds: a line a subject, what it is and what to do about it.
 *
 * Facts are gathered elsewhere; what follows from them is decided by plain functions, facts in and findings out.
 */

export type Verdict = "ok" | "warning" | "problem"

export interface Finding {
  readonly verdict: Verdict
  /** What was looked at. */
  readonly subject: string
  readonly found: string
  /** What to do; null when there is nothing. */
  readonly advice: string | null
}

export const ok = (subject: string, found: string): Finding => ({ verdict: "ok", subject, found, advice: null })
/** Something that works today and may not tomorrow, or not for everything. */
export const warning = (subject: string, found: string, advice: string): Finding => ({
  verdict: "warning",
  subject,
  found,
  advice
})
/** Something that no task, or no start of the daemon, survives. */
export const problem = (subject: string, found: string, advice: string): Finding => ({
  verdict: "problem",
  subject,
  found,
  advice
})
