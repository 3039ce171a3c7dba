/** The checksum of Koji's uploads (RFC 1950), as the hub writes it: eight lower-case hex digits. */

import { addBlocks, modulus } from "./Adler32Kernel.ts"

/** Continues a checksum; the checksum of nothing is 1. */
export const addAdler32 = (checksum: number, bytes: Uint8Array): number => {
  let { low, high, taken } = addBlocks({ low: checksum & 0xffff, high: checksum >>> 16 }, bytes)
  for (; taken < bytes.length; taken++) {
    low += bytes[taken] ?? 0
    high += low
  }
  return (((high % modulus) << 16) | (low % modulus)) >>> 0
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
