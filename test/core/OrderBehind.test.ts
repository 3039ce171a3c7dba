import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { evolve, initial } from "../../src/core/AttemptState.ts"
import { violations } from "../../src/core/Invariants.ts"
import { couldHappen } from "../../src/core/OrderBehind.ts"
import { historyFrom, numbersFrom } from "./generate.ts"

const length = 60

/** Where the first event stands that the core could not have produced, and why. */
const firstImpossible = (history: ReadonlyArray<AttemptEvent>) => {
  let state = initial
  for (const [index, event] of history.entries()) {
    const judged = couldHappen(state, event)
    if (Result.isFailure(judged)) return { index, why: judged.failure }
    state = evolve(state, event)
  }
  return undefined
}

describe("an event that the core could have produced", () => {
  it("is every one of every generated history", () => {
    const seen = new Set<string>()
    for (let seed = 0; seed < 2_000; seed++) {
      const { events } = historyFrom(seed, length)
      for (const event of events) seen.add(event._tag)
      const impossible = firstImpossible(events)
      assert.isUndefined(impossible, `seed ${seed}: ${JSON.stringify(impossible)}`)
    }
    assert.deepStrictEqual([...seen].sort(), Object.keys(AttemptEvent.cases).sort())
  })

  it("is none that makes a history impossible", () => {
    const caught = new Map<string, number>()
    for (let seed = 0; seed < 2_000; seed++) {
      const { events } = historyFrom(seed, length)
      for (const [name, mutate] of Object.entries(mutations)) {
        const mutated = mutate(events, numbersFrom(seed))
        if (mutated === undefined) continue
        assert.isDefined(firstImpossible(mutated), `seed ${seed}: ${name} passed`)
        caught.set(name, (caught.get(name) ?? 0) + 1)
      }
    }
    // A mutation that never applies proves nothing.
    for (const name of Object.keys(mutations)) assert.isAbove(caught.get(name) ?? 0, 20, name)
  })

  it("breaks no invariant, in whatever order events are thrown together", () => {
    let judged = 0
    for (let seed = 0; seed < 2_000; seed++) {
      const draw = numbersFrom(seed)
      const { events } = historyFrom(seed, length)
      const other = historyFrom(seed + 1, length).events
      const at = draw(events.length + 1)
      const from = draw(other.length + 1)
      const spliced = [...events.slice(0, at), ...other.slice(from)]
      const believed = spliced.slice(0, firstImpossible(spliced)?.index)
      assert.deepStrictEqual(violations(believed), [], `seed ${seed}`)
      if (believed.length > at) judged++
    }
    assert.isAbove(judged, 500)
  })
})

type Mutation = (
  events: ReadonlyArray<AttemptEvent>,
  draw: (below: number) => number
) => ReadonlyArray<AttemptEvent> | undefined

/** The place of an event of this kind, if there is one. */
const placeOf = (events: ReadonlyArray<AttemptEvent>, tag: AttemptEvent["_tag"], draw: (below: number) => number) => {
  const places = events.flatMap((event, index) => (event._tag === tag ? [index] : []))
  return places[draw(Math.max(1, places.length))]
}

const doubled =
  (tag: AttemptEvent["_tag"]): Mutation =>
  (events, draw) => {
    const at = placeOf(events, tag, draw)
    const event = at === undefined ? undefined : events[at]
    return at === undefined || event === undefined ? undefined : events.toSpliced(at, 0, event)
  }

const swapped =
  (first: AttemptEvent["_tag"], second: AttemptEvent["_tag"]): Mutation =>
  (events) => {
    const at = events.findIndex((event, index) => event._tag === first && events[index + 1]?._tag === second)
    const [one, two] = events.slice(at, at + 2)
    if (at === -1 || one === undefined || two === undefined) return undefined
    if ("container" in one && "container" in two && one.container !== two.container) return undefined
    if ("step" in one && "step" in two && one.step !== two.step) return undefined
    return events.toSpliced(at, 2, two, one)
  }

const mutations: Readonly<Record<string, Mutation>> = {
  "an acceptance left out": (events) => (events.length > 1 ? events.slice(1) : undefined),
  "an acceptance doubled": doubled("Accepted"),
  "an intent doubled": doubled("StepIntended"),
  "an outcome doubled": doubled("StepSucceeded"),
  "a failure doubled": doubled("StepFailed"),
  "a container doubled": doubled("ContainerIntended"),
  "a creation doubled": doubled("ContainerCreated"),
  "a removal doubled": doubled("ContainerRemoved"),
  "a stop doubled": doubled("StopRequested"),
  "a decision doubled": doubled("ResultDecided"),
  "an end doubled": doubled("Concluded"),
  "an end before its decision": swapped("ResultDecided", "Concluded"),
  "an outcome before its intent": swapped("StepIntended", "StepSucceeded"),
  "a creation before its intent": swapped("ContainerIntended", "ContainerCreated"),
  "an intent left out": (events) => {
    const at = events.findIndex((event) => event._tag === "StepSucceeded" || event._tag === "StepFailed")
    const settled = events[at]
    if (settled === undefined || !("step" in settled)) return undefined
    const intent = events.findIndex((event) => event._tag === "StepIntended" && event.step === settled.step)
    return events.toSpliced(intent, 1)
  },
  "another end than was decided": (events) => {
    const end = events.at(-1)
    if (end?._tag !== "Concluded") return undefined
    return [...events.slice(0, -1), { ...end, how: end.how === "closed" ? "freed" : "closed" }]
  },
  "a log that shrinks": (events) => {
    const at = events.findIndex((event) => event._tag === "LogAdvanced" && event.offset > 0)
    const event = events[at]
    return event?._tag === "LogAdvanced" ? events.toSpliced(at + 1, 0, { ...event, offset: 0 }) : undefined
  },
  "something after the end": (events) => {
    const first = events.find((event) => event._tag === "Noted")
    return events.at(-1)?._tag === "Concluded" && first !== undefined ? [...events, first] : undefined
  }
}
