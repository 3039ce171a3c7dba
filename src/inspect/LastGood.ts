/**
 * The last build like this one that went well: the same package, for the same arch, in the same tag, by a task of the
 * same kind, accepted before this one.
 *
 * Every journal of a host is looked at, nearly all of them for their first line only: which task it is, when it began and
 * the name of its source package are in there. Those that can be it are read, the newest first.
 */
import { join } from "node:path"
import { Effect, Option, Result } from "effect"
import { decodeEvent } from "../journal/DecodeEvent.ts"
import { parseLine } from "../journal/Line.ts"
import type { BuildFacts } from "./diff/BuildFacts.ts"
import { namesIn, readBeginning } from "./Files.ts"

/** A task's request is in the first line, and is no longer. */
const firstLineBytesMax = 256 * 1024
const filesAtOnce = 8

export interface Candidate {
  readonly file: string
  readonly acceptedAt: number
}

/** The journals that may be of an earlier build like this one, the newest first. */
export const earlierLike = Effect.fn("earlierLike")(function* (stateDirectory: string, facts: BuildFacts) {
  const { timeline, source } = facts
  const tasks = join(stateDirectory, "tasks")
  const directories = yield* namesIn(tasks).pipe(Effect.orElseSucceed((): ReadonlyArray<string> => []))
  const files = yield* Effect.forEach(
    directories.filter((name) => /^\d{1,15}$/.test(name)),
    (name) =>
      namesIn(join(tasks, name)).pipe(
        Effect.map((names) =>
          names.filter((file) => /^\d{1,9}\.jsonl$/.test(file)).map((file) => join(tasks, name, file))
        ),
        Effect.orElseSucceed((): ReadonlyArray<string> => [])
      ),
    { concurrency: filesAtOnce }
  )
  const all = files.flat()
  const candidates = yield* Effect.forEach(
    all,
    Effect.fnUntraced(function* (file) {
      const first = yield* accepted(file)
      if (first === undefined) return []
      const { at, event } = first
      const like =
        event.method === timeline.method &&
        event.arch === timeline.arch &&
        at < timeline.acceptedAt &&
        // The path of a source package ends with its name.
        (source === null || JSON.stringify(event.request).includes(`/${source.name}-`))
      return like ? [{ file, acceptedAt: at } satisfies Candidate] : []
    }),
    { concurrency: filesAtOnce }
  )
  return { looked: all.length, candidates: candidates.flat().sort((a, b) => b.acceptedAt - a.acceptedAt) }
})

/** Whether that build is one to hold this one against. */
export const isGoodAndLike = (facts: BuildFacts, other: BuildFacts): boolean =>
  other.timeline.decided?.outcome._tag === "Success" &&
  other.source?.name === facts.source?.name &&
  other.tag === facts.tag

/** What a journal begins with, if it does so as it should. */
const accepted = Effect.fnUntraced(function* (file: string) {
  const bytes = yield* Effect.option(readBeginning(file, firstLineBytesMax))
  if (Option.isNone(bytes)) return undefined
  const [line = ""] = new TextDecoder().decode(bytes.value).split("\n", 1)
  const stored = parseLine(line)
  if (Result.isFailure(stored)) return undefined
  const event = decodeEvent(stored.success)
  return Result.isSuccess(event) && event.success._tag === "Accepted"
    ? { at: stored.success.at, event: event.success }
    : undefined
})
