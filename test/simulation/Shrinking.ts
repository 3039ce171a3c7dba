/** Makes a plan whose history fails as small as it gets, so that each thing left in it matters. */
import type { Plan } from "./Plan.ts"

/** Plans with one thing less. */
const smaller = (plan: Plan): ReadonlyArray<Plan> => [
  ...plan.incidents.map((_, at) => ({ ...plan, incidents: plan.incidents.filter((_, other) => other !== at) })),
  ...(plan.jobs.length > 1 ? plan.jobs.map((job) => ({ ...plan, jobs: [job] })) : []),
  ...(plan.daemons === 2 ? [{ ...plan, daemons: 1 as const }] : [])
]

/** A plan of which no smaller one fails. */
export const shrink = async (plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> => {
  for (const less of smaller(plan)) {
    if (await fails(less)) return shrink(less, fails)
  }
  return plan
}
