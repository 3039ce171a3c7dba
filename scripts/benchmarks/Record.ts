/** What a daemon has recorded of an attempt, and where the time in it went. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import type { TaskId } from "../../src/core/Ids.ts"
import { ContainerExit } from "../../src/engine/ContainerSpec.ts"
import { type ContainerSpan, type StepSpan, type Timeline, timelineOf } from "../../src/inspect/Timeline.ts"
import { duration } from "../../src/inspect/Units.ts"
import { note } from "./Figures.ts"

export interface AttemptRecord {
  readonly timeline: Timeline
  /** How each container ended, by its name. */
  readonly exits: ReadonlyMap<string, ContainerExit>
  /** What a step came to, by its path. */
  readonly values: ReadonlyMap<string, Schema.Json>
}

const decodeExit = Schema.decodeUnknownEffect(Schema.toCodecJson(ContainerExit))

const Line = Schema.Struct({ at: Schema.Int, event: AttemptEvent })
const decodeLine = Schema.decodeUnknownEffect(Schema.fromJsonString(Line))

/** The events of a task's first attempt below this state directory. */
export const eventsOf = (state: string, task: TaskId) =>
  Effect.suspend(() => {
    const text = readFileSync(join(state, "tasks", String(task), "1.jsonl"), "utf8")
    return Effect.forEach(text.trim().split("\n"), (line) => decodeLine(line))
  }).pipe(Effect.orDie)

/** What they add up to. */
export const recordOf = Effect.fnUntraced(function* (state: string, task: TaskId) {
  const events = yield* eventsOf(state, task)
  const timeline = timelineOf(events)
  if (timeline === null) return yield* Effect.die(new Error(`the attempt of task ${task} has no beginning`))
  const exits = new Map<string, ContainerExit>()
  const values = new Map<string, Schema.Json>()
  for (const { event } of events) {
    if (event._tag === "ContainerExited") exits.set(event.container, yield* decodeExit(event.exit))
    if (event._tag === "StepSucceeded" && event.value._tag === "Inline") values.set(event.step, event.value.value)
  }
  return { timeline, exits, values } satisfies AttemptRecord
}, Effect.orDie)

/** Seconds from the acceptance to the last event. */
export const secondsOf = ({ timeline }: AttemptRecord): number => (timeline.lastAt - timeline.acceptedAt) / 1000

/** Seconds from a step's intent to its outcome. */
export const secondsOfStep = ({ timeline }: AttemptRecord, path: string): number => {
  const step = timeline.steps.find((one) => one.path === path)
  return step?.settledAt == null ? Number.NaN : (step.settledAt - step.intendedAt) / 1000
}

/** What takes less than this is summed up. */
const longMillis = 50

/** Prints where the time of an attempt went, or that of one of its steps. */
export const tell = (record: AttemptRecord, only?: string): void => {
  const { timeline, exits } = record
  const steps = timeline.steps
    .filter(({ path }) => only === undefined || path === only)
    .map((step) => ({ ...step, took: (step.settledAt ?? timeline.lastAt) - step.intendedAt }))
  const [long, short] = [steps.filter(({ took }) => took >= longMillis), steps.filter(({ took }) => took < longMillis)]
  note("  containers", String(steps.flatMap((step) => step.containers).length))
  for (const step of long) {
    note(`  ${step.path}`, duration(step.took))
    for (const [at, container] of step.containers.entries()) {
      const exit = exits.get(container.name)
      if (exit !== undefined) note(`    container ${at + 1}`, phases(step, container, exit))
    }
  }
  if (only !== undefined) return
  const sum = (list: typeof steps) => list.reduce((total, { took }) => total + took, 0)
  note(`  ${short.length} shorter steps together`, duration(sum(short)))
  note("  between and after steps", duration(1000 * secondsOf(record) - sum(steps)))
}

/** What became of a container and when, after its step had begun, by the engine's own times and those of the journal. */
const phases = (step: StepSpan, container: ContainerSpan, exit: ContainerExit): string => {
  const runs = { made: container.createdAt, running: exit.startedAt, over: exit.finishedAt }
  const ends = { known: container.exitedAt, gone: container.removedAt }
  return Object.entries({ ...runs, ...ends })
    .map(([name, at]) => `${name} at ${at === null ? "?" : duration(at - step.intendedAt)}`)
    .join(", ")
}
