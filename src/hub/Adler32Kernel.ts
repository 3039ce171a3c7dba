/**
 * The sums behind adler32, in WebAssembly: sixteen bytes at a time, several times what JavaScript does one by one. It
 * matters for files of gigabytes, each byte of which is added up before it is sent.
 *
 * For blocks of sixteen bytes b0 … b15 the module keeps `sums`, of all bytes; `before`, of what `sums` was before each
 * block; and `weighted`, of 16·b0 + 15·b1 + … + 1·b15. The checksum of any run follows from these three.
 */

/** The two halves of a checksum: of the bytes, and of all the sums that there have been. */
export interface Sums {
  readonly low: number
  readonly high: number
}

export const modulus = 65_521
/** So many bytes can be taken at once before `before` could leave 32 bits. */
const strideBytes = 32 * 1024
const blockBytes = 16

const i32 = 0x7f
const v128 = 0x7b

/** LEB128, as WebAssembly writes its numbers; small ones are themselves. */
const number = (value: number): ReadonlyArray<number> =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...number(value >>> 7)]
const section = (id: number, ...content: ReadonlyArray<number>) => [id, ...number(content.length), ...content]
const name = (text: string) => [...number(text.length), ...Buffer.from(text)]

const get = (local: number) => [0x20, local]
const set = (local: number) => [0x21, local]
const tee = (local: number) => [0x22, local]
const constant = (value: number) => [0x41, value]
const vector = (instruction: number) => [0xfd, ...number(instruction)]
const load = [...vector(0), 0, 0]
const store = [...vector(11), 0, 0]
const vectorOf = (...lanes16: ReadonlyArray<number>) => [...vector(12), ...lanes16.flatMap((lane) => [lane, 0])]
const pairsOf8 = vector(125)
const pairsOf16 = vector(127)
const lowHalf = vector(137)
const highHalf = vector(138)
const add = vector(174)
const dot = vector(186)

const [at, end, sums, before, weighted, bytes] = [0, 1, 2, 3, 4, 5]

/** `(at, end)`: adds up what is from here to there, a block at least, and leaves the three at 0, 16 and 32, in four lanes each. */
const body = [
  ...[1, 4, v128],
  ...[0x03, 0x40], // loop
  ...[...get(before), ...get(sums), ...add, ...set(before)],
  ...[...get(at), ...load, ...tee(bytes), ...pairsOf8, ...pairsOf16, ...get(sums), ...add, ...set(sums)],
  ...[...get(bytes), ...lowHalf, ...vectorOf(16, 15, 14, 13, 12, 11, 10, 9), ...dot],
  ...[...get(bytes), ...highHalf, ...vectorOf(8, 7, 6, 5, 4, 3, 2, 1), ...dot, ...add],
  ...[...get(weighted), ...add, ...set(weighted)],
  ...[...get(at), ...constant(blockBytes), 0x6a, ...tee(at), ...get(end), 0x49], // at += 16, at < end?
  ...[0x0d, 0, 0x0b], // then again
  ...[...constant(0), ...get(sums), ...store],
  ...[...constant(16), ...get(before), ...store],
  ...[...constant(32), ...get(weighted), ...store],
  0x0b
]

const program = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, 1, 0x60, 2, i32, i32, 0), // one type: two numbers to nothing
  ...section(2, 1, ...name(""), ...name("memory"), 2, 0, 1), // a memory is given
  ...section(3, 1, 0), // one function of that type
  ...section(7, 1, ...name("addUp"), 0, 0),
  ...section(10, 1, ...number(body.length), ...body)
])

/** One page: the sums, and behind them the bytes. */
const memory = new WebAssembly.Memory({ initial: 1 })
const sumsBytes = 48
const room = new Uint8Array(memory.buffer, sumsBytes, strideBytes)
const lanes = new DataView(memory.buffer, 0, sumsBytes)
const { addUp } = new WebAssembly.Instance(new WebAssembly.Module(program), { "": { memory } }).exports

/** The four lanes from this byte on, in WebAssembly's order of bytes: some builders have the other one. */
const laneSum = (from: number): number =>
  [0, 4, 8, 12].reduce((sum, lane) => sum + lanes.getUint32(from + lane, true), 0)

/** Continues the sums over as many whole blocks as there are; fewer than sixteen bytes are left to the caller. */
export const addBlocks = ({ low, high }: Sums, data: Uint8Array): Sums & { readonly taken: number } => {
  const whole = data.length - (data.length % blockBytes)
  for (let start = 0; start < whole; start += strideBytes) {
    const piece = data.subarray(start, Math.min(start + strideBytes, whole))
    room.set(piece)
    addUp(sumsBytes, sumsBytes + piece.length)
    high = (high + piece.length * low + blockBytes * laneSum(16) + laneSum(32)) % modulus
    low = (low + laneSum(0)) % modulus
  }
  return { low, high, taken: whole }
}
