/** A hub in a directory of its own, set up as the one of the transcripts was. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { type HubSimOptions, serve } from "../../src/hubsim/HubSim.ts"
import { seedBuilder, seedChannels, seedTag, seedTarget, seedUser } from "../../src/hubsim/Seed.ts"

export const freshTopdir = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "hubsim-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Users kojiadmin, builder1, builder2; tags dist-test and dist-test-build; target dist-test. */
export const freshHub = (options: Partial<HubSimOptions> = {}) =>
  Effect.gen(function* () {
    const topdir = options.topdir ?? (yield* freshTopdir)
    const running = yield* serve({ ...options, topdir })
    const { hub } = running
    yield* seedUser(hub, { name: "kojiadmin", password: "kojiadmin", permissions: ["admin"] })
    for (const name of ["builder1", "builder2"]) {
      yield* seedBuilder(hub, { name, password: name, arches: ["x86_64"], capacity: 4 })
    }
    yield* seedChannels(hub)
    yield* seedTag(hub, { name: "dist-test" })
    yield* seedTag(hub, {
      name: "dist-test-build",
      arches: "x86_64",
      extra: { "mock.package_manager": "dnf" },
      parents: ["dist-test"],
      groups: { build: ["bash", "make"], "srpm-build": ["bash"] }
    })
    yield* seedTarget(hub, { name: "dist-test", buildTag: "dist-test-build", destinationTag: "dist-test" })
    return { ...running, topdir }
  })
