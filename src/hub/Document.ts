/** Results and faults as the documents in which a task's outcome is stored (daemon.md 1.8). */
import type { Value } from "./Value.ts"
import { encodeAnswer } from "./XmlRpcEncoder.ts"

/** The hub takes requests of 4 MiB; escaping makes `<` four bytes. What is longer is cut, with a note. */
export const faultTextMax = 64 * 1024

/** The document for a success. Throws a RangeError for what the dialect cannot say. */
export const encodeResult = (value: Value): string => encodeAnswer({ _tag: "Success", value })

/** The document for a failure. */
export const encodeFault = (fault: { readonly code: number; readonly message: string }): string => {
  const { code, message } = fault
  return encodeAnswer({ _tag: "Fault", code, message: shortened(message) })
}

/** Its beginning and, since the cause of a failure tends to stand last, its end. */
const shortened = (message: string): string => {
  if (message.length <= faultTextMax) return message
  const half = faultTextMax / 2
  const left = message.length - 2 * half
  return `${message.slice(0, half)}\n[${left} characters are left out here]\n${message.slice(-half)}`
}
