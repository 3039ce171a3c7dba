/** What somebody meant who mistyped a name. */

/** More changes than this and it was another word. */
const changesMax = 3

/** The known name that takes the fewest changes to become; undefined when none is near. */
export const nearest = (name: string, known: Iterable<string>): string | undefined => {
  let best: string | undefined
  let fewest = Math.min(changesMax, Math.floor(name.length / 2)) + 1
  for (const candidate of known) {
    const changes = distance(name, candidate)
    if (changes < fewest) {
      best = candidate
      fewest = changes
    }
  }
  return best
}

/** Characters inserted, left out, replaced, or swapped with their neighbour. */
const distance = (from: string, to: string): number => {
  let before: ReadonlyArray<number> = []
  let row: ReadonlyArray<number> = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (let at = 0; at < from.length; at++) {
    const next = [at + 1]
    for (let other = 0; other < to.length; other++) {
      const replaced = (row[other] ?? 0) + (from[at] === to[other] ? 0 : 1)
      const swapped =
        at > 0 && other > 0 && from[at] === to[other - 1] && from[at - 1] === to[other]
          ? (before[other - 1] ?? 0) + 1
          : replaced
      next.push(Math.min(replaced, swapped, (row[other + 1] ?? 0) + 1, (next[other] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[to.length] ?? 0
}
