/** What a hub that does not let us ask anything is found to be. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { type HubError, HubNonsense, HubUnavailable } from "../../src/hub/HubError.ts"
import { HubSession } from "../../src/hub/HubSession.ts"
import { lookAtHub } from "../../src/preflight/HubLook.ts"

/** What is found when the login ends so, with a proxy on the way. */
const found = (error: HubError) =>
  lookAtHub("https://hub", Layer.effect(HubSession, Effect.fail(error)), { byUs: false, proxy: "https_proxy" })

describe("a hub behind a proxy that we do not get into", () => {
  const login = { method: "login", message: "no" }

  it.effect("may be kept from us by the proxy when nothing comes from there", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* found(new HubUnavailable(login)), { _tag: "Silent", proxy: "https_proxy" })
    })
  )

  it.effect("is not the proxy's fault when it is not trusted, or what it says makes no sense", () =>
    Effect.gen(function* () {
      const untrusted = new HubUnavailable({ ...login, isUntrusted: true })
      assert.deepInclude(yield* found(untrusted), { _tag: "Silent", proxy: null })
      assert.deepInclude(yield* found(new HubNonsense(login)), { _tag: "Silent", proxy: null })
    })
  )
})
