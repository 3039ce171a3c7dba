/**
 * Journals to measure with: the events of `test/golden`, which the real program has made, chained anew by the store's own
 * encoder under another task's name, and one attempt that went on and on.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs"
import { dirname, join } from "node:path"
import { Result } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { AttemptNumber, TaskId } from "../../src/core/Ids.ts"
import { decodeEvent } from "../../src/journal/DecodeEvent.ts"
import { chainStart, encodeLine, parseLine } from "../../src/journal/Line.ts"
import { fileOfStream, type StreamName } from "../../src/journal/StreamName.ts"

const golden = join(import.meta.dirname, "../../test/golden/v2")
/** Names are made of this instance, task and attempt in all of them. */
const owner = "b1b1b1b1b1b1-1-1-"

export interface Recorded {
  readonly name: string
  readonly lines: ReadonlyArray<string>
  readonly events: ReadonlyArray<AttemptEvent>
}

const eventOf = (line: string): AttemptEvent => Result.getOrThrow(Result.flatMap(parseLine(line), decodeEvent))

/** Every kind of task in every way to end. */
export const recorded: ReadonlyArray<Recorded> = readdirSync(golden)
  .filter((name) => name.endsWith(".jsonl"))
  .map((name) => {
    const lines = readFileSync(join(golden, name), "utf8").trimEnd().split("\n")
    return { name, lines, events: lines.map(eventOf) }
  })

export const recordedAs = (name: string): Recorded => {
  const found = recorded.find((one) => one.name === `${name}.jsonl`)
  if (found === undefined) throw new Error(`there is no golden journal ${name}`)
  return found
}

/** The same events, had they been another task's. */
export const ofTask = (events: ReadonlyArray<AttemptEvent>, task: number): ReadonlyArray<unknown> =>
  events.map((event): unknown => {
    const text = JSON.stringify(event._tag === "Accepted" ? { ...event, task } : event)
    return JSON.parse(text.replaceAll(owner, `b1b1b1b1b1b1-${task}-1-`))
  })

/** Writes the journal of a task's first attempt below a state directory, a second between events, and gives its file. */
export const writeJournal = (state: string, task: number, events: Iterable<unknown>, from: number): string => {
  const stream: StreamName = { kind: "attempt", task: TaskId.make(task), attempt: AttemptNumber.make(1) }
  const path = join(state, fileOfStream(stream))
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const file = openSync(path, "w", 0o600)
  let previous = chainStart(stream)
  let seq = 0
  let text = ""
  const flush = () => {
    writeSync(file, text)
    text = ""
  }
  for (const event of events) {
    const line = encodeLine(previous, seq, from + 1000 * seq, event)
    if (Result.isFailure(line)) throw new Error(line.failure)
    previous = line.success.stored.hash
    text += `${line.success.text}\n`
    if (text.length > pieceLength) flush()
    seq++
  }
  flush()
  closeSync(file)
  return path
}
const pieceLength = 1024 * 1024

/**
 * So many events of one attempt of a task: turns of a `buildArch`, one after another, in each of which the build's log has reached
 * the hub so often that a turn has `turnEvents`.
 */
export function* longAttempt(task: number, count: number, turnEvents: number): Generator<unknown> {
  const { events } = recordedAs("buildArch.closed")
  const opened = events.findIndex((event) => event._tag === "StepSucceeded" && event.step === "open/weight") + 1
  const decided = events.findIndex(({ _tag }) => _tag === "ResultDecided")
  const [opening, work, ending] = [events.slice(0, opened), events.slice(opened, decided), endOf(events.slice(decided))]
  yield* ofTask(opening, task)
  let left = count - opening.length - ending.length
  for (let turn = 1; left > 0; turn++) {
    const advances = Math.max(0, turnEvents - work.length)
    // The last turn is whole as well, so that the history is one that could have happened.
    if (left < work.length) {
      for (; left > 0; left--) yield { _tag: "LogAdvanced", name: "last.log", offset: 4096 * turn - left }
      break
    }
    for (const event of work) yield inTurn(event, turn)
    left -= work.length
    for (let advance = 1; advance <= advances && left > 0; advance++, left--) {
      yield { _tag: "LogAdvanced", name: `long.log-${turn}`, offset: 4096 * advance }
    }
  }
  yield* ending
}

/** A result that names no files: those of the turns have other names. */
const endOf = (events: ReadonlyArray<AttemptEvent>): ReadonlyArray<AttemptEvent> =>
  events.map((event) =>
    event._tag === "ResultDecided" && event.outcome._tag === "Success"
      ? { ...event, outcome: { ...event.outcome, files: [] } }
      : event
  )

/** The event of a turn: its step, container and log have names of their own. */
const inTurn = (event: AttemptEvent, turn: number): unknown => ({
  ...event,
  ...("step" in event && event.step !== null ? { step: `${event.step}/${turn}` } : {}),
  ...("container" in event ? { container: `${event.container}-${turn}` } : {}),
  ...("name" in event ? { name: `${event.name}-${turn}` } : {})
})
