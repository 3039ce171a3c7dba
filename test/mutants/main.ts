/** `scripts/mutants`: lets each mutant loose on the tests that are there to notice it, and lists which were caught. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { mutants } from "./mutants.ts"

const say = (text: string) => void process.stdout.write(`${text}\n`)
const root = resolve(import.meta.dirname, "../..")
const directory = mkdtempSync(join(tmpdir(), "mutants-"))

/** How many tests passed and failed; a run that did not come to tests has neither. */
const run = (name: string, tests: string) => {
  const report = join(directory, "report.json")
  rmSync(report, { force: true })
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/mutants/vitest.config.ts", tests]
  spawnSync(process.execPath, [...vitest, "--reporter=json", `--outputFile.json=${report}`], {
    cwd: root,
    env: { ...process.env, ADJUTANT_MUTANT: name },
    stdio: "ignore"
  })
  const told: unknown = JSON.parse(readFileSync(report, "utf8"))
  const { numPassedTests, numFailedTests, testResults } = Object(told)
  const failure = [testResults]
    .flat(2)
    .flatMap((file) => [Object(file).assertionResults].flat())
    .find((test) => Object(test).status === "failed")
  return { passed: Number(numPassedTests), failed: Number(numFailedTests), by: String(Object(failure).fullName ?? "") }
}

let loose = 0
const wanted = process.argv.slice(2).join(" ")
const chosen = mutants.filter(({ name }) => name.includes(wanted))
for (const tests of new Set(chosen.map((mutant) => mutant.tests))) {
  const { passed, failed } = run("", tests)
  if (passed === 0 || failed > 0) throw new Error(`${tests} does not pass as it is: ${passed} passed, ${failed} failed`)
}
for (const { name, file, tests } of chosen) {
  const { failed, by } = run(name, tests)
  if (failed === 0) loose++
  say(`${failed > 0 ? "caught" : "LOOSE "}  ${name}\n          ${file}${failed > 0 ? `: ${by}` : ""}`)
}
rmSync(directory, { recursive: true })
say(`${chosen.length} mutants, ${chosen.length - loose} caught`)
process.exitCode = loose === 0 ? 0 : 1
