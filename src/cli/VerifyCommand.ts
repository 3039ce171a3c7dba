/** `adjutant verify`: whether journals can be believed. */
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import { paint } from "../inspect/Columns.ts"
import { harmless, harmlessJson } from "../inspect/Harmless.ts"
import type { JournalUnreadable } from "../inspect/JournalSource.ts"
import { nameOfStream } from "../inspect/Problem.ts"
import { amount } from "../inspect/Units.ts"
import { type Verdict, verify } from "../inspect/Verify.ts"
import { alreadyTold } from "./CommandFailed.ts"
import { jsonFlag, screen } from "./Screen.ts"

export const verifyCommand = Command.make(
  "verify",
  {
    files: Argument.String("file").pipe(Argument.withDescription("A journal, or a copy of one"), Argument.atLeast(1)),
    json: jsonFlag
  },
  Effect.fn("verifyCommand")(function* ({ files, json }) {
    const { colours } = yield* screen
    const tinted = paint(colours)
    let bad = 0
    for (const file of files) {
      const judged = yield* verify(file).pipe(Effect.result)
      const good = judged._tag === "Success" && judged.success.problem === null
      if (!good) bad++
      if (json)
        yield* Console.log(harmlessJson(judged._tag === "Success" ? judged.success : unreadable(judged.failure)))
      else if (judged._tag === "Failure") {
        yield* Console.log(`${harmless(file)}: ${tinted("bad", "unreadable")}: ${harmless(judged.failure.message)}`)
      } else {
        yield* Console.log(
          good
            ? `${harmless(file)}: ${tinted("good", "ok")}, ${held(judged.success)}${torn(judged.success)}`
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

const unreadable = (error: JournalUnreadable) => ({
  file: error.file,
  unreadable: error.reason,
  message: error.message
})
