/**
 * Which of the hub's rpms an installed package is (tasks.md 2.11).
 *
 * Several draft builds may hold packages of one name; the repository's own list, `rpmlist.jsonl`, says by id which of
 * them went into it. A package that has the name but not the contents of the listed one must not be recorded.
 */
import { Result, Schema } from "effect"
import { buildrootError, genericError, type KojiFault } from "./Fault.ts"
import { formatNvra } from "./Nvr.ts"
import type { PackageEntry } from "./PackageList.ts"

/** The part of a record that matters here. */
export const RpmRecord = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  arch: Schema.String,
  payloadhash: Schema.NullOr(Schema.String)
})
export type RpmRecord = typeof RpmRecord.Type

/** By `name-version-release.arch`; the last record of a name counts. */
export type RpmRecords = ReadonlyMap<string, RpmRecord>

/** Ten times what the largest distribution puts into one repository. */
export const rpmListLinesMax = 1_000_000

const decodeRecord = Schema.decodeUnknownResult(Schema.fromJsonString(RpmRecord))

/** Reads the list: one JSON object a line. Fails with GenericError naming the line that is not a record. */
export const parseRpmList = (text: string): Result.Result<RpmRecords, KojiFault> => {
  const lines = text.split("\n")
  if (lines.length > rpmListLinesMax) {
    return Result.fail(genericError(`rpmlist.jsonl has more than ${rpmListLinesMax} lines`))
  }
  const records = new Map<string, RpmRecord>()
  for (const [at, line] of lines.entries()) {
    if (line === "") continue
    const record = decodeRecord(line)
    if (Result.isFailure(record)) {
      return Result.fail(genericError(`rpmlist.jsonl, line ${at + 1}: ${record.failure.message}`))
    }
    records.set(formatNvra(record.success), record.success)
  }
  return Result.succeed(records)
}

/** Records that the hub itself listed, for repositories that are older than the list. */
export const recordsByName = (rows: ReadonlyArray<RpmRecord>): RpmRecords =>
  new Map(rows.map((row) => [formatNvra(row), row]))

/** A package that came from outside has its `location`; the hub knows the others by `id`, if we know it. */
export interface Mapped<P> {
  readonly packages: ReadonlyArray<P & { readonly id?: number }>
  /** Not in the list: the hub resolves these by name alone. */
  readonly unlisted: ReadonlyArray<string>
}

/** Adds the hub's ids. Fails with BuildrootError when an installed package is not the listed one. */
export const mapInternal = <P extends PackageEntry & { readonly location?: number }>(
  packages: ReadonlyArray<P>,
  records: RpmRecords
): Result.Result<Mapped<P>, KojiFault> => {
  const mapped: Array<P & { readonly id?: number }> = []
  const unlisted: Array<string> = []
  for (const entry of packages) {
    const nvra = formatNvra(entry)
    const record = entry.location === undefined ? records.get(nvra) : undefined
    if (record !== undefined && record.payloadhash !== entry.payloadhash) {
      const listed = record.payloadhash ?? "None"
      return Result.fail(
        buildrootError(`RPM: ${nvra}: payloadhash: ${entry.payloadhash} mismatch expected ${listed} in rpmlist.jsonl`)
      )
    }
    if (record === undefined && entry.location === undefined) unlisted.push(nvra)
    mapped.push(record === undefined ? entry : { ...entry, id: record.id })
  }
  return Result.succeed({ packages: mapped, unlisted })
}
