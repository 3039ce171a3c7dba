/**
 * Policies. Koji's are rules over what is being done; here each is one verdict for everybody, which is what rules
 * come to where there is one user. The hub's options say which.
 */
import { Effect } from "effect"
import type { Struct } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { splitWords } from "../koji/PythonSpace.ts"
import { Call, callingHost } from "./Call.ts"
import { actionNotAllowed } from "./Faults.ts"
import { method } from "./Method.ts"

interface Verdict {
  readonly allowed: boolean
  readonly reason: string
}

/** Whether the policy allows it, and why. A policy that the hub does not have allows (`MissingPolicyOk`). */
const verdict = Effect.fnUntraced(function* (name: string): Effect.fn.Return<Verdict, never, Call> {
  const { options } = yield* Call
  const result = options.policies[name]
  if (result === undefined) return { allowed: true, reason: "missing policy" }
  const [action = "", ...reason] = splitWords(result)
  switch (action.toLowerCase()) {
    case "allow":
      return { allowed: true, reason: reason.join(" ") }
    case "deny":
      return { allowed: false, reason: reason.join(" ") }
    default:
      return { allowed: false, reason: "error in policy" }
  }
})

/** Fails with ActionNotAllowed (1004) unless the policy allows it. The data is what rules would look at. */
export const assertPolicy = Effect.fnUntraced(function* (name: string, _data: Struct) {
  const { allowed, reason } = yield* verdict(name)
  if (allowed) return
  return yield* actionNotAllowed(`policy violation (${name})${reason === "" ? "" : `: ${reason}`}`)
})

const evaluate = Effect.fnUntraced(function* (name: string) {
  const { options } = yield* Call
  return options.policies[name] ?? (yield* genericError(`no such policy: ${name}`))
})

export const policyMethods = [
  method("evalPolicy", "eval_policy(name, data)", (given) => Effect.flatMap(given.text("name"), evaluate)),
  method("host.evalPolicy", "HostExports.evalPolicy(name, data)", (given) =>
    Effect.andThen(callingHost, Effect.flatMap(given.text("name"), evaluate))
  ),
  method(
    "host.assertPolicy",
    "HostExports.assertPolicy(name, data, default='deny')",
    Effect.fnUntraced(function* (given) {
      yield* callingHost
      yield* assertPolicy(yield* given.text("name"), yield* given.struct("data"))
    })
  ),
  method(
    "host.checkPolicy",
    "HostExports.checkPolicy(name, data, default='deny', strict=False)",
    Effect.fnUntraced(function* (given) {
      yield* callingHost
      const name = yield* given.text("name")
      if (given.truth("strict")) yield* assertPolicy(name, yield* given.struct("data"))
      const { allowed, reason } = yield* verdict(name)
      return [allowed, reason]
    })
  )
]
