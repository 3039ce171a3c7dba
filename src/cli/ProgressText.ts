/** What somebody sees who waits for a build: every task with its state, and what the working ones are at. */
import { cut, type Paint, type Tone } from "../inspect/Columns.ts"
import { harmless, harmlessLines } from "../inspect/Harmless.ts"
import { duration } from "../inspect/Units.ts"
import { nameOfTask, type TaskNode } from "./TaskTree.ts"

/** What its logs say of a task that is at work. */
export interface Doing {
  /** By its state.log. */
  readonly step: string | null
  /** The last line of the log that grows. */
  readonly line: string | null
}

/**
 * What is begun and not finished by a `state.log` (`... - Start: rpmbuild x.src.rpm`, `... - Finish: ...`; tasks.md
 * 14): the innermost of it. Lines of other kinds, and a line that is still
 * on its way, mean nothing.
 */
export const currentStep = (stateLog: string): string | null => {
  const begun: Array<string> = []
  for (const line of harmlessLines(stateLog.slice(0, stateLog.lastIndexOf("\n") + 1))) {
    const [, what, step] = / - (Start|Finish): (.*)$/.exec(line) ?? []
    if (step === undefined) continue
    if (what === "Start") begun.push(step)
    else if (begun.includes(step)) begun.splice(begun.lastIndexOf(step))
  }
  return begun.at(-1) ?? null
}

/** The last line of a log that says something. */
export const lastLine = (log: string): string | null =>
  harmlessLines(log).findLast((line) => line.trim() !== "") ?? null

const tones: Readonly<Record<string, Tone>> = {
  closed: "good",
  failed: "bad",
  canceled: "warn",
  open: "strong",
  free: "quiet",
  assigned: "quiet"
}
const nameWidthMax = 44
const stateWidth = 8

/** One frame: `elapsed` gives a task's time so far in milliseconds, null when it has not been opened. */
export const frame = (
  nodes: ReadonlyArray<TaskNode>,
  doing: ReadonlyMap<number, Doing>,
  elapsed: (node: TaskNode) => number | null,
  width: number,
  tinted: Paint
): ReadonlyArray<string> => {
  const names = nodes.map((node) => "  ".repeat(node.depth) + harmless(nameOfTask(node)))
  const nameWidth = Math.min(nameWidthMax, Math.max(...names.map((name) => name.length)))
  return nodes.flatMap((node, index) => {
    const name = cut(names[index] ?? "", nameWidth).padEnd(nameWidth)
    const time = elapsed(node)
    const state = tinted(tones[node.state] ?? "plain", node.state.padEnd(stateWidth))
    const first = `${name}  ${state}  ${time === null ? "" : duration(time)}`.trimEnd()
    const { step, line } = (node.working ? doing.get(node.id) : undefined) ?? { step: null, line: null }
    const indent = "  ".repeat(node.depth + 1)
    const room = width - indent.length - 2
    return [
      first,
      ...(step === null ? [] : [`${indent}> ${cut(harmless(step), room)}`]),
      ...(line === null ? [] : [tinted("quiet", `${indent}| ${cut(line, room)}`)])
    ]
  })
}
