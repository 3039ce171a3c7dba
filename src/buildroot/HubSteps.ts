/** Steps that are one call to the hub, and what the hub's refusal of one means for the task. */
import { Effect, Option, Schema } from "effect"
import type { SettlementRule } from "../core/AttemptEvent.ts"
import { type HubError, isOfLogin, wasDone } from "../hub/HubError.ts"
import type { HubSession } from "../hub/HubSession.ts"
import { faultCodes, GiveBack, KojiFault, otherError, type TaskFailure } from "../koji/Fault.ts"
import { Door } from "./World.ts"

export interface HubStepOptions<A> {
  /** What the call was given, where the path does not say it all. */
  readonly input?: Schema.Json
  /** How to find out whether it happened, and to what: for calls that must not be made twice. */
  readonly ask?: Effect.Effect<Option.Option<A>, HubError, HubSession>
  /** It must not be made twice, and nobody can find out. */
  readonly once?: boolean
}

/** Reads the hub, or does something to it; what may be done again is repeated when nobody knows whether it was done. */
export const hubStep = <A, I>(
  path: string,
  schema: Schema.Codec<A, I>,
  call: Effect.Effect<A, HubError, HubSession>,
  options: HubStepOptions<A> = {}
) =>
  Effect.flatMap(Door, (door) => {
    const { input, ask, once } = options
    const lost = (error: HubError) =>
      Effect.flatMap(
        ask ?? Effect.succeedNone,
        Option.match({ onNone: () => Effect.fail(error), onSome: (found) => Effect.succeed(found) })
      )
    const rule: SettlementRule = once === true ? "give-up" : ask === undefined ? "repeat" : "ask"
    return door.step(
      { path, rule, ...(input === undefined ? {} : { input }) },
      Schema.toCodecJson(schema),
      call.pipe(Effect.catchIf(wasDone, lost), Effect.mapError(hubFailure)),
      ask?.pipe(Effect.mapError(hubFailure))
    )
  })

/** For `ask`, of calls that answer nothing: it happened, or it did not. */
export const happenedIf = <E, R>(seen: Effect.Effect<boolean, E, R>): Effect.Effect<Option.Option<null>, E, R> =>
  Effect.map(seen, (yes) => (yes ? Option.some(null) : Option.none()))

/** These faults say that our session is gone, not that anything is wrong with the task. */
const sessionFaults: ReadonlyArray<number> = [
  faultCodes.AuthError,
  faultCodes.AuthLockError,
  faultCodes.AuthExpired,
  faultCodes.SequenceError,
  faultCodes.RetryError
]

/** A fault of the hub's is the task's fault, with its code and words; a hub that is away is no fault of the task's. */
export const hubFailure = (error: HubError): TaskFailure => {
  switch (error._tag) {
    case "HubFault":
      return sessionFaults.includes(error.code)
        ? new GiveBack({ message: `${error.method}: ${error.message}` })
        : new KojiFault({ code: error.code, message: error.message })
    case "HubUnavailable":
      return new GiveBack({ message: `${error.method}: ${error.message}` })
    case "HubNonsense":
      if (isOfLogin(error)) return new GiveBack({ message: `${error.method}: ${error.message}` })
      return otherError(`the hub's answer to ${error.method} makes no sense: ${error.message}`)
  }
}
