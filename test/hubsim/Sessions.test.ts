import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, builderLogin, get, login, post, shown, subsession } from "./Client.ts"
import { freshHub } from "./Hub.ts"

describe("a hub's sessions", () => {
  it.live("greets with a session, and with its version in every answer", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const session = yield* login(url, "builder1")
        assert.isAbove(session.id, 0)
        const reply = yield* post(url, "<x", {})
        assert.strictEqual(reply.status, 400)
        assert.strictEqual(reply.headers.get("koji-version"), "1.35.3")
        assert.match(reply.text, /^Invalid request: /)
        assert.strictEqual((yield* Effect.promise(() => fetch(url))).status, 405)
      })
    )
  )

  it.live("lets only one session of a user be exclusive", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const first = yield* builderLogin(url)
        const child = yield* subsession(url, first)
        assert.strictEqual(yield* get(url, child, { method: "host.getID" }), 1)
        const second = yield* login(url, "builder1")
        const tried = (session: typeof first, method: string, keywords = {}) =>
          Effect.map(ask(url, session, { method, keywords }), shown)
        assert.deepStrictEqual(yield* tried(second, "host.getID"), { fault: [1006, "User locked by another session"] })
        assert.deepStrictEqual(yield* tried(second, "exclusiveSession"), {
          fault: [1006, "Cannot get exclusive session"]
        })
        assert.deepStrictEqual(yield* tried(second, "exclusiveSession", { force: true }), null)
        assert.deepStrictEqual(yield* tried(first, "host.getID"), {
          fault: [1002, "Invalid session or bad credentials"]
        })
        assert.deepStrictEqual(yield* tried(child, "host.getID"), { fault: [1006, "User locked by another session"] })
        assert.deepStrictEqual(yield* tried(second, "exclusiveSession"), {
          fault: [1000, "session is already exclusive"]
        })
        const third = yield* subsession(url, second)
        assert.deepStrictEqual(yield* tried(third, "exclusiveSession"), {
          fault: [1000, "subsessions cannot become exclusive"]
        })
      })
    )
  )
})
