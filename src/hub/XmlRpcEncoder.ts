/**
 * Values to XML-RPC, through the `xmlrpc` package's serializer.
 *
 * The package writes faithfully what the dialect has; what it would write wrongly never reaches it: integers get their
 * element by size, fractions theirs by form, and characters that XML 1.0 cannot hold are replaced (adr/0011). What would
 * take it long enough for somebody to notice is written without it, in the same words.
 */
import CustomType from "xmlrpc/lib/customtype.js"
import serializer from "xmlrpc/lib/serializer.js"
import { isStruct } from "./Keywords.ts"
import { isLongerThan, longAnswer, longCall } from "./LongDocument.ts"
import type { Answer, MethodCall, Value } from "./Value.ts"
import { wellFormed, written } from "./WrittenScalars.ts"

export { wellFormed } from "./WrittenScalars.ts"

/** The package takes some ten milliseconds for so many. */
export const packageValuesMax = 1_000

/** A request document. Throws a RangeError for an integer beyond 64 bits, which the dialect cannot say. */
export const encodeCall = (call: MethodCall): string => textOf(callDocument(call))

/** A response document. */
export const encodeAnswer = (answer: Answer): string => textOf(answerDocument(answer))

/** The same as bytes. */
export const encodeCallBytes = (call: MethodCall): Uint8Array => bytesOf(callDocument(call))
export const encodeAnswerBytes = (answer: Answer): Uint8Array => bytesOf(answerDocument(answer))

const callDocument = (call: MethodCall): string | Uint8Array =>
  isLongerThan(call.params, packageValuesMax)
    ? longCall(call)
    : serializer.serializeMethodCall(call.method, call.params.map(prepared))

const answerDocument = (answer: Answer): string | Uint8Array => {
  if (answer._tag === "Fault")
    return serializer.serializeFault(prepared({ faultCode: answer.code, faultString: answer.message }))
  return isLongerThan(answer.value, packageValuesMax)
    ? longAnswer(answer.value)
    : serializer.serializeMethodResponse(prepared(answer.value))
}

const textOf = (document: string | Uint8Array): string =>
  typeof document === "string" ? document : new TextDecoder().decode(document)
const bytesOf = (document: string | Uint8Array): Uint8Array =>
  typeof document === "string" ? new TextEncoder().encode(document) : document

const typed = (tagName: string, text: string): unknown => {
  const custom = new CustomType(text)
  custom.tagName = tagName
  return custom
}

const prepared = (value: Value): unknown => {
  if (value === null || typeof value === "boolean" || value === "") return value
  // The package would make CDATA of some texts and stumble over "]]>" in others; escaped text is always right.
  if (typeof value !== "object") {
    const { element, text } = written(value)
    return typed(element, text)
  }
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (Array.isArray(value)) return value.map((item: Value) => prepared(item))
  // Without a prototype, so that a member called __proto__ is a member.
  const struct: Record<string, unknown> = Object.create(null)
  if (isStruct(value)) {
    for (const [name, member] of Object.entries(value)) {
      Object.defineProperty(struct, wellFormed(name), {
        value: prepared(member),
        enumerable: true,
        configurable: true,
        writable: true
      })
    }
  }
  return struct
}
