/** The checksum of Koji's uploads (RFC 1950), as the hub writes it: eight lower-case hex digits. */

const modulus = 65_521
/** So many bytes can be added up before the sums could leave 32 bits. */
const stride = 3_800

/** Continues a checksum; the checksum of nothing is 1. */
export const addAdler32 = (checksum: number, bytes: Uint8Array): number => {
  let low = checksum & 0xffff
  let high = checksum >>> 16
  for (let start = 0; start < bytes.length; start += stride) {
    const end = Math.min(start + stride, bytes.length)
    for (let at = start; at < end; at++) {
      low += bytes[at] ?? 0
      high += low
    }
    low %= modulus
    high %= modulus
  }
  return ((high << 16) | low) >>> 0
}

/** The checksum of two runs of bytes in a row, of which the second has so many bytes. */
export const joinAdler32 = (first: number, second: number, secondBytes: number): number => {
  const [low, high] = [first & 0xffff, first >>> 16]
  const [nextLow, nextHigh] = [second & 0xffff, second >>> 16]
  // Each byte of the second run counts `low` more in the sum of sums than it did from 1.
  const before = (low + modulus - 1) % modulus
  const sums = (high + nextHigh + (secondBytes % modulus) * before) % modulus
  return ((sums << 16) | ((nextLow + before) % modulus)) >>> 0
}

export const hexAdler32 = (checksum: number): string => checksum.toString(16).padStart(8, "0")

export const adler32 = (bytes: Uint8Array): string => hexAdler32(addAdler32(1, bytes))
