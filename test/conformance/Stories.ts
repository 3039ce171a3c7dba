/** The recorded phases, told again. */
import { buildStories } from "./BuildStories.ts"
import { daemonStories } from "./DaemonStories.ts"
import type { Scenario } from "./Scenario.ts"
import { taskStories } from "./TaskStories.ts"

export const scenarios: ReadonlyArray<Scenario> = [...buildStories, ...taskStories, ...daemonStories]
