/**
 * `scripts/simulate --seeds N [--seed S]`: the histories of N seeds, from S on, on all processors; what they met with;
 * and of those that went wrong the smallest that goes wrong as well, told whole.
 */
import { fork } from "node:child_process"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { type Coverage, coverageText, merge } from "./Coverage.ts"
import { tellHistory } from "./History.ts"
import { incidentText, type Plan, planOf } from "./Plan.ts"
import { shrink } from "./Shrinking.ts"
import { problemsOf, type Share, type Shared } from "./worker.ts"

const shareSize = 25
const toldWhole = 3

const say = (text: string) => void process.stdout.write(`${text}\n`)

const numberOf = (name: string, text: string | undefined, otherwise: number): number => {
  const value = text === undefined ? otherwise : Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  process.stderr.write(`--${name} must be a whole number, not ${text}\n`)
  process.exit(2)
}

const { values } = parseArgs({ options: { seeds: { type: "string" }, seed: { type: "string" } } })
const count = numberOf("seeds", values.seeds, values.seed === undefined ? 1000 : 1)
const first = numberOf("seed", values.seed, 1)

const start = performance.now()
const coverage: Coverage = {}
const failures: Array<Shared["failures"][number]> = []
let next = first
let done = 0

const share = (): Share | undefined => {
  if (next >= first + count) return undefined
  const taken = { first: next, count: Math.min(shareSize, first + count - next) }
  next += taken.count
  return taken
}

/** One process that takes share after share. */
const work = () =>
  new Promise<void>((resolve, reject) => {
    let taken = share()
    if (taken === undefined) return resolve()
    const worker = fork(new URL("worker.ts", import.meta.url), {
      execArgv: [
        ...["--stack-trace-limit=0", "--max-semi-space-size=64"],
        ...["--experimental-import-meta-resolve", "--disable-warning=ExperimentalWarning"]
      ]
    })
    worker.on("message", (shared: Shared) => {
      merge(coverage, shared.coverage)
      failures.push(...shared.failures)
      done += taken?.count ?? 0
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${count}, ${failures.length} wrong `)
      taken = share()
      if (taken === undefined) worker.disconnect()
      else worker.send(taken)
    })
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker left with ${code}`))))
    worker.send(taken)
  })

const describe = (plan: Plan): string =>
  [
    `${plan.jobs.join(" and ")}, ${plan.daemons} daemon(s) on ${plan.engine}`,
    ...plan.incidents.map((incident) => `  ${incidentText(incident)}`)
  ].join("\n")

await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work))
const seconds = (performance.now() - start) / 1000
if (process.stderr.isTTY) process.stderr.write("\n")
say(coverageText(coverage))
failures.sort((a, b) => a.seed - b.seed)
for (const { seed, problems } of failures) {
  say(`\nseed ${seed} went wrong:\n${problems.map((problem) => `  ${problem}`).join("\n")}`)
}
for (const { seed } of failures.slice(0, toldWhole)) {
  const least = await shrink(planOf(seed), async (plan) => (await problemsOf(plan)).length > 0)
  say(`\nthe least of seed ${seed} that goes wrong: ${describe(least)}`)
  const told = await tellHistory(least).catch((error: unknown) => String(error))
  say(typeof told === "string" ? told : [...told.problems, "", told.text()].join("\n"))
}
say(`\n${count} seeds from ${first} in ${seconds.toFixed(0)} s: ${failures.length} went wrong`)
process.exitCode = failures.length === 0 ? 0 : 1
