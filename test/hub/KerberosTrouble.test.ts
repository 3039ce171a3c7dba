import { assert, describe, it } from "@effect/vitest"
import { kerberosTrouble, ticketTrouble } from "../../src/hub/KerberosTrouble.ts"

const facts = {
  ...{ principal: "compile/b1@R", keytab: "/k", cache: "/c", host: "hub.example.org" },
  ifUnknown: "set krb_principal"
}
const gssapi = "Unspecified GSS failure.  Minor code may provide more information."

describe("what Kerberos says", () => {
  for (const [minor, outlook, advice] of [
    ["Clock skew too great", "refused", "set the time"],
    ["Clock skew too great in KDC reply", "refused", "set the time"],
    ["Cannot contact any KDC for realm 'R'", "pass", "look at the realm in krb5.conf"],
    ['Cannot find KDC for realm "R"', "pass", "look at the realm in krb5.conf"],
    ["Cannot resolve network address for KDC in requested realm", "pass", "look at the realm in krb5.conf"],
    ["Server HTTP/hub.example.org@R not found in Kerberos database", "refused", "no service HTTP/hub.example.org"],
    [
      "Client 'compile/b1@R' not found in Kerberos database",
      "refused",
      "does not know compile/b1@R: set krb_principal"
    ],
    ["Preauthentication failed", "refused", "the key in /k is not that of compile/b1@R any more"],
    ["Client's credentials have been revoked", "refused", "has locked compile/b1@R"],
    ["Client's entry in database has expired", "refused", "has locked compile/b1@R"],
    ["Ticket expired", "refused", "the ticket in /c has expired"],
    ["No Kerberos credentials available (default cache: FILE:/c)", "refused", "neither /k nor /c"],
    ["Can't find client principal compile/b1@R in cache collection", "refused", "neither /k nor /c"]
  ] as const) {
    it(`is told with what to do: ${minor}`, () => {
      const trouble = kerberosTrouble(`${gssapi} ${minor}`, facts)
      assert.strictEqual(trouble?.outlook, outlook)
      assert.include(trouble?.message, advice)
      assert.include(trouble?.message, minor)
    })
  }

  it("is told a person in terms of the command line, not of the daemon's configuration", () => {
    const trouble = ticketTrouble(`${gssapi} Client 'kim@R' not found in Kerberos database`, "hub.example.org")
    assert.match(trouble?.message ?? "", /^Kerberos does not know you: run kinit, or give --keytab and --principal \(/)
  })

  it("is left as it is when nobody has met it", () => {
    assert.isUndefined(kerberosTrouble(`${gssapi} KDC policy rejects request`, facts))
  })
})
