/**
 * Watching a task to its end: what changes is told as it changes, on a terminal by drawing over what was there, else
 * line by line. Looking is all it does: whoever stops watching leaves the task as it is.
 */
import { Clock, Console, Effect, Ref, Schedule, Terminal } from "effect"
import { getTaskDescendents, getTaskInfo } from "../hub/calls/tasks.ts"
import { type HubError, HubNonsense } from "../hub/HubError.ts"
import { paint } from "../inspect/Columns.ts"
import { harmless } from "../inspect/Harmless.ts"
import { offset } from "../inspect/Units.ts"
import { currentStep, type Doing, frame, lastLine } from "./ProgressText.ts"
import type { Screen } from "./Screen.ts"
import { outputsOf, readOutputEnd } from "./TaskOutput.ts"
import { changed, nameOfTask, type TaskNode, treeOf } from "./TaskTree.ts"

/** How often the hub is asked. */
export const pollSecondsDefault = 2
/** A hub that is restarted in the meantime is waited for: ten minutes beyond what the session itself waits. */
const awaySeconds = 10
const awayTimesMax = 60
const isAway = (error: HubError): boolean => error._tag === "HubUnavailable"
/** A mock's whole state.log is a few hundred bytes; of a build's log the last line is wanted. */
const stateBytes = 16 * 1024
const lineBytes = 4 * 1024
/** Logs that are written once, and say nothing about now. */
const settledLogs: ReadonlyArray<string> = ["state.log", "mock_config.log", "hw_info.log", "installed_pkgs.log"]

/** How progress is told; `silent` for programs. */
export type Telling = "drawn" | "lines" | "silent"
export const tellingOf = (display: Screen, json: boolean): Telling =>
  json ? "silent" : display.live ? "drawn" : "lines"

/** The task and all below it, as the hub has them now. */
export const look = Effect.fn("look")(function* (task: number) {
  const root = yield* getTaskInfo(task)
  if (root === null) return yield* new HubNonsense({ method: "getTaskInfo", message: `there is no task ${task}` })
  return treeOf(root, yield* getTaskDescendents(task))
})

/** Watches until the task is over; gives it and all below it as they were then. */
export const watchTask = Effect.fn("watchTask")(function* (
  task: number,
  options: { readonly pollSeconds: number; readonly telling: Telling; readonly display: Screen }
) {
  const { telling, display } = options
  const begunAt = yield* Clock.currentTimeMillis
  const openSince = new Map<number, number>()
  const drawn = yield* Ref.make(0)
  let before: ReadonlyArray<TaskNode> = []
  let doing: ReadonlyMap<number, Doing> = new Map()

  for (;;) {
    const nodes = yield* look(task).pipe(
      Effect.retry({ times: awayTimesMax, schedule: Schedule.spaced(`${awaySeconds} seconds`), while: isAway })
    )
    const now = yield* Clock.currentTimeMillis
    for (const node of nodes) {
      if (node.state === "open" && !openSince.has(node.id)) openSince.set(node.id, now)
    }
    const news = telling === "silent" ? new Map<number, Doing>() : yield* whatTheyDo(nodes, telling)
    if (telling === "drawn") {
      const elapsed = (node: TaskNode) => elapsedOf(node, openSince, now)
      yield* draw(drawn, frame(nodes, news, elapsed, display.width - 1, paint(display.colours)))
    }
    if (telling === "lines") {
      for (const node of changed(before, nodes)) yield* line(now - begunAt, `${nameOfTask(node)}: ${node.state}`)
      for (const node of nodes) {
        const step = news.get(node.id)?.step ?? null
        if (step !== null && step !== (doing.get(node.id)?.step ?? null)) {
          yield* line(now - begunAt, `${nameOfTask(node)}: ${step}`)
        }
      }
    }
    before = nodes
    doing = news
    if (nodes[0]?.finished === true) return nodes
    yield* Effect.sleep(`${options.pollSeconds} seconds`)
  }
})

const line = (milliseconds: number, text: string) =>
  Console.log(`${offset(milliseconds).padStart(9)}  ${harmless(text)}`)

/** By the hub's clock when it is over, by ours before: the two need not agree. */
const elapsedOf = (node: TaskNode, openSince: ReadonlyMap<number, number>, now: number): number | null => {
  if (node.seconds !== null) return node.seconds * 1000
  const since = openSince.get(node.id)
  return since === undefined || node.finished ? null : now - since
}

/** Draws a frame in place of the one before. */
const draw = Effect.fnUntraced(function* (drawn: Ref.Ref<number>, lines: ReadonlyArray<string>) {
  const terminal = yield* Terminal.Terminal
  const rows = yield* terminal.rows
  // What has scrolled off the top cannot be drawn over.
  const shown = rows > 1 ? lines.slice(0, rows - 1) : lines
  const above = yield* Ref.getAndSet(drawn, shown.length)
  const back = above === 0 ? "" : `\x1b[${above}A`
  yield* Effect.ignore(terminal.display(`${back}\r\x1b[J${shown.join("\n")}\n`))
})

/** What the tasks that are at work say of themselves. A log that cannot be had now is had next time. */
const whatTheyDo = Effect.fnUntraced(function* (nodes: ReadonlyArray<TaskNode>, telling: Telling) {
  const found = new Map<number, Doing>()
  for (const node of nodes.filter((candidate) => candidate.working)) {
    const doing = yield* whatItDoes(node.id, telling).pipe(
      Effect.catchTag(["HubFault", "HubNonsense"], () => Effect.succeed<Doing>({ step: null, line: null }))
    )
    found.set(node.id, doing)
  }
  return found
})

const whatItDoes = Effect.fnUntraced(function* (task: number, telling: Telling) {
  const files = yield* outputsOf(task)
  const state = files.find((file) => file.name === "state.log")
  const step = state === undefined ? null : currentStep(yield* readOutputEnd(task, state, stateBytes))
  if (telling !== "drawn") return { step, line: null } satisfies Doing
  const [newest] = files
    .filter((file) => file.name.endsWith(".log") && !settledLogs.includes(file.name))
    .sort((a, b) => b.modified - a.modified)
  return {
    step,
    line: newest === undefined ? null : lastLine(yield* readOutputEnd(task, newest, lineBytes))
  } satisfies Doing
})
