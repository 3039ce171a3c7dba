/**
 * Events as older versions wrote them, brought up to date, so that nothing behind this knows that they ever differed.
 *
 * A rule per version, each from that version to the next. What it adds must be what was true then: version 1 said
 * nothing of captures and logs, so its containers have none that could be made again.
 */
import { Predicate } from "effect"
import { lineVersion, type StoredEvent } from "./Line.ts"

type Stored = { readonly [member: string]: unknown }

/** From version `n` (the index plus one) to the next. */
const steps: ReadonlyArray<(event: Stored) => Stored> = [
  (event) => (event["_tag"] === "ContainerIntended" ? { capture: "", logs: [], ...event } : event)
]

/** The stored event in the form of this version. What is no event is left as it is: decoding refuses it. */
export const upcast = (stored: Pick<StoredEvent, "v" | "event">): unknown => {
  if (stored.v === lineVersion) return stored.event
  if (!Predicate.isObject(stored.event) || Array.isArray(stored.event)) return stored.event
  let event: Stored = { ...stored.event }
  for (let version = stored.v; version < lineVersion; version++) event = steps[version - 1]?.(event) ?? event
  return event
}
