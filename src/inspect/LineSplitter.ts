/** Cuts bytes that come in pieces into lines. */

const lineBreak = 0x0a

export interface LineSplitter {
  push(piece: Uint8Array): void
  /** What has come since the last line break, without what is cut off. */
  rest(): Uint8Array
}

/**
 * Gives each line, without its break, to `take`. Of a line longer than `bytesMax` the first `bytesMax + 1` bytes are
 * given, so that its length tells, and nobody's memory depends on where a hostile file has its breaks.
 */
export const lineSplitter = (bytesMax: number, take: (line: Uint8Array) => void): LineSplitter => {
  let pieces: Array<Uint8Array> = []
  let held = 0
  const hold = (piece: Uint8Array) => {
    const room = bytesMax + 1 - held
    if (room <= 0 || piece.length === 0) return
    pieces.push(piece.subarray(0, room))
    held += Math.min(piece.length, room)
  }
  const joined = () => {
    const [only, ...more] = pieces
    return only !== undefined && more.length === 0 ? only : Buffer.concat(pieces)
  }
  return {
    push: (piece) => {
      let from = 0
      for (let end = piece.indexOf(lineBreak); end !== -1; end = piece.indexOf(lineBreak, from)) {
        hold(piece.subarray(from, end))
        take(joined())
        pieces = []
        held = 0
        from = end + 1
      }
      hold(piece.subarray(from))
    },
    rest: joined
  }
}
