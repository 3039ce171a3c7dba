/**
 * What one history is to be: its tasks, and everything that goes wrong on the way. A function of the seed, and plain
 * data, so that a history which fails can be told again with one thing less, and again, until each of them matters.
 */
import { rng } from "../model/Chance.ts"

export const jobs = [
  "buildArch",
  "buildArch that fails",
  "buildArch without memory",
  "buildArch with generated requirements",
  "rebuildSRPM",
  "newRepo",
  "build",
  "tagBuild"
] as const
export type Job = (typeof jobs)[number]

/** How a process goes, to be started again after a while. */
type Going = "killed" | "power lost" | "terminated" | "handed over" | "drained"
/** What happens to one request on its way, or to one operation. */
type HubAccident = "request lost" | "answer lost" | "late" | "twice"
type EngineAccident = "request lost" | "answer lost" | "late"

/**
 * One thing that goes wrong, at the instant of this number or the first one after it that it can happen to. Instants are
 * counted wherever a daemon touches the world.
 */
export type Incident = { readonly at: number } & (
  | { readonly what: Going; readonly awayMillis: number }
  | { readonly what: "hub request"; readonly how: HubAccident; readonly millis: number }
  | { readonly what: "hub away" | "hub offline"; readonly millis: number }
  | { readonly what: "engine call"; readonly how: EngineAccident; readonly millis: number }
  | { readonly what: "engine away" | "engine killed"; readonly millis: number }
  | { readonly what: "container killed" }
  | { readonly what: "file operation fails"; readonly code: "EIO" | "ENOSPC" }
  | { readonly what: "journal operation fails"; readonly code: "EIO" | "ENOSPC"; readonly part: number }
  | { readonly what: "disk full"; readonly millis: number }
  | { readonly what: "clock jumps"; readonly millis: number }
  | { readonly what: "canceled" | "freed" | "reaped" }
)

export interface Plan {
  readonly seed: number
  readonly engine: "docker" | "podman"
  readonly daemons: 1 | 2
  readonly jobs: ReadonlyArray<Job>
  readonly incidents: ReadonlyArray<Incident>
}

/** About as many instants as each job has. */
const instantsOf: Readonly<Record<Job, number>> = {
  buildArch: 900,
  "buildArch that fails": 800,
  "buildArch without memory": 800,
  "buildArch with generated requirements": 1100,
  rebuildSRPM: 500,
  newRepo: 350,
  build: 1700,
  tagBuild: 150
}

/** How often each of them is chosen: the long ones are dear. */
const weightOf: Readonly<Record<Job, number>> = {
  buildArch: 6,
  "buildArch that fails": 3,
  "buildArch without memory": 1,
  "buildArch with generated requirements": 1,
  rebuildSRPM: 4,
  newRepo: 4,
  build: 2,
  tagBuild: 2
}

export const planOf = (seed: number): Plan => {
  const next = rng(seed)
  const below = (count: number) => Math.floor(next() * count)
  const oneOf = <const A>(choices: readonly [A, ...ReadonlyArray<A>]): A => choices[below(choices.length)] ?? choices[0]
  const job = (): Job => {
    let left = next() * jobs.reduce((sum, one) => sum + weightOf[one], 0)
    for (const one of jobs) {
      left -= weightOf[one]
      if (left < 0) return one
    }
    return "buildArch"
  }
  const chosen = next() < 0.88 ? [job()] : [job(), job()]
  const instants = chosen.reduce((sum, one) => sum + instantsOf[one], 0)
  /** Seconds as a rule, sometimes minutes, now and then longer than the hub waits for a builder. */
  const while_ = () =>
    Math.round(oneOf([100, 100, 3000, 3000, 30_000, 30_000, 30_000, 120_000, 120_000, 1_000_000]) * (0.2 + next()))

  const incident = (): Incident => {
    const at = 1 + below(instants)
    const kind = next()
    if (kind < 0.3) {
      const what = oneOf(["killed", "killed", "killed", "power lost", "terminated", "handed over", "drained"])
      return { at, what, awayMillis: while_() }
    }
    if (kind < 0.5) {
      const how = oneOf(["request lost", "answer lost", "answer lost", "late", "twice"])
      return { at, what: "hub request", how, millis: while_() }
    }
    if (kind < 0.57) return { at, what: oneOf(["hub away", "hub offline"]), millis: while_() }
    if (kind < 0.67) {
      const how = oneOf(["request lost", "answer lost", "late"])
      return { at, what: "engine call", how, millis: Math.min(50_000, while_()) }
    }
    if (kind < 0.74) return { at, what: oneOf(["engine away", "engine killed"]), millis: while_() }
    if (kind < 0.77) return { at, what: "container killed" }
    if (kind < 0.81) return { at, what: "file operation fails", code: oneOf(["EIO", "ENOSPC"]) }
    if (kind < 0.85) return { at, what: "journal operation fails", code: oneOf(["EIO", "ENOSPC"]), part: next() }
    if (kind < 0.88) return { at, what: "disk full", millis: while_() }
    if (kind < 0.92) return { at, what: "clock jumps", millis: while_() * (next() < 0.5 ? -1 : 1) }
    return { at, what: oneOf(["canceled", "freed", "reaped", "reaped"]) }
  }

  return {
    seed,
    engine: oneOf(["docker", "podman"]),
    daemons: next() < 0.15 ? 2 : 1,
    jobs: chosen,
    incidents: Array.from({ length: 1 + below(4) }, incident).sort((a, b) => a.at - b.at)
  }
}

/** An incident in a line. */
export const incidentText = ({ at, what, ...rest }: Incident): string =>
  `at instant ${at}: ${what}${Object.entries(rest)
    .map(([name, value]) => `, ${name} ${typeof value === "number" ? Math.round(value * 100) / 100 : value}`)
    .join("")}`
