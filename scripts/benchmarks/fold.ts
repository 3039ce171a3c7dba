/**
 * Reading journals: each event decoded by its schema and folded into the state, against JSON.parse of the same lines; and
 * what it takes to read a million events of one attempt with the commands that people use.
 */
import { spawn } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { Effect, Result, Stream } from "effect"
import { type AttemptState, evolve, initial } from "../../src/core/AttemptState.ts"
import { scanJournal } from "../../src/inspect/ScanJournal.ts"
import { decodeEvent } from "../../src/journal/DecodeEvent.ts"
import { parseLine } from "../../src/journal/Line.ts"
import { streamBytesMax } from "../../src/journal/StreamWriter.ts"
import { median, note, progress, report, seconds } from "./Figures.ts"
import { longAttempt, ofTask, recorded, recordedAs, writeJournal } from "./Journals.ts"
import { bundle, temporary } from "./Koji.ts"

const rounds = 15
const turnsOfRound = 40
const million = 1_000_000
/** A journal must begin some time. */
const epoch = 1_767_600_000_000

const foldLines = (lines: ReadonlyArray<string>): AttemptState => {
  let state: AttemptState = initial
  for (const line of lines) {
    const stored = parseLine(line)
    if (Result.isFailure(stored)) throw new Error(stored.failure.message)
    const event = decodeEvent(stored.success)
    if (Result.isFailure(event)) throw new Error(event.failure.message)
    state = evolve(state, event.success)
  }
  return state
}
const parseLines = (lines: ReadonlyArray<string>): void => {
  for (const line of lines) JSON.parse(line)
}

const events = recorded.reduce((sum, { lines }) => sum + lines.length, 0) * turnsOfRound

/** Events a second, all golden journals one after another. */
const rate = (read: (lines: ReadonlyArray<string>) => unknown): number => {
  const start = seconds()
  for (let turn = 0; turn < turnsOfRound; turn++) for (const { lines } of recorded) read(lines)
  return events / (seconds() - start)
}

const measureRates = () => {
  const [ours, theirs]: [Array<number>, Array<number>] = [[], []]
  for (let round = 0; round < rounds; round++) {
    theirs.push(rate(parseLines))
    ours.push(rate(foldLines))
  }
  const pairs = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
  const ratio = median(pairs)
  report("fold, events/s", median(ours).toFixed(0), `parse ${median(theirs).toFixed(0)}`, ratio, ">= 0.5")
}

/** The same with every hash of the chain recomputed, as `verify` and a restarted daemon read; no bound is set for it. */
const measureScan = Effect.fnUntraced(function* (path: string) {
  const bytes = readFileSync(path)
  const lines = bytes.toString().trimEnd().split("\n")
  const [ours, theirs]: [Array<number>, Array<number>] = [[], []]
  for (let round = 0; round < rounds; round++) {
    let start = seconds()
    parseLines(lines)
    theirs.push(lines.length / (seconds() - start))
    start = seconds()
    let state: AttemptState = initial
    yield* scanJournal(
      { name: path, bytes: Stream.make(bytes) },
      { attempt: (event) => (state = evolve(state, event)) }
    )
    ours.push(lines.length / (seconds() - start))
  }
  const pairs = ours.map((value, round) => value / (theirs[round] ?? Number.NaN))
  const ratio = median(pairs)
  report("  and with the hash chain", median(ours).toFixed(0), `parse ${median(theirs).toFixed(0)}`, ratio, "no bound")
})

/** Runs a command over a journal: seconds, the most memory it had, and what it said last. */
const command = (adjutant: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly took: number; readonly peak: number; readonly said: string }>((resume) => {
    const start = seconds()
    const child = spawn(process.execPath, [adjutant, ...args], { stdio: ["ignore", "pipe", "inherit"] })
    let peak = 0
    let said = ""
    const look = () => {
      try {
        const [, kibibytes = "0"] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8")) ?? []
        peak = Math.max(peak, 1024 * Number(kibibytes))
      } catch {
        // It has left.
      }
    }
    const timer = setInterval(look, 5)
    child.stdout.on("data", (bytes) => (said = `${said}${bytes}`.slice(-400)))
    child.on("close", (code) => {
      clearInterval(timer)
      if (code !== 0) return resume(Effect.die(new Error(`${args.join(" ")} left with ${code}: ${said}`)))
      resume(Effect.succeed({ took: seconds() - start, peak, said: said.trim() }))
    })
    return Effect.sync(() => child.kill())
  })

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`

const main = Effect.gen(function* () {
  measureRates()
  const adjutant = yield* bundle
  const state = yield* temporary
  const few = recordedAs("buildArch.closed").events
  const mixed = Math.floor((0.95 * streamBytesMax * few.length) / Buffer.byteLength(JSON.stringify(few)) / 1.35)
  const journals = [
    { what: `${few.length} events`, path: writeJournal(state, 1, ofTask(few, 1), epoch) },
    { what: "a million events", path: writeJournal(state, 1_000, longAttempt(1_000, million, 1_000), epoch) },
    { what: "as many steps as a journal takes", path: writeJournal(state, 1_001, longAttempt(1_001, mixed, 0), epoch) }
  ]
  yield* measureScan(journals[2]?.path ?? "")
  for (const { what, path } of journals) {
    progress(`${what}: ${megabytes(statSync(path).size)}`)
    const verified = yield* command(adjutant, "verify", path)
    const replayed = yield* command(adjutant, "replay", path)
    const told = (of: typeof verified) => `${of.took.toFixed(1)} s, ${megabytes(of.peak)} at its peak`
    note(what, `${megabytes(statSync(path).size)}; verify ${told(verified)}; replay ${told(replayed)}`)
    note("  verify says", verified.said.replace(/^.*\.jsonl: /, ""))
  }
})

await Effect.runPromise(Effect.scoped(main))
