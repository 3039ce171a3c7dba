/**
 * Values to XML-RPC, through the `xmlrpc` package's serializer.
 *
 * The package writes faithfully what the dialect has; what it would write wrongly never reaches it: integers get their
 * element by size, fractions theirs by form, and characters that XML 1.0 cannot hold are replaced (adr/0011).
 */
import CustomType from "xmlrpc/lib/customtype.js"
import serializer from "xmlrpc/lib/serializer.js"
import { isStruct } from "./Keywords.ts"
import type { Answer, MethodCall, Value } from "./Value.ts"

const int32 = 2 ** 31
const int64 = 2n ** 63n

/** A request document. Throws a RangeError for an integer beyond 64 bits, which the dialect cannot say. */
export const encodeCall = (call: MethodCall): string =>
  serializer.serializeMethodCall(call.method, call.params.map(prepared))

/** A response document. */
export const encodeAnswer = (answer: Answer): string =>
  answer._tag === "Success"
    ? serializer.serializeMethodResponse(prepared(answer.value))
    : serializer.serializeFault(prepared({ faultCode: answer.code, faultString: answer.message }))

/** Everything that is not XML 1.0's: control characters, lone surrogates, two non-characters. */
const illegal =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Text as it will arrive: illegal characters become U+FFFD, so that a reader sees that something was there. */
export const wellFormed = (text: string): string => text.replace(illegal, "\ufffd")

const typed = (tagName: string, text: string): unknown => {
  const custom = new CustomType(text)
  custom.tagName = tagName
  return custom
}

const prepared = (value: Value): unknown => {
  if (value === null || typeof value === "boolean") return value
  // The package would make CDATA of some texts and stumble over "]]>" in others; escaped text is always right.
  if (typeof value === "string") return value === "" ? "" : typed("string", wellFormed(value))
  if (typeof value === "bigint") {
    if (value >= int64 || value < -int64) throw new RangeError(`${value} is beyond 64 bits`)
    return typed(value >= -int32 && value < int32 ? "int" : "i8", value.toString())
  }
  if (typeof value === "number") {
    if (!Number.isInteger(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) return typed("double", inPython(value))
    return typed(value >= -int32 && value < int32 ? "int" : "i8", String(value === 0 ? 0 : value))
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

/** Python's spelling of the values that JavaScript spells otherwise. */
const inPython = (value: number): string =>
  Number.isNaN(value)
    ? "nan"
    : value === Number.POSITIVE_INFINITY
      ? "inf"
      : value === Number.NEGATIVE_INFINITY
        ? "-inf"
        : String(value)
