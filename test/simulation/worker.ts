/** Tells the histories of the seeds that it is given, and says what it found. */
import { type Coverage, cover } from "./Coverage.ts"
import { tellHistory } from "./History.ts"
import { type Plan, planOf } from "./Plan.ts"

export interface Share {
  readonly first: number
  readonly count: number
}
export interface Shared {
  readonly coverage: Coverage
  readonly failures: ReadonlyArray<{ readonly seed: number; readonly problems: ReadonlyArray<string> }>
}

/** What is wrong with a plan's history; that it does not come to its end is too. */
export const problemsOf = async (plan: Plan, coverage: Coverage = {}): Promise<ReadonlyArray<string>> => {
  try {
    const told = await tellHistory(plan)
    cover(coverage, plan, told)
    return told.problems
  } catch (error) {
    return [error instanceof Error ? `${error.name}: ${error.message.split("\n", 1)[0]}` : String(error)]
  }
}

export const tellShare = async ({ first, count }: Share): Promise<Shared> => {
  const coverage: Coverage = {}
  const failures: Array<Shared["failures"][number]> = []
  for (let seed = first; seed < first + count; seed++) {
    const problems = await problemsOf(planOf(seed), coverage)
    if (problems.length > 0) failures.push({ seed, problems })
  }
  return { coverage, failures }
}

process.on("message", (share: Share) => {
  void tellShare(share).then((shared) => process.send?.(shared))
})
