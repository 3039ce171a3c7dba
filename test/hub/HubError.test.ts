import { assert, describe, it } from "@effect/vitest"
import { endOfSession, HubFault, HubUnavailable } from "../../src/hub/HubError.ts"

const fault = (method: string, code: number) => HubFault.make({ method, code, message: "no" })

describe("what an error says of the session", () => {
  for (const [what, error, end] of [
    ["closed or unknown: it is another's", fault("host.getTasks", 1002), "stolen"],
    ["locked out: it is another's", fault("host.updateHost", 1006), "stolen"],
    ["expired after it was renewed: it is of no use", fault("host.getTasks", 1007), "unusable"],
    ["its count of calls is wrong: it is of no use", fault("host.getTasks", 1008), "unusable"],
    ["it cannot be renewed: it is of no use, and nobody has taken it", fault("sslLogin", 1002), "unusable"],
    ["the call had been carried out: it goes on", fault("host.refuseTask", 1009), undefined],
    ["the task is another's: it goes on", fault("host.closeTask", 1004), undefined],
    ["the hub is offline: it goes on", fault("login", 1014), undefined],
    ["the hub is away: it goes on", HubUnavailable.make({ method: "host.getTasks", message: "away" }), undefined]
  ] as const) {
    it(what, () => {
      assert.strictEqual(endOfSession(error), end)
    })
  }
})
