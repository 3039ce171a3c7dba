/** What a failed call to the hub means for the task that made it. */
import { assert, describe, it } from "@effect/vitest"
import { hubFailure } from "../../src/buildroot/HubSteps.ts"
import { HubFault, HubNonsense, HubUnavailable } from "../../src/hub/HubError.ts"

describe("a call to the hub that fails", () => {
  it("with a fault of the hub's is the task's fault, in the hub's words", () => {
    assert.deepInclude(hubFailure(new HubFault({ method: "host.initBuild", code: 1000, message: "no such build" })), {
      ...{ _tag: "KojiFault", code: 1000, message: "no such build" }
    })
  })

  it("for a session that is gone, or a hub that is away, gives the task back", () => {
    for (const code of [1002, 1006, 1008, 1009]) {
      assert.strictEqual(hubFailure(new HubFault({ method: "echo", code, message: "no" }))._tag, "GiveBack")
    }
    assert.strictEqual(hubFailure(new HubUnavailable({ method: "echo", message: "no" }))._tag, "GiveBack")
  })

  it("on its way in gives the task back, whatever the login was answered with", () => {
    for (const method of ["login", "sslLogin"]) {
      assert.strictEqual(hubFailure(new HubNonsense({ method, message: "HTTP status 403" }))._tag, "GiveBack")
    }
    assert.strictEqual(hubFailure(new HubNonsense({ method: "getTag", message: "got null" }))._tag, "KojiFault")
  })
})
