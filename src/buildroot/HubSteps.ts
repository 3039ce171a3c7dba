/** Steps that are one call to the hub, and what the hub's refusal of one means for the task. */
import { Effect, Schema } from "effect"
import type { SettlementRule } from "../core/AttemptEvent.ts"
import type { HubError } from "../hub/HubError.ts"
import type { HubSession } from "../hub/HubSession.ts"
import { faultCodes, GiveBack, KojiFault, otherError, type TaskFailure } from "../koji/Fault.ts"
import { Door } from "./World.ts"

/** Reads the hub, or does to it what may be done again. */
export const hubStep = <A, I>(
  path: string,
  schema: Schema.Codec<A, I>,
  call: Effect.Effect<A, HubError, HubSession>,
  options?: { readonly rule?: SettlementRule; readonly input?: Schema.Json }
) =>
  Effect.flatMap(Door, (door) =>
    door.step(
      { path, rule: options?.rule ?? "repeat", ...(options?.input === undefined ? {} : { input: options.input }) },
      Schema.toCodecJson(schema),
      call.pipe(Effect.mapError(hubFailure))
    )
  )

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
      return otherError(`the hub's answer to ${error.method} makes no sense: ${error.message}`)
  }
}
