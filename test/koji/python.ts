/**
 * Python as a judge: what Koji means by a pattern, a literal or a configuration file is what Python makes of it.
 * One call judges a whole batch; the values travel as JSON.
 */
import { execFileSync } from "node:child_process"

const frame = (body: string) => `
import json, sys
cases = json.load(sys.stdin)
${body}
json.dump([judge(case) for case in cases], sys.stdout)
`

/** Runs `judge(case)`, which the body defines, on every case. */
export const judgeAll = <A>(body: string, cases: ReadonlyArray<unknown>): ReadonlyArray<A> =>
  JSON.parse(
    execFileSync("python3", ["-c", frame(body)], {
      input: JSON.stringify(cases),
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024
    })
  )
