/** An attempt at some point of its history, for a person in front of a terminal. */
import { HashMap, Option } from "effect"
import type { StepRecord } from "../core/AttemptState.ts"
import { ContainerName, StepPath } from "../core/Ids.ts"
import { cut, type Paint, paint, type Tone, widthMin } from "./Columns.ts"
import { eventText } from "./EventText.ts"
import { type Failure, failureOfOutcome, failureText } from "./Failure.ts"
import { harmless } from "./Harmless.ts"
import type { Moment } from "./Moment.ts"
import type { TextOptions } from "./TimelineText.ts"
import { amount, bytes, offset, wallClock } from "./Units.ts"

/** The whole text, without a line break at its end. `total` is how many events the journal has. */
export const momentText = (moment: Moment, total: number, options: TextOptions): string => {
  const width = Math.max(widthMin, options.width)
  const tinted = paint(options.colours)
  const { state, timeline, last, events } = moment
  const since = (at: number) => offset(at - timeline.acceptedAt)
  const line = (text: string) => cut(harmless(text), width)
  return [
    tinted("strong", line(`Task ${timeline.task}, attempt ${timeline.attempt}: ${timeline.method}, ${timeline.arch}`)),
    line(`After event ${events} of ${total}, at ${since(last.at)} (${wallClock(last.at)}):`),
    line(`  ${eventText(last.event)}`),
    "",
    ...section("Attempt", [attempt(moment, tinted, width)], tinted),
    ...section(
      `Steps: ${amount(timeline.steps.length, "step")}`,
      timeline.steps.map((step) => {
        const record = Option.getOrUndefined(HashMap.get(state.steps, StepPath.make(step.path)))
        const [how, tone, more] = ofStep(record, step.failure)
        return row(since(step.intendedAt), how, tone, `${step.path}${more}`, tinted, width)
      }),
      tinted
    ),
    ...section(
      `Containers: ${amount(HashMap.size(state.containers), "container")}`,
      timeline.steps.flatMap((step) =>
        step.containers.map(({ name, intendedAt }) => {
          const phase = Option.getOrUndefined(HashMap.get(state.containers, ContainerName.make(name)))?.phase ?? ""
          const tone = phase === "removed" ? "quiet" : "warn"
          return row(since(intendedAt), phase, tone, `${name}, of ${step.path}`, tinted, width)
        })
      ),
      tinted
    ),
    ...section(
      `At the hub: ${amount(timeline.uploads.length, "file")}`,
      timeline.uploads.map(({ name, at }) => {
        const upload = Option.getOrUndefined(HashMap.get(state.uploads, name))
        const size = bytes(upload?.offset ?? 0)
        const whole = upload?.whole === true
        return row(since(at), whole ? "whole" : "so far", whole ? "good" : "warn", `${name}, ${size}`, tinted, width)
      }),
      tinted
    )
  ]
    .map((text) => text.trimEnd())
    .join("\n")
    .trimEnd()
}

const section = (title: string, lines: ReadonlyArray<string>, tinted: Paint): ReadonlyArray<string> =>
  lines.length === 0 ? [] : [tinted("strong", title), ...lines, ""]

const startWidth = 9
const howWidth = 9

const row = (start: string, how: string, tone: Tone, what: string, tinted: Paint, width: number): string => {
  const room = width - startWidth - howWidth - 4
  return `${start.padStart(startWidth)}  ${tinted(tone, how.padEnd(howWidth))}  ${cut(harmless(what), room)}`
}

const attempt = ({ state }: Moment, tinted: Paint, width: number): string => {
  const line = (tone: Tone, text: string) => `  ${tinted(tone, cut(harmless(text), width - 2))}`
  switch (state._tag) {
    case "Running":
      return state.stop === null ? line("plain", "is running") : line("warn", `is being stopped: ${state.stop}`)
    case "Decided":
    case "Ended": {
      const failure = failureOfOutcome(state.outcome)
      const verdict = failure === null ? "success" : failureText(failure)
      return line(
        failure === null ? "good" : "bad",
        `${state._tag === "Decided" ? "has its result" : "has ended"}: ${verdict}`
      )
    }
  }
}

const ofStep = (
  record: StepRecord | undefined,
  failure: Failure | null
): readonly [how: string, tone: Tone, more: string] => {
  switch (record?._tag) {
    case undefined:
      return ["", "plain", ""]
    case "Open":
      return ["open", "warn", ` (if nobody sees its end: ${record.rule})`]
    case "Succeeded":
      return ["ok", "good", record.value._tag === "Inline" ? "" : `, its value in blobs/${record.value.digest}`]
    case "Failed":
      return ["FAILED", "bad", failure === null ? "" : `: ${failureText(failure)}`]
  }
}
