/**
 * An attempt's events as they stand in a journal, decoded by their schema.
 *
 * A start, and everyone who takes a build apart, does this for every line there is, so the schema is compiled: that saves a
 * good part of the time. The same checks are made, and an error reads the same.
 */
import { Schema } from "effect"
import { enable } from "effect/schema/SchemaJITCompiler"
import { AttemptEvent } from "../core/AttemptEvent.ts"
import type { StoredEvent } from "./Line.ts"
import { upcast } from "./Upcast.ts"

enable(AttemptEvent.ast)
const decode = Schema.decodeUnknownResult(AttemptEvent)

/** The event that a line holds, of whatever version that this one reads. */
export const decodeEvent = (stored: Pick<StoredEvent, "v" | "event">) => decode(upcast(stored))
