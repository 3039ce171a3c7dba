/**
 * Whose keys a Kerberos keytab holds: enough to say, before anybody is asked, that ours is not among them. The format is
 * MIT's, version 2: records of a length and, big-endian, the principal's parts before everything else.
 */
import { Result } from "effect"

const version2 = 0x0502

/** The principals, each once, in the file's order; undefined for what is no keytab of this version. */
export const keytabPrincipals = (bytes: Uint8Array): ReadonlyArray<string> | undefined => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const read = Result.try(() => {
    if (view.getUint16(0) !== version2) return undefined
    const found = new Set<string>()
    for (let at = 2; at + 4 <= view.byteLength; ) {
      const length = view.getInt32(at)
      at += 4
      // What has been deleted leaves a hole, of a length below zero.
      if (length > 0) found.add(principalAt(view, at))
      at += Math.abs(length)
    }
    return [...found]
  })
  // Cut off in the middle of a record.
  return Result.isSuccess(read) ? read.success : undefined
}

const principalAt = (view: DataView, start: number): string => {
  let at = start
  const counted = () => {
    const length = view.getUint16(at)
    const text = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 2, length))
    at += 2 + length
    return text
  }
  const components = view.getUint16(at)
  at += 2
  const realm = counted()
  const names = Array.from({ length: components }, counted)
  return `${names.join("/")}@${realm}`
}
