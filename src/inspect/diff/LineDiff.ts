/** What differs between two texts, line by line, for texts as long as a script is. */

export interface LineChange {
  readonly side: "a" | "b"
  /** Its number in that text, from 1. */
  readonly at: number
  readonly line: string
}

/** Texts with more lines than this are compared as a whole: the comparison takes their product. */
export const diffLinesMax = 2_000

/** The lines that only one of them has, in their order; undefined for texts too long to compare. */
export const lineDiff = (a: string, b: string): ReadonlyArray<LineChange> | undefined => {
  const left = a.split("\n")
  const right = b.split("\n")
  if (left.length > diffLinesMax || right.length > diffLinesMax) return undefined
  const width = right.length + 1
  /** How many lines the rests from (i, j) on have in common. */
  const common = new Uint16Array((left.length + 1) * width)
  const at = (i: number, j: number): number => common[i * width + j] ?? 0
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      common[i * width + j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const changes: Array<LineChange> = []
  for (let i = 0, j = 0; i < left.length || j < right.length; ) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      i++
      j++
    } else if (j >= right.length || (i < left.length && at(i + 1, j) >= at(i, j + 1))) {
      changes.push({ side: "a", at: i + 1, line: left[i++] ?? "" })
    } else changes.push({ side: "b", at: j + 1, line: right[j++] ?? "" })
  }
  return changes
}
