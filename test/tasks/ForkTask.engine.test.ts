/** What a `fork` task leaves running goes with its container, on real engines. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { forkScript } from "../../src/tasks/TestTasks.ts"
import { clean, nothingLeft, runStep, stepOf } from "../contract/EngineContract.ts"
import { realEngine } from "../engine/realGround.ts"

/** The sleepers of this length that this machine runs, in containers and out of them. */
const sleepers = (seconds: string): number =>
  readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(join("/proc", pid, "cmdline"), "latin1")
      } catch {
        return ""
      }
    })
    .filter((line) => line === `sleep\0${seconds}\0`).length

for (const engine of ["docker", "podman"] as const) {
  const { layer, ground } = realEngine(engine)
  /** A length of sleep that nobody else chooses. */
  const seconds = `${3600 + process.pid}.${engine.length}`
  const forking = (count: number, change: Parameters<typeof stepOf>[3] = {}) =>
    Effect.gen(function* () {
      const stands = yield* ground(`fork${process.pid}`)
      const spec = {
        ...stepOf(stands, "fork", "", change),
        command: ["/bin/sh", "-c", forkScript, "fork", `${count}`, seconds]
      }
      const ended = yield* runStep(spec).pipe(
        Effect.andThen((exit) => Effect.as(nothingLeft(stands), exit)),
        Effect.ensuring(Effect.ignore(clean(stands)))
      )
      return ended.reason
    }).pipe(Effect.provide(layer))

  describe(`fork on ${engine}`, () => {
    it.live("ends at once, and its fifty processes with it", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* forking(50), { _tag: "Exited", code: 0 })
        assert.strictEqual(sleepers(seconds), 0)
      })
    )

    it.live("fails when it wants more processes than a container may have, and leaves none either", () =>
      Effect.gen(function* () {
        const reason = yield* forking(50, { limits: { processes: 32 } })
        assert.isTrue(reason._tag === "Exited" && reason.code !== 0, JSON.stringify(reason))
        assert.strictEqual(sleepers(seconds), 0)
      })
    )
  })
}
