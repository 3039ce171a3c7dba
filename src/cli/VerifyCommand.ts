/** `adjutant verify`: whether journals can be believed. */
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { paint } from "../inspect/Columns.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import type { JournalUnreadable } from "../inspect/JournalSource.ts"
import { nameOfStream } from "../inspect/Problem.ts"
import { amount } from "../inspect/Units.ts"
import { type Verdict, verify } from "../inspect/Verify.ts"
import { alreadyTold, type CommandFailed } from "./CommandFailed.ts"
import { journalArgument, journalFlags, journalNamed } from "./JournalArgument.ts"
import { jsonFlag, screen } from "./Screen.ts"

export const verifyCommand = Command.make(
  "verify",
  {
    what: journalArgument("task|file|url").pipe(Argument.atLeast(1)),
    stateDirectory: journalFlags.stateDirectory,
    json: jsonFlag
  },
  Effect.fn("verifyCommand")(function* ({ what, stateDirectory, json }) {
    const { colours } = yield* screen
    const tinted = paint(colours)
    let bad = 0
    for (const one of what) {
      const judged = yield* journalNamed(one, { stateDirectory, logDirectory: "" }).pipe(
        Effect.flatMap(({ source }) => verify(source)),
        Effect.result
      )
      const good = judged._tag === "Success" && judged.success.problem === null
      if (!good) bad++
      if (json)
        yield* Console.log(harmlessJson(judged._tag === "Success" ? judged.success : unreadable(one, judged.failure)))
      else if (judged._tag === "Failure") {
        const { file, message } = unreadable(one, judged.failure)
        yield* Console.log(`${harmless(file)}: ${tinted("bad", "unreadable")}: ${harmless(message)}`)
      } else {
        yield* Console.log(
          good
            ? `${harmless(judged.success.file)}: ${tinted("good", "ok")}, ${held(judged.success)}${torn(judged.success)}`
            : `${harmless(placeOf(judged.success))}: ${tinted("bad", "DAMAGED")}: ${harmless(problemText(judged.success))}`
        )
      }
    }
    if (bad > 0) return yield* alreadyTold()
  })
).pipe(
  Command.withDescription(
    "Check journals: the hash chain, that every event is known, the promises that hold of every\n" +
      "  history. Tells the first problem of each, with its line. Finds damage and mixing, not a forger."
  ),
  Command.withShortDescription("Check that journals are whole and make sense"),
  Command.withExamples([
    { command: "adjutant verify /var/lib/koji-adjutant/tasks/4711/1.jsonl" },
    { command: "adjutant verify --json adjutant-events.log", description: "A log that was fetched from the hub" }
  ])
)

/** What can go wrong with a line, in words. */
const kinds = {
  "not-utf8": "no text",
  "not-json": "no JSON",
  form: "not a journal line",
  version: "another version",
  sequence: "lines are missing, added or moved",
  hash: "the chain is broken",
  joined: "a line break is missing",
  schema: "unknown event",
  invariant: "impossible history",
  place: "in the wrong place"
} as const

const placeOf = (verdict: Verdict): string => `${verdict.file}:${verdict.problem?.line ?? 1}`

const problemText = (verdict: Verdict): string =>
  verdict.problem === null
    ? ""
    : `${kinds[verdict.problem.kind]}: ${verdict.problem.message}; ${before(verdict.events)}`

const before = (events: number): string =>
  events === 0
    ? "no event before it holds"
    : `the ${events === 1 ? "event" : `${events} events`} before it ${events === 1 ? "holds" : "hold"}`

const held = (verdict: Verdict): string => `${amount(verdict.events, "event")} of ${nameOfStream(verdict.stream)}`

const torn = (verdict: Verdict): string =>
  verdict.tornBytes === 0 ? "" : `, then ${amount(verdict.tornBytes, "byte")} of an unfinished line`

/** A task without journals is one that cannot be read, like a file that is not there. */
const unreadable = (named: string, error: JournalUnreadable | CommandFailed) =>
  error._tag === "JournalUnreadable"
    ? { file: error.file, unreadable: error.reason, message: error.message }
    : { file: named, unreadable: "missing", message: error.message }
