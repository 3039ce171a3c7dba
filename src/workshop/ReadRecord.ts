/** A record that somebody wants to run again, read to its end; or why nobody can, in words. */
import { dirname, join, resolve } from "node:path"
import { Effect, Schema } from "effect"
import type { JournalSource } from "../inspect/JournalSource.ts"
import { scanJournal } from "../inspect/ScanJournal.ts"
import type { Surroundings } from "../inspect/Surroundings.ts"
import { valueAround } from "../inspect/Values.ts"
import { streamOfFile } from "../journal/StreamName.ts"
import { taskType } from "../tasks/Registry.ts"
import { recordedTree } from "./RecordedAnswers.ts"
import { type RecordedBuild, recordedBuild, stepNames, unfit } from "./RecordedBuild.ts"
import { isUrl, type Place, placeOf, placesInTree } from "./SourceSearch.ts"

/** This record cannot be run again. */
export class CannotRerun extends Schema.TaggedError<CannotRerun>()("CannotRerun", { message: Schema.String }) {}

export interface JournalToRerun {
  readonly source: JournalSource
  around(of: { readonly task: number; readonly attempt: number }): Surroundings
}

/** Reads it; `until` is the step that it is to be stopped before, if any. */
export const readRecord = Effect.fn("readRecord")(function* (journal: JournalToRerun, until: string | null) {
  const reading = recordedBuild()
  const scan = yield* scanJournal(journal.source, { attempt: reading.add }).pipe(
    Effect.mapError(({ file, message }) => new CannotRerun({ message: `${file}: ${message}` }))
  )
  const { file, problem, stream } = scan
  const refused = (message: string) => new CannotRerun({ message: `${file}: ${message}` })
  if (problem !== null) {
    const message = `nothing from here on is believed: ${problem.message}`
    return yield* new CannotRerun({ message: `${file}:${problem.line}: ${message}` })
  }
  if (stream.kind !== "attempt") return yield* refused("this is not an attempt's log")
  const recorded = reading.found(valueAround(journal.around(stream)))
  const type = recorded === undefined ? undefined : taskType(recorded.accepted.method)
  if (recorded === undefined) return yield* refused("nothing of an attempt is in it")
  const reason = unfit(recorded, until)
  if (reason !== undefined || type === undefined) return yield* refused(reason ?? "this version does not know the task")
  if (until !== null && !stepNames(recorded).includes(until)) {
    return yield* refused(`there is no step ${until}; there are ${stepNames(recorded).join(", ")}`)
  }
  return { recorded, type }
})

/** The state directory that a journal lies in, if it lies in one. */
export const stateDirectoryOf = (journal: string): string | null => {
  const file = resolve(journal)
  return isUrl(journal) || streamOfFile(file) === undefined ? null : dirname(dirname(dirname(file)))
}

/** Where the files that a build was made from may be: where somebody says, around the journal, in the hub's tree. */
export const placesFor = Effect.fnUntraced(function* (
  recorded: RecordedBuild,
  from: { readonly journal: string; readonly source: string | null; readonly tree: string | null }
) {
  const { task, attempt } = recorded.accepted
  const state = stateDirectoryOf(from.journal)
  const tree = from.tree ?? (yield* recordedTree(recorded))
  const beside = isUrl(from.journal) ? from.journal.replace(/[^/]*$/, "") : dirname(resolve(from.journal))
  return (relative: string): ReadonlyArray<Place> => {
    if (from.source !== null) return [placeOf(isUrl(from.source) ? from.source : resolve(from.source))]
    const name = relative.split("/").at(-1) ?? relative
    return [
      { top: beside, relative: name },
      ...(state === null
        ? []
        : [{ top: join(state, "roots", `${task}-${attempt}`, "builddir/build/originals"), relative: name }]),
      ...(tree === undefined ? [] : placesInTree(tree, relative))
    ]
  }
})
