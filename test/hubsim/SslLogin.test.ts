import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { decodeAnswer } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import type { HubOptions } from "../../src/hubsim/Options.ts"
import { seedBuilder } from "../../src/hubsim/Seed.ts"
import { get, post, shown } from "./Client.ts"
import { freshHub } from "./Hub.ts"

/** What a login by these headers of the front end's is answered with, and whose session it is. */
const loginBy = (headers: Record<string, string>, options: Partial<HubOptions> = { hasFrontEnd: true }) =>
  Effect.gen(function* () {
    const { url, hub } = yield* freshHub({ options })
    yield* seedBuilder(hub, { name: "builder3", password: "x", arches: ["x86_64"], principal: "compile/b3@TEST" })
    const body = encodeCall({ method: "sslLogin", params: [] })
    const { text } = yield* post(`${url}/ssllogin`, body, headers)
    const answer = shown(yield* Effect.orDie(Effect.fromResult(decodeAnswer(text))))
    const { "session-id": id, "session-key": key } = Object(answer)
    if (id === undefined) return answer
    const user = Object(yield* get(url, { id, key, callnum: 0 }, { method: "getLoggedInUser" }))
    return { name: user.name, authtype: user.authtype, krb_principals: user.krb_principals }
  })

const verified = { "X-SSL-Client-Verify": "SUCCESS" }

describe("a login at a hub behind a web server", () => {
  for (const [what, headers, user] of [
    [
      "by certificate is its common name's",
      { ...verified, "X-SSL-Client-S-DN-CN": "builder1" },
      { name: "builder1", authtype: 2, krb_principals: [] }
    ],
    [
      "by Kerberos is the principal's, whatever certificate there is",
      { ...verified, "X-SSL-Client-S-DN-CN": "builder1", "X-Remote-User": "compile/b3@TEST" },
      { name: "builder3", authtype: 3, krb_principals: ["compile/b3@TEST"] }
    ],
    [
      "by Kerberos without a realm is the user's of that name",
      { "X-Remote-User": "builder2" },
      { name: "builder2", authtype: 3, krb_principals: [] }
    ],
    [
      "of an unknown principal makes a user",
      { "X-Remote-User": "compile/new@TEST" },
      { name: "compile/new", authtype: 3, krb_principals: ["compile/new@TEST"] }
    ]
  ] as const) {
    it.live(what, () =>
      Effect.scoped(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* loginBy(headers), user)
        })
      )
    )
  }

  for (const [what, headers, fault] of [
    ["without a certificate", { "X-SSL-Client-Verify": "NONE" }, "could not verify client: NONE"],
    ["of which nothing is said", { "X-SSL-Client-Verify": "(null)" }, "could not verify client: None"],
    ["by a certificate without a name", verified, "unable to get user information (CN) from client certificate"]
  ] as const) {
    it.live(`${what} is refused`, () =>
      Effect.scoped(
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* loginBy(headers), { fault: [1002, fault] })
        })
      )
    )
  }

  it.live("of somebody unknown is refused where users are not made so", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const options = { hasFrontEnd: true, loginCreatesUser: false }
        const answer = yield* loginBy({ ...verified, "X-SSL-Client-S-DN-CN": "nobody" }, options)
        assert.deepStrictEqual(answer, { fault: [1002, "Unknown user: nobody"] })
      })
    )
  )

  it.live("is refused at a hub that has none in front, whatever the headers say", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const answer = yield* loginBy({ ...verified, "X-SSL-Client-S-DN-CN": "builder1" }, {})
        assert.deepStrictEqual(answer, { fault: [1002, "could not verify client: None"] })
      })
    )
  )
})
