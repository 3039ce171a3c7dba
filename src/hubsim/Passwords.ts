/** Passwords, kept as salted scrypt hashes. */
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto"

const saltBytes = 16
const hashBytes = 32
// A hub for one machine, asked at every login of every test: light enough to be no matter, heavy enough for a leak.
const cost = { N: 2 ** 12 }

/** `salt:hash`, in hexadecimal. */
export const hashPassword = (password: string): string => {
  const salt = randomBytes(saltBytes)
  return `${salt.toString("hex")}:${scryptSync(password, salt, hashBytes, cost).toString("hex")}`
}

export const isPassword = (password: string, stored: string): boolean => {
  const [salt = "", hash = ""] = stored.split(":")
  const expected = Buffer.from(hash, "hex")
  if (expected.length !== hashBytes) return false
  return timingSafeEqual(scryptSync(password, Buffer.from(salt, "hex"), hashBytes, cost), expected)
}
