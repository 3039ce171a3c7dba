/** Which journal a command is about: a task of this host by its number, a file, or an address. */
import { resolve } from "node:path"
import { Effect, Option } from "effect"
import { Argument, Flag } from "effect/cli"
import { HttpClient } from "effect/http"
import { AdjutantOptions } from "../config/AdjutantOptions.ts"
import { factsOf } from "../config/Option.ts"
import { TaskId } from "../core/Ids.ts"
import { findAttempt } from "../inspect/FindAttempt.ts"
import { fileSource, type JournalSource, type JournalUnreadable } from "../inspect/JournalSource.ts"
import { aroundFile, type Surroundings } from "../inspect/Surroundings.ts"
import { streamOfFile } from "../journal/StreamName.ts"
import { failure, misuse } from "./CommandFailed.ts"
import { aroundUrl, isUrl, remoteSource } from "./RemoteJournal.ts"

export const journalArgument = (name: string) =>
  Argument.String(name).pipe(Argument.withDescription("The number of a task, a journal's file, or the address of one"))

export const journalFlags = {
  attempt: Flag.Int("attempt").pipe(
    Flag.withDescription("Which attempt of the task; the newest if not given"),
    Flag.optional
  ),
  stateDirectory: Flag.String("state-dir").pipe(
    Flag.withDescription("Where this host's journals are"),
    Flag.withMetavar("DIR"),
    Flag.withDefault(factsOf(AdjutantOptions.fields.state_dir)?.default ?? "")
  ),
  logDirectory: Flag.String("log-dir").pipe(
    Flag.withDescription("Where this host keeps the output of containers"),
    Flag.withMetavar("DIR"),
    Flag.withDefault(factsOf(AdjutantOptions.fields.log_dir)?.default ?? "")
  )
}

export interface Journal {
  readonly source: JournalSource
  /** What lies around it, once it is known whose journal it is. */
  around(of: { readonly task: number; readonly attempt: number }): Surroundings
}

/** The journal that somebody named. Fails, in words, when there is none of a task. */
export const journalNamed = Effect.fnUntraced(function* (
  what: string,
  options: {
    readonly attempt?: Option.Option<number>
    readonly stateDirectory: string
    readonly logDirectory: string
  }
) {
  if (isUrl(what)) {
    if (!URL.canParse(what)) return yield* misuse(`${what} is not an address`)
    const url = new URL(what)
    const client = yield* HttpClient.HttpClient
    return { source: remoteSource(url, client), around: () => aroundUrl(url, client) } satisfies Journal
  }
  const isTask = /^\d{1,15}$/.test(what)
  const file = isTask
    ? yield* findAttempt(
        options.stateDirectory,
        TaskId.make(Number(what)),
        Option.getOrUndefined(options.attempt ?? Option.none())
      ).pipe(Effect.mapError(unreadable))
    : what
  // A file from elsewhere may be about another host's task of the same number.
  const logs = streamOfFile(resolve(file)) === undefined ? null : options.logDirectory
  return { source: fileSource(file), around: (of) => aroundFile(file, of, logs) } satisfies Journal
})

export const unreadable = (error: JournalUnreadable) => failure(`${error.file}: ${error.message}`)
