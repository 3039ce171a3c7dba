/** RPM headers made by hand, for what no rpmbuild at hand makes. */
export interface Value {
  readonly type: number
  readonly count: number
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()

export const strings = (items: ReadonlyArray<string>): Value => ({
  type: 8,
  count: items.length,
  bytes: encoder.encode(items.map((item) => `${item}\0`).join(""))
})

export const text = (item: string): Value => ({ ...strings([item]), type: 6 })

export const int32 = (...items: ReadonlyArray<number>): Value => {
  const view = new DataView(new ArrayBuffer(items.length * 4))
  for (const [at, item] of items.entries()) view.setUint32(at * 4, item)
  return { type: 4, count: items.length, bytes: new Uint8Array(view.buffer) }
}

export const int64 = (item: bigint): Value => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, item)
  return { type: 5, count: 1, bytes: new Uint8Array(view.buffer) }
}

const structure = (tags: Readonly<Record<number, Value>>): ReadonlyArray<number> => {
  const index: Array<number> = []
  const store: Array<number> = []
  for (const [tag, { type, count, bytes }] of Object.entries(tags)) {
    index.push(...int32(Number(tag), type, store.length, count).bytes)
    for (const byte of bytes) store.push(byte)
  }
  const entries = index.length / 16
  return [0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0, ...int32(entries, store.length).bytes, ...index].concat(store)
}

/** A file's lead, signature and header, without a payload. */
export const headerOf = (
  tags: Readonly<Record<number, Value>>,
  signature: Readonly<Record<number, Value>> = {}
): Uint8Array => {
  const lead = new Array<number>(96).fill(0)
  lead.splice(0, 4, 0xed, 0xab, 0xee, 0xdb)
  const start = [...lead, ...structure(signature)]
  const padding = new Array<number>((8 - (start.length % 8)) % 8).fill(0)
  return Uint8Array.from(start.concat(padding, structure(tags)))
}
