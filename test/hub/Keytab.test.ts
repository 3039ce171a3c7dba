import { assert, describe, it } from "@effect/vitest"
import { keytabPrincipals } from "../../src/hub/Keytab.ts"
import { hole, keytab, record } from "./KeytabFile.ts"

describe("a keytab", () => {
  it("tells whose keys it holds, each once and in order", () => {
    const bytes = keytab(
      record("compile/b1.example.org", "EXAMPLE.ORG", 17),
      record("compile/b1.example.org", "EXAMPLE.ORG", 18),
      record("host", "ÜBER")
    )
    assert.deepStrictEqual(keytabPrincipals(bytes), ["compile/b1.example.org@EXAMPLE.ORG", "host@ÜBER"])
  })

  it("is read past what was deleted", () => {
    const bytes = keytab(hole(40), record("a", "R"), hole(7), record("b", "R"))
    assert.deepStrictEqual(keytabPrincipals(bytes), ["a@R", "b@R"])
  })

  it("may be empty", () => {
    assert.deepStrictEqual(keytabPrincipals(keytab()), [])
  })

  it("is none when it is something else, or cut off", () => {
    const whole = keytab(record("compile/b1.example.org", "EXAMPLE.ORG"))
    assert.isUndefined(keytabPrincipals(new Uint8Array()))
    assert.isUndefined(keytabPrincipals(new TextEncoder().encode("[kojid]\n")))
    assert.isUndefined(keytabPrincipals(whole.subarray(0, 20)))
  })
})
