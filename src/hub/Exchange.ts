/** One call of a session until there is an answer to it, or no hope of one. */
import { Context, Effect, References, Result } from "effect"
import { faultCodes } from "../koji/Fault.ts"
import { type HubError, HubFault, HubNonsense, HubUnavailable } from "./HubError.ts"
import { type HubRequest, type HubTransport, TransportError } from "./HubTransport.ts"
import type { Answer, Value } from "./Value.ts"

/** How patient a session is. kojid's own numbers are 120 retries, 60 s apart, and 120 s for a hub that is offline. */
export interface RetryRules {
  readonly retriesMax: number
  readonly intervalSeconds: number
  readonly offlineIntervalSeconds: number
  /** For one request, answer included; some calls take the hub many minutes. */
  readonly timeoutSeconds: number
}

/** Whether each call is logged, how grave however. Off unless somebody asks for it (`--debug-xmlrpc`). */
export const LogsCalls = Context.Reference<boolean>("adjutant/hub/LogsCalls", { defaultValue: () => false })

/**
 * One logical call, retried as kojid retries (daemon.md 2.9): faults never, but for a hub that says it is offline, which
 * is waited out; transport errors with the same number and bytes, the first time at once.
 */
export const exchange = (
  transport: HubTransport["Service"],
  retries: RetryRules,
  method: string,
  request: HubRequest
): Effect.Effect<Value, HubError> =>
  Effect.flatMap(LogsCalls, (logged) => {
    const call = untilAnswered(transport, retries, method, request)
    return logged
      ? call.pipe(
          Effect.tap((value) => tell(`hub: ${method}: ${sizeOf(value)}`)),
          Effect.tapError((error) =>
            tell(`hub: ${method}: ${error._tag === "HubFault" ? `fault ${error.code}: ` : ""}${error.message}`)
          )
        )
      : call
  })

const tell = (text: string) => Effect.provideService(Effect.log(text), References.MinimumLogLevel, "Info")

/** How much was answered, and nothing of it: the answer to a login is the session's key. */
const sizeOf = (value: Value): string => {
  if (value === null) return "nothing"
  if (typeof value === "string") return `${value.length} characters`
  if (typeof value !== "object") return `a ${typeof value === "boolean" ? "boolean" : "number"}`
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return Array.isArray(value) ? `${value.length} items` : `${Object.keys(value).length} members`
}

const untilAnswered = (
  transport: HubTransport["Service"],
  retries: RetryRules,
  method: string,
  request: HubRequest
): Effect.Effect<Value, HubError> =>
  Effect.gen(function* () {
    const { retriesMax, intervalSeconds, offlineIntervalSeconds, timeoutSeconds } = retries
    for (let tries = 1; ; ) {
      const result = yield* Effect.result(inTime(transport.exchange(request), timeoutSeconds))
      if (Result.isSuccess(result)) {
        const answer = result.success
        if (answer._tag === "Success") return answer.value
        if (answer.code === faultCodes.ServerOffline && offlineIntervalSeconds > 0) {
          yield* Effect.logWarning(`${method}: the hub is offline, asking again in ${offlineIntervalSeconds} s`)
          yield* Effect.sleep(`${offlineIntervalSeconds} seconds`)
          tries = 1
          continue
        }
        return yield* new HubFault({ method, code: answer.code, message: answer.message })
      }
      const { outlook, message } = result.failure
      if (outlook === "refused") return yield* new HubNonsense({ method, message })
      if (outlook === "untrusted") return yield* new HubUnavailable({ method, message, isUntrusted: true })
      if (tries > retriesMax) return yield* new HubUnavailable({ method, message: `${message} (tried ${tries} times)` })
      if (tries > 1) {
        yield* Effect.logWarning(`${method}: ${message}, asking again in ${intervalSeconds} s`)
        yield* Effect.sleep(`${intervalSeconds} seconds`)
      }
      tries++
    }
  })

/** One exchange, the whole of it within this time. */
const inTime = (exchange: Effect.Effect<Answer, TransportError>, timeoutSeconds: number) =>
  Effect.timeoutOrElse(exchange, {
    duration: `${timeoutSeconds} seconds`,
    orElse: () => Effect.fail(new TransportError({ outlook: "pass", message: `no answer within ${timeoutSeconds} s` }))
  })
