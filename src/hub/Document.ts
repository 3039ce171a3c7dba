/** Results and faults as the documents in which a task's outcome is stored (daemon.md 1.8). */
import type { Value } from "./Value.ts"
import { encodeAnswer } from "./XmlRpcEncoder.ts"

/** The hub takes requests of 4 MiB; escaping makes `<` four bytes. What is longer is cut, with a note. */
export const faultTextMax = 64 * 1024

export const encodeResult = (value: Value): string => encodeAnswer({ _tag: "Success", value })

export const encodeFault = (fault: { readonly code: number; readonly message: string }): string => {
  const { message } = fault
  const text =
    message.length <= faultTextMax ? message : `${message.slice(0, faultTextMax)}\n[cut: ${message.length} characters]`
  return encodeAnswer({ _tag: "Fault", code: fault.code, message: text })
}
