/**
 * One call to the hub with its answer decoded: an answer of another shape is `HubNonsense`, told by method.
 *
 * A hub that looks at call numbers does not do a call again whose answer got lost: it says so (RetryError). Then the call
 * has been done. Where the answer says nothing, that is all there is to know; else the call is made once more, under a
 * new number, as it is at hubs that do not look (daemon.md 2.3, 3.10).
 */
import { Effect, Schema } from "effect"
import { HubNonsense, wasDone } from "../HubError.ts"
import { HubSession } from "../HubSession.ts"
import { isStruct } from "../Keywords.ts"
import type { Struct, Value } from "../Value.ts"

export const call = <A, I>(
  answer: Schema.Codec<A, I>,
  method: string,
  params: ReadonlyArray<Value>,
  keywords?: Struct
) => Effect.retry(callOnce(answer, method, params, keywords), { while: wasDone, times: callsAgainMax })

/** For what must not be done twice: whoever calls it finds out what became of it. */
export const callOnce = Effect.fnUntraced(function* <A, I>(
  answer: Schema.Codec<A, I>,
  method: string,
  params: ReadonlyArray<Value>,
  keywords?: Struct
) {
  const session = yield* HubSession
  const value = yield* session.call(method, params, keywords)
  return yield* Schema.decodeUnknownEffect(answer)(value).pipe(
    Effect.mapError((error) => new HubNonsense({ method, message: `${error.message}, got ${glimpse(value)}` }))
  )
})

/** For methods whose answer says nothing. */
export const perform = Effect.fnUntraced(function* (method: string, params: ReadonlyArray<Value>, keywords?: Struct) {
  const session = yield* HubSession
  yield* session.call(method, params, keywords).pipe(Effect.catchIf(wasDone, () => Effect.void))
})

/** An answer that is lost so often is no accident. */
const callsAgainMax = 5

const glimpseLength = 60

/** What came instead, at a glance: what is inside of it may be long, or nobody's business. */
const glimpse = (value: Value): string => {
  if (typeof value === "string") {
    return JSON.stringify(value.length > glimpseLength ? `${value.slice(0, glimpseLength)}…` : value)
  }
  if (value instanceof Uint8Array) return `${value.length} bytes`
  if (isStruct(value)) return `a struct of ${Object.keys(value).join(", ") || "nothing"}`
  return Array.isArray(value) ? `a list of ${value.length}` : String(value)
}
