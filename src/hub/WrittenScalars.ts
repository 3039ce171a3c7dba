/** Texts and numbers as XML-RPC has them: which element, and what stands in it, before XML has had its say. */

const int32 = 2 ** 31
const int64 = 2n ** 63n

export interface WrittenScalar {
  readonly element: "string" | "int" | "i8" | "double"
  readonly text: string
}

/**
 * Integers get their element by size, fractions theirs by form. Throws a RangeError for an integer beyond 64 bits, which
 * the dialect cannot say.
 */
export const written = (value: string | number | bigint): WrittenScalar => {
  if (typeof value === "string") return { element: "string", text: wellFormed(value) }
  if (typeof value === "bigint") {
    if (value >= int64 || value < -int64) throw new RangeError(`${value} is beyond 64 bits`)
    return { element: value >= -int32 && value < int32 ? "int" : "i8", text: value.toString() }
  }
  if (!Number.isSafeInteger(value)) return { element: "double", text: inPython(value) }
  return { element: value >= -int32 && value < int32 ? "int" : "i8", text: String(value === 0 ? 0 : value) }
}

/** Everything that is not XML 1.0's: control characters, lone surrogates, two non-characters. */
const illegal =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
/** What may be among them: quickly found, and rare. */
const suspicious = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ud800-\udfff\ufffe\uffff]/

/** Text as it will arrive: illegal characters become U+FFFD, so that a reader sees that something was there. */
export const wellFormed = (text: string): string => (suspicious.test(text) ? text.replace(illegal, "\ufffd") : text)

/** Python's spelling of the values that JavaScript spells otherwise. */
const inPython = (value: number): string =>
  Number.isNaN(value)
    ? "nan"
    : value === Number.POSITIVE_INFINITY
      ? "inf"
      : value === Number.NEGATIVE_INFINITY
        ? "-inf"
        : String(value)
