/** Keytabs of a test's own, in MIT's format. */
const counted = (text: string) => {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const sized = (length: number, bytes: Buffer) => {
  const size = Buffer.alloc(4)
  size.writeInt32BE(length)
  return Buffer.concat([size, bytes])
}

/** One key of a principal. */
export const record = (name: string, realm: string, encryption = 18): Buffer => {
  const parts = name.split("/")
  const head = Buffer.alloc(2)
  head.writeUInt16BE(parts.length)
  // The name's type, the time, the key's version, its encryption, and 32 bytes of key.
  const tail = Buffer.alloc(4 + 4 + 1 + 2 + 2 + 32)
  tail.writeUInt16BE(encryption, 9)
  tail.writeUInt16BE(32, 11)
  const body = Buffer.concat([head, counted(realm), ...parts.map(counted), tail])
  return sized(body.length, body)
}

/** What a deleted record leaves. */
export const hole = (length: number): Buffer => sized(-length, Buffer.alloc(length))

export const keytab = (...records: ReadonlyArray<Buffer>): Uint8Array =>
  Buffer.concat([Buffer.from([5, 2]), ...records])
