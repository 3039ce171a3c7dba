/**
 * Bytes that claim to be UTF-8, read as Python's `surrogateescape` reads them.
 *
 * Old packages carry file names in Latin-1. Python keeps each byte that is not UTF-8 as a lone surrogate U+DC80 to
 * U+DCFF, and Koji's hashes are made over the result; replacing such bytes by U+FFFD would hash differently.
 */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

export const decodeSurrogateEscape = (bytes: Uint8Array): string => {
  const text = decoder.decode(bytes)
  return text.includes("\ufffd") ? decodeByHand(bytes) : text
}

const decodeByHand = (bytes: Uint8Array): string => {
  let text = ""
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    text +=
      length === 0 ? String.fromCharCode(0xdc00 + (bytes[at] ?? 0)) : decoder.decode(bytes.subarray(at, at + length))
    at += Math.max(length, 1)
  }
  return text
}

/** How many bytes the well-formed character at this place takes; 0 when there is none (Unicode, table 3-7). */
const sequenceLength = (bytes: Uint8Array, at: number): number => {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
  if (length === 0 || at + length > bytes.length) return 0
  const second = bytes[at + 1] ?? 0
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let next = 2; next < length; next++) if (((bytes[at + next] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}
