/** A task and those below it, in the order in which a person reads them: each followed by its own children. */
import type { TaskInfo } from "../hub/shapes/Task.ts"
import { isFinished, taskStateName } from "../koji/TaskState.ts"

export interface TaskNode {
  readonly id: number
  readonly depth: number
  readonly method: string
  readonly arch: string
  /** Koji's word in lower case: `free`, `open`, `closed`, `canceled`, `assigned`, `failed`. */
  readonly state: string
  readonly finished: boolean
  /** Open and at work itself, rather than waiting for tasks below it. */
  readonly working: boolean
  /** From opening to end by the hub's clock, once it is over. */
  readonly seconds: number | null
  readonly children: ReadonlyArray<number>
}

/** `descendents` as the hub gives them: the children of each task by its id (kojihub's getTaskDescendents). */
export const treeOf = (
  root: TaskInfo,
  descendents: Readonly<Record<string, ReadonlyArray<TaskInfo>>>
): ReadonlyArray<TaskNode> => {
  const nodes: Array<TaskNode> = []
  const seen = new Set<number>()
  const visit = (task: TaskInfo, depth: number) => {
    // A hub that has a task below itself would keep us here for ever.
    if (seen.has(task.id)) return
    seen.add(task.id)
    const children = descendents[String(task.id)] ?? []
    nodes.push(nodeOf(task, depth, children))
    for (const child of children) visit(child, depth + 1)
  }
  visit(root, 0)
  return nodes
}

const nodeOf = (task: TaskInfo, depth: number, children: ReadonlyArray<TaskInfo>): TaskNode => {
  const state = (taskStateName(task.state) ?? `state ${task.state}`).toLowerCase()
  const start = task.start_ts ?? null
  const end = task.completion_ts ?? null
  return {
    id: task.id,
    depth,
    method: task.method,
    arch: task.arch,
    state,
    finished: isFinished(task.state),
    working: state === "open" && task.waiting !== true,
    seconds: start === null || end === null ? null : Math.max(0, end - start),
    children: children.map((child) => child.id)
  }
}

/** `14 buildArch, x86_64`. */
export const nameOfTask = (node: TaskNode): string => `${node.id} ${node.method}, ${node.arch}`

/** The task to blame: one that failed though none below it did. A failed child fails its parents. */
export const culprit = (nodes: ReadonlyArray<TaskNode>): TaskNode | undefined => {
  const failed = new Set(nodes.filter((node) => node.state === "failed").map((node) => node.id))
  return nodes.find((node) => failed.has(node.id) && !node.children.some((child) => failed.has(child)))
}

/** Tasks whose state is another than before, the new ones among them. */
export const changed = (before: ReadonlyArray<TaskNode>, after: ReadonlyArray<TaskNode>): ReadonlyArray<TaskNode> => {
  const states = new Map(before.map((node) => [node.id, node.state]))
  return after.filter((node) => states.get(node.id) !== node.state)
}
