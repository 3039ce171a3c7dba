/** `adjutant diff`: what differs between two builds, by their logs alone. */
import { Console, Effect, Option, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { buildFacts, packagesInLog, valuesOfInterest } from "../inspect/diff/BuildFacts.ts"
import { buildDiff } from "../inspect/diff/Differences.ts"
import { diffText, type Side } from "../inspect/diff/DiffText.ts"
import { harmlessJson } from "../inspect/Harmless.ts"
import { fileSource } from "../inspect/JournalSource.ts"
import { earlierLike, isGoodAndLike } from "../inspect/LastGood.ts"
import { scanJournal } from "../inspect/ScanJournal.ts"
import { aroundFile, type Surroundings } from "../inspect/Surroundings.ts"
import { timelineBuilder } from "../inspect/Timeline.ts"
import { amount } from "../inspect/Units.ts"
import { valueAround } from "../inspect/Values.ts"
import { alreadyTold, CommandFailed, exitCodes } from "./CommandFailed.ts"
import { type Journal, journalFlags, journalNamed, unreadable } from "./JournalArgument.ts"
import { jsonFlag, screen } from "./Screen.ts"

/** As for diff itself: there are differences; something went wrong. */
const differs = 1
const trouble = exitCodes.diffTrouble

const described = (name: string) =>
  Argument.String(name).pipe(Argument.withDescription("The number of a task, a journal's file, or the address of one"))

export const diffCommand = Command.make(
  "diff",
  {
    a: described("a"),
    b: described("b").pipe(Argument.optional),
    lastGood: Flag.Boolean("last-good").pipe(
      Flag.withDescription("Compare with the last build of this package, arch and tag on this host that went well"),
      Flag.withDefault(false),
      Flag.withoutNegation
    ),
    stateDirectory: journalFlags.stateDirectory,
    json: jsonFlag
  },
  Effect.fn("diffCommand")(
    function* ({ a, b, lastGood, stateDirectory, json }) {
      const display = yield* screen
      const places = { stateDirectory, logDirectory: "" }
      if (lastGood === Option.isSome(b)) {
        return yield* inTrouble(
          lastGood ? "--last-good finds the other build itself: name one" : "name two builds, or one with --last-good"
        )
      }
      const one = yield* Effect.flatMap(journalNamed(a, places), sideOf)
      const other = Option.isSome(b)
        ? yield* Effect.flatMap(journalNamed(b.value, places), sideOf)
        : yield* lastGoodLike(one, stateDirectory)
      const [from, to] = Option.isSome(b) ? [one, other] : [other, one]
      const [mine, theirs] = [from, to].map(({ facts }) => facts.timeline.method)
      if (mine !== theirs) return yield* inTrouble(`${from.name} is a ${mine}, ${to.name} a ${theirs}`)
      const diff = buildDiff(from.facts, to.facts)
      const facts = ({ name, facts: { timeline, source } }: Side) => ({
        file: name,
        task: timeline.task,
        attempt: timeline.attempt,
        source
      })
      yield* Console.log(
        json ? harmlessJson({ a: facts(from), b: facts(to), ...diff }, 2) : diffText(from, to, diff, display)
      )
      if (diff.changes.length > 0) return yield* alreadyTold(differs)
    },
    Effect.catchTag("CommandFailed", (error) =>
      Effect.fail(error.message === "" ? error : new CommandFailed({ message: error.message, exitCode: trouble }))
    )
  )
).pipe(
  Command.withDescription(
    "Show what differs between two builds: source, packages, images, macros, environment, commands, limits,\n" +
      "  how each step ended, how long it took. Leaves with 0 when nothing differs (times aside), with 1 when\n" +
      "  something does, with 2 in trouble."
  ),
  Command.withShortDescription("Show what differs between two builds"),
  Command.withExamples([
    { command: "adjutant diff 4698 4711", description: "Two tasks of this host" },
    {
      command: "adjutant diff good/adjutant-events.log bad/adjutant-events.log",
      description: "Logs fetched from the hub"
    },
    { command: "adjutant diff --last-good 4711", description: "What has changed since it last went well?" }
  ])
)

const inTrouble = (message: string) => new CommandFailed({ message, exitCode: trouble })

/** What a journal says of its build. Fails when it says nothing, or is not to be believed. */
const sideOf = Effect.fnUntraced(function* ({ source, around }: Journal) {
  const builder = timelineBuilder()
  const interest = valuesOfInterest()
  const scan = yield* scanJournal(source, {
    attempt: (event, at) => {
      builder.add({ at, event })
      interest.add(event)
    }
  }).pipe(Effect.mapError(unreadable))
  const { file, problem, stream } = scan
  if (problem !== null)
    return yield* inTrouble(`${file}:${problem.line}: nothing from here on is believed: ${problem.message}`)
  const timeline = builder.timeline()
  if (timeline === null || stream.kind !== "attempt") return yield* inTrouble(`${file}: this is not an attempt's log`)
  const surroundings = around(stream)
  const facts = yield* buildFacts(timeline, interest.values, valueAround(surroundings), packageLog(surroundings))
  return { name: file, facts } satisfies Side
})

/** Koji's log of installed packages, for a journal whose own list is kept elsewhere. */
const packageLog = (around: Surroundings) =>
  Effect.gen(function* () {
    const found = yield* around.find({ kind: "log", name: "installed_pkgs.log" })
    if (Option.isNone(found) || found.value.isLink) return undefined
    const chunks = yield* Stream.runCollect(found.value.bytes(0)).pipe(Effect.option)
    return Option.getOrUndefined(Option.map(chunks, (all) => packagesInLog(Buffer.concat(all).toString())))
  })

const lastGoodLike = Effect.fnUntraced(function* (one: Side, stateDirectory: string) {
  const { candidates, looked } = yield* earlierLike(stateDirectory, one.facts)
  for (const { file } of candidates) {
    const journal: Journal = { source: fileSource(file), around: (of) => aroundFile(file, of, null) }
    const side = yield* Effect.option(sideOf(journal))
    if (Option.isSome(side) && isGoodAndLike(one.facts, side.value.facts)) return side.value
  }
  const { source, tag, timeline } = one.facts
  const what = `${timeline.method} of ${source?.name ?? "this"} for ${timeline.arch}${tag === null ? "" : ` in ${tag}`}`
  return yield* inTrouble(
    `no earlier ${what} that went well is among the ${amount(looked, "attempt")} recorded below ${stateDirectory}`
  )
})
