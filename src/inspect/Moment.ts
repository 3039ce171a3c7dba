/**
 * An attempt at some point of its history: what the core held after so many events, and when each part of it began.
 *
 * The state is the core's own fold and nothing else; the times, of which the core keeps none, are the timeline's of the
 * same events.
 */
import { HashMap } from "effect"
import type { AttemptEvent } from "../core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../core/AttemptState.ts"
import { type TimedEvent, type Timeline, timelineBuilder } from "./Timeline.ts"

export interface Moment {
  /** How many events lie behind it. */
  readonly events: number
  /** The last of them. */
  readonly last: TimedEvent
  readonly state: Exclude<AttemptState, { _tag: "Unknown" }>
  readonly timeline: Timeline
}

/** Takes a history event by event and keeps what it adds up to after the first `events` of them, or after all. */
export const momentAfter = (events: number | null) => {
  const builder = timelineBuilder()
  let state: AttemptState = initial
  let last: TimedEvent | undefined
  let count = 0
  const add = (event: AttemptEvent, at: number): void => {
    if (count === events) return
    count++
    last = { at, event }
    state = evolve(state, event)
    builder.add(last)
  }
  const moment = (): Moment | undefined => {
    const timeline = builder.timeline()
    if (state._tag === "Unknown" || last === undefined || timeline === null) return undefined
    return events !== null && count < events ? undefined : { events: count, last, state, timeline }
  }
  return { add, moment }
}

/** The state as plain data, for programs. */
export const stateJson = ({ state, events, last }: Moment) => ({
  events,
  last,
  state: {
    ...state,
    steps: Object.fromEntries(HashMap.toEntries(state.steps)),
    containers: Object.fromEntries(HashMap.toEntries(state.containers)),
    uploads: Object.fromEntries(HashMap.toEntries(state.uploads))
  }
})
