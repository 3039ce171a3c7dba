/**
 * "Bad input gets a clear error, and nothing is lost": whole tasks through the whole system, on real engines. The full
 * list on Docker; on Podman, the part that an engine has a hand in.
 */
import { layer } from "@effect/vitest"
import { Effect } from "effect"
import { buildSuite } from "./buildSuite.ts"
import { repositoryPackage } from "./packages.ts"
import { System } from "./system.ts"

const offered = (directory: string) =>
  Effect.forEach(["owns-hostname.spec", "capable.spec", "prying.spec"], (spec) => repositoryPackage(directory, spec))

for (const engine of ["docker", "podman"] as const) {
  layer(System.layer(engine, offered), { excludeTestServices: true, timeout: "10 minutes" })(
    `the whole system on ${engine}`,
    (it) => {
      buildSuite(it, engine === "docker" ? "everything" : "engine")
    }
  )
}
