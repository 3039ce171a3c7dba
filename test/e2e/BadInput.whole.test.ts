/**
 * "Bad input gets a clear error, and nothing is lost": whole tasks through the whole system, on real engines. The full
 * list on Docker; on Podman, the part that an engine has a hand in.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { buildSuite } from "./buildSuite.ts"
import { engineSuite } from "./engineSuite.ts"
import { hostSuite } from "./hostSuite.ts"
import { repositoryPackage } from "./packages.ts"
import { repoSuite } from "./repoSuite.ts"
import { signalSuite } from "./signalSuite.ts"
import { System } from "./system.ts"
import { patient } from "./until.ts"
import { workSuite } from "./workSuite.ts"

const offered = (directory: string) =>
  Effect.forEach(["owns-hostname.spec", "capable.spec", "prying.spec"], (spec) => repositoryPackage(directory, spec))

for (const engine of ["docker", "podman"] as const) {
  layer(System.layer(engine, offered), { excludeTestServices: true, timeout: "10 minutes" })(
    `the whole system on ${engine}`,
    (it) => {
      const everything = engine === "docker"
      buildSuite(it, everything ? "everything" : "engine")
      workSuite(it)
      engineSuite(it, engine)
      signalSuite(it)
      if (everything) {
        repoSuite(it)
        hostSuite(it)
      }
      it.effect(
        "in the end nothing is left on the engine, and every journal holds",
        () =>
          Effect.gen(function* () {
            const { main, daemon } = yield* System
            assert.deepStrictEqual(yield* main.containers(), [])
            assert.deepStrictEqual(yield* main.workspaces, [])
            assert.deepStrictEqual(yield* main.problems, [])
            yield* daemon.signal("SIGTERM")
            assert.strictEqual(yield* daemon.exit, 0)
          }),
        patient
      )
    }
  )
}
