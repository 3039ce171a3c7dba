/** What became of a build: its files when it went well, the task to blame and its last words when it did not. */
import { join } from "node:path"
import { Effect } from "effect"
import { getTaskResult } from "../hub/calls/tasks.ts"
import { cut, paint } from "../inspect/Columns.ts"
import { harmless, harmlessLines } from "../inspect/Harmless.ts"
import { tailLineMax, tailLinesDefault } from "../inspect/OutputTail.ts"
import { amount, bytes, duration } from "../inspect/Units.ts"
import { faultName } from "../koji/Fault.ts"
import { taskPath } from "../koji/Paths.ts"
import type { Screen } from "./Screen.ts"
import { fetchOutput, type OutputFile, outputsOf, readOutputEnd } from "./TaskOutput.ts"
import { culprit, nameOfTask, type TaskNode } from "./TaskTree.ts"

export interface TaskReport {
  readonly id: number
  readonly method: string
  readonly arch: string
  readonly state: string
  readonly seconds: number | null
  readonly outputs: ReadonlyArray<OutputFile>
}

export interface BuildFailure {
  readonly task: number
  readonly name: string
  readonly code: number | null
  readonly message: string
  /** Where the task's files are, below the hub's tree. */
  readonly directory: string
  /** The end of the log that the message sends people to, or of the one that was written last. */
  readonly log: { readonly name: string; readonly lines: ReadonlyArray<string> } | null
}

export interface BuildReport {
  readonly task: number
  readonly state: string
  readonly seconds: number | null
  readonly tasks: ReadonlyArray<TaskReport>
  readonly failure: BuildFailure | null
  /** Where files were fetched to, if they were, and their paths. */
  readonly directory: string | null
  readonly fetched: ReadonlyArray<string>
}

const tailBytes = 64 * 1024

/** Asks the hub for the rest, and fetches every file there is when a directory is given. */
export const reportOf = Effect.fn("reportOf")(function* (nodes: ReadonlyArray<TaskNode>, directory: string | null) {
  const tasks: Array<TaskReport> = []
  const fetched: Array<string> = []
  for (const { id, method, arch, state, seconds } of nodes) {
    const outputs = yield* outputsOf(id)
    tasks.push({ id, method, arch, state, seconds, outputs })
    if (directory === null) continue
    for (const file of outputs) {
      // Packages have names of their own; every task has a build.log.
      const into = file.name.endsWith(".rpm") ? directory : join(directory, `${id}-${method}`)
      fetched.push(yield* fetchOutput(id, file, into))
    }
  }
  const [root] = nodes
  const blamed = culprit(nodes)
  const outputs = tasks.find((task) => task.id === blamed?.id)?.outputs ?? []
  return {
    task: root?.id ?? 0,
    state: root?.state ?? "unknown",
    seconds: root?.seconds ?? null,
    tasks,
    failure: blamed === undefined ? null : yield* failureOf(blamed, outputs),
    directory,
    fetched
  } satisfies BuildReport
})

const failureOf = Effect.fnUntraced(function* (node: TaskNode, outputs: ReadonlyArray<OutputFile>) {
  const fault = yield* getTaskResult(node.id).pipe(
    Effect.as({ code: null, message: "the hub knows no reason" }),
    Effect.catchTag("HubFault", ({ code, message }) => Effect.succeed({ code, message }))
  )
  const log = logOf(fault.message, outputs)
  const lines = log === undefined ? [] : harmlessLines(yield* readOutputEnd(node.id, log, tailBytes))
  return {
    task: node.id,
    name: fault.code === null ? "failure" : (faultName(fault.code) ?? "Fault"),
    code: fault.code,
    message: fault.message,
    directory: `work/${taskPath(node.id)}`,
    log: log === undefined ? null : { name: log.name, lines: lines.slice(-tailLinesDefault) }
  } satisfies BuildFailure
})

/** "see build.log for more information" is Koji's way of pointing; else the log that was written last. */
const logOf = (message: string, outputs: ReadonlyArray<OutputFile>): OutputFile | undefined => {
  const logs = outputs.filter((file) => file.name.endsWith(".log") && file.bytes > 0)
  return (
    logs.find((file) => message.includes(`see ${file.name}`)) ?? logs.toSorted((a, b) => b.modified - a.modified)[0]
  )
}

/** The text, without a line break at its end. `topUrl` is where the hub's tree is served, if anyone said. */
export const reportText = (
  report: BuildReport,
  nodes: ReadonlyArray<TaskNode>,
  display: Screen,
  topUrl: string | null
) => {
  const tinted = paint(display.colours)
  const after = report.seconds === null ? "" : ` after ${duration(report.seconds * 1000)}`
  const tone = report.state === "closed" ? "good" : report.state === "failed" ? "bad" : "warn"
  const lines = [`Task ${report.task} ${tinted(tone, endings[report.state] ?? `is ${report.state}`)}${after}.`]
  const { failure } = report
  if (failure !== null) {
    const node = nodes.find((candidate) => candidate.id === failure.task)
    const where = topUrl === null ? `${failure.directory} below the hub's files` : `${topUrl}/${failure.directory}/`
    lines.push("", tinted("strong", `Failed in ${harmless(node === undefined ? "" : nameOfTask(node))}:`))
    lines.push(...harmlessLines(`${failure.name}: ${failure.message}`).map((line) => `  ${line}`))
    if (failure.log !== null) {
      lines.push(
        "",
        tinted("strong", `The last ${amount(failure.log.lines.length, "line")} of ${harmless(failure.log.name)}:`)
      )
      lines.push(...failure.log.lines.map((line) => `  ${tinted("quiet", "|")} ${cut(line, tailLineMax)}`))
    }
    lines.push("", `Its files are in ${where}`)
  }
  const withPackages = report.tasks.filter((task) => task.outputs.some(isPackage))
  for (const task of withPackages) {
    lines.push("", tinted("strong", `From ${harmless(`${task.id} ${task.method}, ${task.arch}`)}:`))
    for (const file of task.outputs.filter(isPackage))
      lines.push(`  ${bytes(file.bytes).padStart(10)}  ${harmless(file.name)}`)
    const others = task.outputs.filter((file) => !isPackage(file)).length
    if (others > 0) lines.push(`  ${"".padStart(10)}  and ${amount(others, "log")}`)
  }
  if (report.directory !== null) {
    lines.push("", `Fetched ${amount(report.fetched.length, "file")} into ${harmless(report.directory)}`)
  }
  return lines.join("\n")
}

const endings: Readonly<Record<string, string>> = {
  closed: "is closed",
  failed: "has failed",
  canceled: "was canceled"
}

const isPackage = (file: OutputFile): boolean => file.name.endsWith(".rpm")
