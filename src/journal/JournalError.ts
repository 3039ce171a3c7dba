/** What can go wrong with the journal, by what the one who hears of it has to do. */
import { Schema } from "effect"

/** What was written is not what is there. Nothing was deleted; a person has to look. `line` counts from 1, 0 is the whole file. */
export class JournalDamaged extends Schema.TaggedError<JournalDamaged>()("JournalDamaged", {
  file: Schema.String,
  line: Schema.Int,
  message: Schema.String
}) {}

/**
 * A write or a sync has failed, so nobody knows what the disk holds: this process may append nothing more. The
 * kernel reports a failed sync once and may forget the pages, so to try again would be to believe in luck.
 */
export class JournalPoisoned extends Schema.TaggedError<JournalPoisoned>()("JournalPoisoned", {
  message: Schema.String
}) {}

/** Somebody else has it: another daemon the state directory, or another attempt of this daemon the stream. */
export class JournalBusy extends Schema.TaggedError<JournalBusy>()("JournalBusy", {
  message: Schema.String
}) {}

/** The state directory is not one that may be trusted with a journal, and why. */
export class StateDirectoryRefused extends Schema.TaggedError<StateDirectoryRefused>()("StateDirectoryRefused", {
  path: Schema.String,
  message: Schema.String
}) {}

/** It cannot be reached now (no such stream, no descriptors left, unreadable). Nothing was written, nothing is lost. */
export class JournalUnavailable extends Schema.TaggedError<JournalUnavailable>()("JournalUnavailable", {
  path: Schema.String,
  message: Schema.String
}) {}

/** This value does not go into a journal: it is no JSON, or larger than a named limit. Nothing was written. */
export class EntryRefused extends Schema.TaggedError<EntryRefused>()("EntryRefused", {
  message: Schema.String
}) {}

export type JournalError =
  | JournalDamaged
  | JournalPoisoned
  | JournalBusy
  | StateDirectoryRefused
  | JournalUnavailable
  | EntryRefused
