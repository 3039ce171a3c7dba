/**
 * An attempt's history as a page needs it: every event in a line, and for each step, container and file the moments at
 * which it changed. What was so after any number of events is then the last change before; the page folds nothing.
 *
 * The changes are read from the core's own state after each event.
 */
import { HashMap, Option } from "effect"
import type { AttemptEvent, StepValue } from "../../core/AttemptEvent.ts"
import { type AttemptState, evolve, initial } from "../../core/AttemptState.ts"
import { cut } from "../Columns.ts"
import { eventText } from "../EventText.ts"
import { bytes } from "../Units.ts"

/** After how many shown events, and what was so from there on. */
export type Change = readonly [event: number, what: string]

export interface Track {
  readonly name: string
  readonly changes: ReadonlyArray<Change>
}

export interface History {
  /** Each with its number in the journal, its time since the acceptance in milliseconds, and what happened. */
  readonly events: ReadonlyArray<readonly [number: number, since: number, text: string]>
  readonly attempt: ReadonlyArray<Change>
  readonly steps: ReadonlyArray<Track>
  readonly containers: ReadonlyArray<Track>
  readonly files: ReadonlyArray<Track>
  /** Events that are not shown, because there are too many. */
  readonly left: number
}

/** A page with more lines than this is no help, and heavy. */
export const pageEventsMax = 5_000
/** From here on it is not shown how far a log has come, only when it is whole. */
export const pageGrowthMax = 2_000

export const historyBuilder = () => {
  const events: Array<readonly [number, number, string]> = []
  const attempt: Array<Change> = []
  const steps = new Map<string, Array<Change>>()
  const containers = new Map<string, Array<Change>>()
  const files = new Map<string, Array<Change>>()
  const values = new Map<string, string>()
  let state: AttemptState = initial
  let begun: number | undefined
  let count = 0

  const change = (tracks: Map<string, Array<Change>>, name: string, what: string) => {
    const track = tracks.get(name) ?? []
    tracks.set(name, track)
    if (track.at(-1)?.[1] === what) return
    track.push([events.length, what])
  }

  const add = (event: AttemptEvent, at: number): void => {
    count++
    begun ??= at
    state = evolve(state, event)
    if (event._tag === "StepSucceeded") values.set(event.step, valueText(event.value))
    if (events.length >= pageEventsMax) return
    if (event._tag === "LogAdvanced" && events.length >= pageGrowthMax) return
    events.push([count, at - begun, eventText(event)])
    if (state._tag === "Unknown") return
    const now = ofAttempt(state)
    if (attempt.at(-1)?.[1] !== now) attempt.push([events.length, now])
    if ("container" in event) {
      const record = Option.getOrUndefined(HashMap.get(state.containers, event.container))
      if (record !== undefined) change(containers, event.container, record.phase)
    } else if ("step" in event && event.step !== null) {
      const record = Option.getOrUndefined(HashMap.get(state.steps, event.step))
      if (record !== undefined) change(steps, event.step, stepWords[record._tag])
    } else if (event._tag === "LogAdvanced" || event._tag === "FileUploaded") {
      const record = Option.getOrUndefined(HashMap.get(state.uploads, event.name))
      if (record !== undefined) {
        change(files, event.name, `${record.whole ? "whole" : "so far"}, ${bytes(record.offset)}`)
      }
    }
  }

  const history = (): History => ({
    events,
    attempt,
    steps: tracksOf(steps),
    containers: tracksOf(containers),
    files: tracksOf(files),
    left: count - events.length
  })
  return { add, history, values }
}

const tracksOf = (tracks: ReadonlyMap<string, ReadonlyArray<Change>>): ReadonlyArray<Track> =>
  [...tracks].map(([name, changes]) => ({ name, changes }))

/** Package lists are long, and shown elsewhere. */
export const pageValueMax = 1_000

const valueText = (value: StepValue): string => {
  if (value._tag === "Blob") return `${bytes(value.bytes)} in blobs/${value.digest}`
  return cut(JSON.stringify(value.value), pageValueMax)
}

const stepWords = { Open: "open", Succeeded: "ok", Failed: "failed" } as const

const ofAttempt = (state: Exclude<AttemptState, { _tag: "Unknown" }>): string => {
  switch (state._tag) {
    case "Running":
      return state.stop === null ? "running" : `being stopped: ${state.stop}`
    case "Decided":
      return `decided: ${state.outcome._tag}`
    case "Ended":
      return `ended: ${state.outcome._tag}`
  }
}
