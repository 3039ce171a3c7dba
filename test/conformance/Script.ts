/** What a session of a task asks of the hub, put so that two sessions of like tasks say the same. */
import { type Asked, callShape } from "./Shape.ts"

export interface Script {
  /** Everything but files, in order; asking again and again for the same is asking once. */
  readonly calls: ReadonlyArray<string>
  /** What is uploaded, by name: when and how often depends on the moment at which somebody looked. */
  readonly uploads: ReadonlyArray<string>
  /** What is uploaded after the report, which the hub would refuse. */
  readonly tooLate: ReadonlyArray<string>
}

export interface Difference {
  /** Who does it, where the other does not. */
  readonly who: "kojid" | "we"
  readonly what: string
}

const aboutFiles: ReadonlySet<string> = new Set(["rawUpload", "checkUpload"])
const polls: ReadonlySet<string> = new Set(["host.taskWait", "repo.checkRequest"])
const reports: ReadonlySet<string> = new Set(["host.closeTask", "host.failTask", "host.freeTasks"])

/** A file's name without its package's name and version, or the digest that metadata begins with. */
const fileName = (path: string): string => {
  const name = path.slice(path.lastIndexOf("/") + 1)
  const [, arch] = /\.([^.]+)\.rpm$/.exec(name) ?? []
  return arch === undefined ? name.replace(/^[0-9a-f]{32,}-/, "") : `${arch}.rpm`
}

export const scriptOf = (session: ReadonlyArray<Asked>): Script => {
  const calls: Array<string> = []
  let last = ""
  for (const asked of session) {
    if (aboutFiles.has(asked.method)) continue
    if (polls.has(asked.method) && asked.method === last) continue
    last = asked.method
    calls.push(callShape(asked))
  }
  const files = (asked: ReadonlyArray<Asked>) => [
    ...new Set(asked.flatMap(({ file }) => (file === null ? [] : [fileName(file)])))
  ]
  const reported = session.findIndex(({ method }) => reports.has(method))
  return {
    calls,
    uploads: files(session).sort(),
    tooLate: reported === -1 ? [] : files(session.slice(reported))
  }
}

/** The longest run of steps that both lists have in this order, as the pairs of their places. */
const common = (left: ReadonlyArray<string>, right: ReadonlyArray<string>) => {
  const lengths = Array.from({ length: left.length + 1 }, () => new Array<number>(right.length + 1).fill(0))
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0
  for (let row = left.length - 1; row >= 0; row--) {
    for (let column = right.length - 1; column >= 0; column--) {
      const value =
        left[row] === right[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
      lengths[row]?.splice(column, 1, value)
    }
  }
  return at
}

/** Where two lists of steps part: in order, each by who has the step. */
export const partings = (theirs: ReadonlyArray<string>, ours: ReadonlyArray<string>): ReadonlyArray<Difference> => {
  const length = common(theirs, ours)
  const found: Array<Difference> = []
  let [left, right] = [0, 0]
  while (left < theirs.length || right < ours.length) {
    const [one, other] = [theirs[left], ours[right]]
    if (one !== undefined && one === other) {
      left++
      right++
    } else if (one !== undefined && (other === undefined || length(left + 1, right) >= length(left, right + 1))) {
      found.push({ who: "kojid", what: one })
      left++
    } else if (other !== undefined) {
      found.push({ who: "we", what: other })
      right++
    }
  }
  return found
}

/** Everything in which our session differs from the recorded one. */
export const differences = (theirs: Script, ours: Script): ReadonlyArray<Difference> => [
  ...partings(theirs.calls, ours.calls),
  ...partings(
    theirs.uploads.map((name) => `upload of ${name}`),
    ours.uploads.map((name) => `upload of ${name}`)
  ),
  ...ours.tooLate.map((name): Difference => ({ who: "we", what: `upload of ${name} after the report` }))
]
