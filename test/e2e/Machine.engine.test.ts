/** `scripts/service/machine`, when a machine and whoever booted it end in another order than they should. */
import { spawn } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ran, script, whyNoMachine } from "./machine.ts"
import { patient, until } from "./until.ts"

const whyNot = whyNoMachine()

describe.skipIf(whyNot !== undefined)(`a machine${whyNot === undefined ? "" : ` (${whyNot})`}`, () => {
  it.live(
    "that has ended after whoever booted it was killed is cleared away by halting it",
    () =>
      Effect.scoped(
        Effect.gen(function* () {
          const name = `orphan-${process.pid}`
          const place = `/run/koji-adjutant/machine-${name}`
          const booting = yield* Effect.acquireRelease(
            Effect.sync(() => spawn(script, ["boot", name], { stdio: ["pipe", "ignore", "ignore"] })),
            (child) =>
              Effect.andThen(
                ran(script, ["halt", name]),
                Effect.sync(() => child.stdin.end())
              )
          )
          const runs = Effect.map(ran(script, ["run", name, "true"]), ({ code }) => code === 0)
          yield* until(
            "the machine to run",
            () => "",
            Effect.map(runs, (itDoes) => itDoes || undefined)
          )
          booting.kill("SIGKILL")
          process.kill(Number(readFileSync(`${place}/pid`, "utf8")), "SIGKILL")
          yield* until(
            "the machine to end",
            () => "",
            Effect.map(runs, (itDoes) => !itDoes || undefined)
          )
          // Its watcher halts it too when its input ends, as it does with the process: either may come first.
          yield* ran(script, ["halt", name])
          assert.isFalse(existsSync(place))
          const again = yield* ran(script, ["halt", name])
          assert.strictEqual(again.code, 1)
          assert.include(again.text, `no machine ${name} runs`)
        })
      ),
    patient
  )
})
