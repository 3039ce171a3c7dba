/** A hub on the tree given, for tests that kill it. */
import { Effect } from "effect"
import { serve } from "../../src/hubsim/HubSim.ts"
import { seedChannels, seedUser } from "../../src/hubsim/Seed.ts"

const [, , topdir = ""] = process.argv

const main = Effect.gen(function* () {
  const { url, hub } = yield* serve({ topdir })
  yield* seedUser(hub, { name: "kojiadmin", password: "kojiadmin", permissions: ["admin"] })
  yield* seedChannels(hub)
  process.stdout.write(`${url}\n`)
  return yield* Effect.never
})

Effect.runFork(Effect.scoped(main))
