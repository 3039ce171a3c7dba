/**
 * What must hold of every history, stated apart from the rules that produce it.
 *
 * `decide` and these predicates were written from the same promises but share no code, so that a mistake in one is
 * found by the other: the property tests generate histories through `decide` and judge them here, `adjutant verify`
 * judges files.
 */
import type { AttemptEvent } from "./AttemptEvent.ts"

/** Which promise was broken, at which event (0-based), and how. */
export interface Violation {
  readonly invariant: string
  readonly index: number
  readonly detail: string
}

/** All broken promises of a history, in order. A prefix of a good history is a good history. */
export const violations = (history: ReadonlyArray<AttemptEvent>): ReadonlyArray<Violation> => {
  const judge = invariantJudge()
  return history.flatMap((event, index) => judge(event, index))
}

/** Judges one event after the other, for histories too long to be held: the promises that each of them breaks. */
export const invariantJudge = (): ((event: AttemptEvent, index: number) => ReadonlyArray<Violation>) => {
  const steps = new Map<string, "open" | "settled">()
  const containers = new Map<string, { step: string; phase: number }>()
  const offsets = new Map<string, number>()
  const whole = new Set<string>()
  let decided = false
  let ended = false
  let stopped = false

  return (event, index) => {
    const found: Array<Violation> = []
    const broken = (invariant: string, index: number, detail: string) => found.push({ invariant, index, detail })
    if ((index === 0) !== (event._tag === "Accepted")) {
      broken("starts with acceptance", index, `${event._tag} at ${index}`)
    }
    if (ended) broken("the terminal event is last", index, `${event._tag} after the end`)
    if (decided && !afterDecision.has(event._tag)) {
      broken("nothing happens after the decision", index, event._tag)
    }
    switch (event._tag) {
      case "Accepted":
      case "LogWritten":
      case "Noted":
        break
      case "Resumed":
        stopped = false
        break
      case "StepIntended":
        if (steps.has(event.step)) broken("a step is intended once", index, event.step)
        if (stopped) broken("nothing new begins after a stop", index, event.step)
        steps.set(event.step, "open")
        break
      case "StepSucceeded":
      case "StepFailed": {
        if (steps.get(event.step) !== "open") broken("a step has one outcome, after its intent", index, event.step)
        steps.set(event.step, "settled")
        for (const [name, container] of containers) {
          if (container.step === event.step && container.phase < removed) {
            broken("a step's containers are gone before its outcome", index, name)
          }
        }
        break
      }
      case "ContainerIntended": {
        const before = containers.get(event.container)
        if (before !== undefined && before.phase < removed)
          broken("a name is used once at a time", index, event.container)
        if (steps.get(event.step) !== "open") broken("a container belongs to an open step", index, event.container)
        containers.set(event.container, { step: event.step, phase: intended })
        break
      }
      case "ContainerCreated":
      case "ContainerStarted":
      case "ContainerExited":
      case "ContainerRemoved": {
        const container = containers.get(event.container)
        const phase = phaseOf[event._tag]
        if (container === undefined) broken("a container is intended before anything else", index, event.container)
        else if (container.phase >= phase)
          broken("a container goes forward, and is removed once", index, event.container)
        else containers.set(event.container, { ...container, phase })
        break
      }
      case "LogAdvanced":
      case "FileUploaded": {
        const offset = event._tag === "LogAdvanced" ? event.offset : event.bytes
        if (event._tag === "LogAdvanced" && offset < (offsets.get(event.name) ?? 0)) {
          broken("offsets never go back", index, event.name)
        }
        offsets.set(event.name, offset)
        if (event._tag === "FileUploaded") whole.add(event.name)
        else whole.delete(event.name)
        break
      }
      case "StopRequested":
        stopped = true
        break
      case "ResultDecided": {
        if (decided) broken("a result is decided once", index, event.outcome._tag)
        decided = true
        for (const [name, container] of containers) {
          if (container.phase < removed) broken("containers are gone before the decision", index, name)
        }
        if (event.outcome._tag === "Success") {
          for (const name of event.outcome.files.filter((file) => !whole.has(file))) {
            broken("files of the result are uploaded whole before the decision", index, name)
          }
        }
        break
      }
      case "Concluded":
        if (!decided) broken("a result is decided before the end", index, event.how)
        ended = true
        break
    }
    return found
  }
}

const intended = 0
const removed = 4
const phaseOf = { ContainerCreated: 1, ContainerStarted: 2, ContainerExited: 3, ContainerRemoved: removed }
const afterDecision: ReadonlySet<AttemptEvent["_tag"]> = new Set([
  "Resumed",
  "Noted",
  "LogWritten",
  "ResultDecided",
  "Concluded"
])
