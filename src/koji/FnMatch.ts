/**
 * Shell patterns as Python's `fnmatch.fnmatch` understands them on a POSIX host, exactly: `allowed_scms`,
 * `literal_task_arches` and `canonArch` are defined by it.
 *
 * `*` matches everything including `/` and leading dots, `?` one character, `[...]` a set; there is no escape
 * character and no brace. Matching is case-sensitive and over code points. The sets follow the rewriting that
 * Python's `fnmatch.translate` does, odd corners included (an inverted range vanishes, a set without members never
 * matches). Matching is iterative and takes at most pattern times text steps: no pattern makes it hang.
 */
type Token =
  | { readonly _tag: "Literal"; readonly point: number }
  | { readonly _tag: "Any" }
  | { readonly _tag: "Star" }
  | {
      readonly _tag: "Set"
      readonly negated: boolean
      readonly ranges: ReadonlyArray<readonly [number, number]>
    }

/** Whether the whole text matches the pattern. */
export const fnmatch = (text: string, pattern: string): boolean => matches(pointsOf(text), tokensOf(pointsOf(pattern)))

/** Whether the text matches any of the patterns (Koji's `multi_fnmatch`). */
export const fnmatchAny = (text: string, patterns: ReadonlyArray<string>): boolean =>
  patterns.some((pattern) => fnmatch(text, pattern))

const pointsOf = (text: string): ReadonlyArray<number> => Array.from(text, (character) => character.codePointAt(0) ?? 0)

const bang = 0x21
const dash = 0x2d
const open = 0x5b
const close = 0x5d

const tokensOf = (pattern: ReadonlyArray<number>): ReadonlyArray<Token> => {
  const tokens: Array<Token> = []
  let at = 0
  while (at < pattern.length) {
    const point = pattern[at] ?? 0
    at += 1
    if (point === 0x2a) tokens.push({ _tag: "Star" })
    else if (point === 0x3f) tokens.push({ _tag: "Any" })
    else if (point === open) {
      const end = closingBracket(pattern, at)
      if (end === -1) tokens.push({ _tag: "Literal", point })
      else {
        tokens.push(setOf(pattern.slice(at, end)))
        at = end + 1
      }
    } else tokens.push({ _tag: "Literal", point })
  }
  return tokens
}

/** The index of the bracket that ends a set, or -1; one right after `[` or `[!` is a member. */
const closingBracket = (pattern: ReadonlyArray<number>, from: number): number => {
  let at = from
  if (pattern[at] === bang) at += 1
  if (pattern[at] === close) at += 1
  return pattern.indexOf(close, at)
}

/** A member of a set, or the hyphen between two members that makes a range of them. */
type Member = { readonly point: number; readonly joins: boolean }

const setOf = (inside: ReadonlyArray<number>): Token => {
  const chunks = chunksOf(inside)
  const members: Array<Member> = []
  for (const [index, chunk] of chunks.entries()) {
    if (index > 0) members.push({ point: dash, joins: true })
    for (const point of chunk) members.push({ point, joins: false })
  }
  if (members.length === 0) return { _tag: "Set", negated: false, ranges: [] }
  // Python looks for the `!` after it has dropped inverted ranges, so `[z-a!b]` is negated too.
  const negated = members[0]?.point === bang && members[0].joins === false
  return {
    _tag: "Set",
    negated,
    ranges: rangesOf(negated ? members.slice(1) : members)
  }
}

/** Splits a set at the hyphens that make ranges, dropping the ranges that hold nothing. */
const chunksOf = (inside: ReadonlyArray<number>): ReadonlyArray<ReadonlyArray<number>> => {
  if (!inside.includes(dash)) return inside.length === 0 ? [] : [inside]
  const chunks: Array<ReadonlyArray<number>> = []
  let from = 0
  let hyphen = inside.indexOf(dash, inside[0] === bang ? 2 : 1)
  while (hyphen !== -1) {
    chunks.push(inside.slice(from, hyphen))
    from = hyphen + 1
    hyphen = inside.indexOf(dash, hyphen + 3)
  }
  const last = inside.slice(from)
  if (last.length > 0) chunks.push(last)
  else chunks.push([...(chunks.pop() ?? []), dash])
  for (let at = chunks.length - 1; at > 0; at--) {
    const before = chunks[at - 1] ?? []
    const after = chunks[at] ?? []
    if ((before.at(-1) ?? 0) > (after[0] ?? 0)) chunks.splice(at - 1, 2, [...before.slice(0, -1), ...after.slice(1)])
  }
  return chunks
}

const rangesOf = (members: ReadonlyArray<Member>): ReadonlyArray<readonly [number, number]> => {
  const ranges: Array<readonly [number, number]> = []
  let at = 0
  while (at < members.length) {
    const low = members[at]?.point ?? 0
    const high = members[at + 2]
    if (members[at + 1]?.joins === true && high !== undefined) {
      ranges.push([low, high.point])
      at += 3
    } else {
      ranges.push([low, low])
      at += 1
    }
  }
  return ranges
}

const matches = (text: ReadonlyArray<number>, tokens: ReadonlyArray<Token>): boolean => {
  let at = 0
  let next = 0
  // Where to go on when a later part does not fit: after the last star, with one character more under it.
  let afterStar = -1
  let underStar = 0
  while (at < text.length) {
    const token = tokens[next]
    if (token?._tag === "Star") {
      next += 1
      afterStar = next
      underStar = at
    } else if (token !== undefined && fits(text[at] ?? 0, token)) {
      at += 1
      next += 1
    } else if (afterStar !== -1) {
      underStar += 1
      at = underStar
      next = afterStar
    } else return false
  }
  return tokens.slice(next).every((token) => token._tag === "Star")
}

const fits = (point: number, token: Token): boolean => {
  switch (token._tag) {
    case "Literal":
      return token.point === point
    case "Any":
    case "Star":
      return true
    case "Set":
      return token.negated !== token.ranges.some(([low, high]) => low <= point && point <= high)
  }
}
