import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Value } from "../../src/hub/Value.ts"
import { decodeAnswer } from "../../src/hub/XmlRpcDecoder.ts"
import { builderLogin, get, login, post, type Session } from "../hubsim/Client.ts"
import { freshHub } from "../hubsim/Hub.ts"
import { transcript } from "./Transcripts.ts"

type Who = "nobody" | "first" | "child" | "second" | "stranger"
const times = (count: number, who: Who): ReadonlyArray<Who> => Array.from({ length: count }, () => who)

/** In whose name each recorded request was sent; the recording does not say. */
const senders: ReadonlyArray<Who> = [
  ...times(2, "nobody"),
  ...times(14, "first"),
  ...["nobody" as const, "stranger" as const],
  ...times(2, "nobody"),
  ...times(3, "second"),
  ...["first" as const, "child" as const],
  ...times(5, "second")
]
/** The login that opens a session, the one that renews it, and the second of the two that an expiry comes before. */
const [opensFirst, opensChild, opensSecond, expiresBefore, renews] = [2, 9, 20, 26, 27]

const day = 24 * 60 * 60 * 1000

/** A value without what is this hub's own: session numbers and keys, times. */
const comparable = (value: Value, ids: ReadonlyMap<number, number>): string =>
  JSON.stringify(value, (key, member: unknown) =>
    /^session-key$|_ts$/.test(key)
      ? typeof member
      : typeof member === "number" && key === "session-id"
        ? (ids.get(member) ?? member)
        : typeof member === "string"
          ? member.replace(/\b(13[345])\b/g, (id) => `${ids.get(Number(id)) ?? id}`)
          : member
  )

describe("the embedded hub's sessions, against thirty recorded cases", () => {
  it.effect("are refused, repeated, expired and renewed as the real hub's", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url, hub } = yield* freshHub()
        const admin = yield* login(url, "kojiadmin")
        yield* get(url, admin, { method: "makeTask", params: ["sleep", [1]] })
        hub.db.run("UPDATE host SET update_time = 1")
        const sessions: Record<string, Session> = { stranger: { id: 133, key: "no such key", callnum: 0 } }
        const ours = new Map<number, number>()
        const cases = transcript("session-faults")
        assert.strictEqual(cases.length, senders.length)
        for (const [at, recorded] of cases.entries()) {
          const n = at + 1
          const who = senders[at] ?? "nobody"
          const { callnum = null } = recorded
          if (n === expiresBefore) yield* TestClock.adjust(day + 1)
          const session = sessions[who]
          const headers: Record<string, string> =
            session === undefined
              ? {}
              : {
                  "Koji-Session-Id": `${session.id}`,
                  "Koji-Session-Key": session.key,
                  ...(callnum === null ? {} : { "Koji-Session-Callnum": `${callnum}` })
                }
          const reply = yield* post(url, recorded.request ?? "", headers)
          if (`${recorded.status}`.startsWith("400")) {
            assert.strictEqual(reply.status, 400)
            assert.match(reply.text, /^Invalid request: /)
            continue
          }
          const answers = yield* Effect.forEach([reply.text, recorded.response], (text) =>
            Effect.fromResult(decodeAnswer(text)).pipe(Effect.orDie)
          )
          const [answer, theirs] = answers
          if (answer === undefined || theirs === undefined) return assert.fail()
          if (answer._tag === "Success" && [opensFirst, opensChild, opensSecond, renews].includes(n)) {
            const { "session-id": id, "session-key": key } = Object(answer.value)
            const name = n === opensFirst ? "first" : n === opensChild ? "child" : "second"
            sessions[name] = { id, key, callnum: 0 }
            if (theirs._tag === "Success") ours.set(Number(Object(theirs.value)["session-id"]), id)
          }
          const shown = [answer, theirs].map((each) =>
            comparable(each._tag === "Fault" ? [each.code, each.message] : sortedKeys(each.value), ours)
          )
          assert.strictEqual(shown[0], shown[1], `${n} ${recorded.case}`)
        }
      })
    )
  )

  it.effect("end with their master's", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { url } = yield* freshHub()
        const main = yield* builderLogin(url)
        const child = yield* get(url, main, { method: "subsession" })
        yield* get(url, main, { method: "logout", keywords: { session_id: null } })
        const { "session-id": id, "session-key": key } = Object(child)
        const reply = yield* post(url, "<methodCall><methodName>echo</methodName></methodCall>", {
          "Koji-Session-Id": `${id}`,
          "Koji-Session-Key": key
        })
        assert.include(reply.text, "Invalid session or bad credentials")
      })
    )
  )
})

const sortedKeys = (value: Value): Value =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value
