/** The daemon's own stream for a person: one line an event, its members by name. */
import type { DaemonEvent } from "../core/DaemonEvent.ts"
import { paint } from "./Columns.ts"
import { harmless } from "./Harmless.ts"
import type { TextOptions } from "./TimelineText.ts"
import { wallClock } from "./Units.ts"

/** `2026-01-31 16:29:15 UTC  TaskTaken    task 4711, attempt 1, method build`, without a line break at the end. */
export const daemonText = (
  events: ReadonlyArray<{ readonly at: number; readonly event: DaemonEvent }>,
  options: Pick<TextOptions, "colours">
): string => {
  const tinted = paint(options.colours)
  const longest = Math.max(0, ...events.map(({ event }) => event._tag.length))
  return events
    .map(({ at, event }) => {
      const { _tag, ...members } = event
      const facts = Object.entries(members).map(([name, value]) => `${name} ${harmless(String(value))}`)
      return `${tinted("quiet", wallClock(at))}  ${tinted("strong", _tag.padEnd(longest))}  ${facts.join(", ")}`
    })
    .join("\n")
}
