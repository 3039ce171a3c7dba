/** One call to the hub with its answer decoded: an answer of another shape is `HubNonsense`, told by method. */
import { Effect, Schema } from "effect"
import { HubNonsense } from "../HubError.ts"
import { HubSession } from "../HubSession.ts"
import { isStruct } from "../Keywords.ts"
import type { Struct, Value } from "../Value.ts"

export const call = Effect.fnUntraced(function* <A, I>(
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
  yield* session.call(method, params, keywords)
})

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
