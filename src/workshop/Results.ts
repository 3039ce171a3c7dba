/**
 * What a build has made, held against what was recorded of the same build.
 *
 * The record has the digest of every file that was given to the hub. A package that is built twice is rarely the same
 * in every byte, for it holds the time of its build; whether it is the same but for that is told by a digest of what
 * counts in it, if the record has one, or by the package itself, if that is at hand. Only the latter tells what differs.
 */
import { basename, join } from "node:path"
import { Effect, Result } from "effect"
import type { HttpClient } from "effect/http"
import { digestOfFile, readRpmHeader, readSmall } from "../buildroot/SourceFile.ts"
import { type ContentsChange, contentsChanges, contentsDigest, contentsOf } from "../koji/RpmContents.ts"
import { sha256 } from "../tasks/BuildArch.ts"
import type { RecordedBuild } from "./RecordedBuild.ts"

export type FileVerdict =
  /** Every byte is the same. */
  | { readonly _tag: "Identical" }
  /** The same but for the time of the build and what follows from it. */
  | { readonly _tag: "SameContents" }
  /** Not the same, and what differs cannot be seen: why. */
  | { readonly _tag: "OtherBytes"; readonly why: string }
  | { readonly _tag: "Differs"; readonly changes: ReadonlyArray<ContentsChange> }
  /** It was made then, and not now; or now, and not then. */
  | { readonly _tag: "NotMade" }
  | { readonly _tag: "New" }

export interface ComparedFile {
  readonly name: string
  readonly verdict: FileVerdict
  /** What else is to be said of it. */
  readonly note: string | null
}

export const isSame = ({ verdict }: ComparedFile): boolean =>
  verdict._tag === "Identical" || verdict._tag === "SameContents"

export interface Comparison {
  readonly recorded: RecordedBuild
  /** Name and digest of each result. */
  readonly made: ReadonlyMap<string, string>
  /** Where they are. */
  readonly results: string
  /** Gets the file that was made then; why it is not to be had, where it is not. */
  readonly original: (name: string) => Effect.Effect<Result.Result<string, string>, never, HttpClient.HttpClient>
}

export const compared = Effect.fn("compared")(function* ({ recorded, made, results, original }: Comparison) {
  const then = new Map(recorded.results.map((file) => [file.name, file.sha256]))
  const names = [...new Set([...then.keys(), ...made.keys()])].sort()
  return yield* Effect.forEach(
    names,
    Effect.fnUntraced(function* (name): Effect.fn.Return<ComparedFile, never, HttpClient.HttpClient> {
      const [before, now] = [then.get(name), made.get(name)]
      if (before === undefined || now === undefined) {
        return { name, verdict: { _tag: before === undefined ? "New" : "NotMade" }, note: null }
      }
      if (before === now) return { name, verdict: { _tag: "Identical" }, note: null }
      const path = join(results, name)
      const digest = yield* digestOfContents(path)
      if (digest !== undefined && digest === recorded.contents.get(name)) {
        return { name, verdict: { _tag: "SameContents" }, note: null }
      }
      const found = yield* original(name)
      if (Result.isFailure(found)) return { name, verdict: { _tag: "OtherBytes", why: found.failure }, note: null }
      const verdict = yield* seen(found.success, path)
      if ((yield* digestOfFile(found.success)) === before) return { name, verdict, note: null }
      const note = "the file that it is compared with is not the one of the record"
      // To be like another file than the recorded one says nothing of that.
      return { name, verdict: verdict._tag === "SameContents" ? { _tag: "OtherBytes", why: note } : verdict, note }
    })
  )
})

const headerOf = (path: string) => Effect.result(readRpmHeader(path))

const digestOfContents = Effect.fnUntraced(function* (path: string) {
  const header = yield* headerOf(path)
  if (Result.isFailure(header)) return undefined
  const digest = contentsDigest(header.success, sha256)
  return Result.isSuccess(digest) ? digest.success : undefined
})

const repomd = "repomd.xml"
/** A repository's index without the times that are in it. */
const timeless = (path: string) =>
  Effect.map(readSmall(path, repomdBytesMax), (text) => text.replace(/<(timestamp|revision)>[^<]*<\/\1>/g, "<$1/>"))
const repomdBytesMax = 4 * 1024 * 1024

/** What two files differ in, which are packages or else just differ. */
const seen = Effect.fnUntraced(function* (before: string, after: string): Effect.fn.Return<FileVerdict> {
  if (basename(after) === repomd && (yield* timeless(before)) === (yield* timeless(after)))
    return { _tag: "SameContents" }
  const headers = [yield* headerOf(before), yield* headerOf(after)]
  const contents: Array<Result.Result.Success<ReturnType<typeof contentsOf>>> = []
  for (const header of headers) {
    if (Result.isFailure(header))
      return { _tag: "OtherBytes", why: `${header.failure.path}: ${header.failure.message}` }
    const found = contentsOf(header.success)
    if (Result.isFailure(found)) return { _tag: "OtherBytes", why: found.failure.message }
    contents.push(found.success)
  }
  const [a, b] = contents
  const changes = a === undefined || b === undefined ? [] : contentsChanges(a, b)
  return changes.length === 0 ? { _tag: "SameContents" } : { _tag: "Differs", changes }
})
