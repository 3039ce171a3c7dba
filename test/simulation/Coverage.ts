/** What a run of many histories has met with, counted. */
import type { Told } from "./History.ts"
import type { Incident, Plan } from "./Plan.ts"

/** Counts by kind of thing, then by name; plain data, to be sent between processes. */
export type Coverage = Record<string, Record<string, number>>

const kinds = ["histories", "tasks and their ends", "incidents", "events"] as const

const incidentName = (incident: Incident): string =>
  "how" in incident
    ? `${incident.what}, ${incident.how}`
    : "code" in incident
      ? `${incident.what}, ${incident.code}`
      : incident.what

const add = (coverage: Coverage, kind: (typeof kinds)[number], name: string, by = 1) => {
  const counts = coverage[kind] ?? {}
  coverage[kind] = counts
  counts[name] = (counts[name] ?? 0) + by
}

/** Counts a history in. */
export const cover = (coverage: Coverage, plan: Plan, told: Told) => {
  add(coverage, "histories", "told")
  add(coverage, "histories", `on ${plan.engine}`)
  if (plan.daemons === 2) add(coverage, "histories", "with two daemons on one engine")
  add(coverage, "histories", "instants", told.instants)
  for (const [at, job] of plan.jobs.entries()) add(coverage, "tasks and their ends", `${job}, ${told.ends[at]}`)
  for (const incident of told.happened) add(coverage, "incidents", incidentName(incident))
  for (const [name, times] of told.events) add(coverage, "events", name, times)
}

export const merge = (into: Coverage, other: Coverage) => {
  for (const kind of kinds) {
    for (const [name, times] of Object.entries(other[kind] ?? {})) add(into, kind, name, times)
  }
}

/** A table for people. */
export const coverageText = (coverage: Coverage): string =>
  kinds
    .map((kind) =>
      [
        kind,
        ...Object.entries(coverage[kind] ?? {})
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, times]) => `  ${String(times).padStart(9)}  ${name}`)
      ].join("\n")
    )
    .join("\n\n")
