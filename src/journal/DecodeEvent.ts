/**
 * An attempt's events as they stand in a journal, decoded by their schema.
 *
 * A start, and everyone who takes a build apart, does this for every line there is, so the schema is compiled, and what
 * is an event already, as nearly all of them are, is not copied: that saves half of the time. The same checks are made,
 * and an error reads the same.
 */
import { Result, Schema } from "effect"
import { enable } from "effect/schema/SchemaJITCompiler"
import { AttemptEvent } from "../core/AttemptEvent.ts"
import type { StoredEvent } from "./Line.ts"
import { upcast } from "./Upcast.ts"

enable(AttemptEvent.ast)
const isEvent = Schema.is(AttemptEvent)
const decode = Schema.decodeUnknownResult(AttemptEvent)

/** The event that a line holds, of whatever version that this one reads. */
export const decodeEvent = (stored: Pick<StoredEvent, "v" | "event">): ReturnType<typeof decode> => {
  const event = upcast(stored)
  return isEvent(event) ? Result.succeed(event) : decode(event)
}
