/** What tasks have left: lists of tasks, and the files that each has uploaded. */
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs"
import { posix } from "node:path"
import { Effect, Schema } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { genericError } from "../koji/Fault.ts"
import { asFloat, asInt, asText, isList } from "./Arguments.ts"
import { Call } from "./Call.ts"
import { type Parameter, rowOf } from "./Database.ts"
import { method } from "./Method.ts"
import { getTask, readTask, requestOf } from "./Tasks.ts"

/** One answer must fit into memory, and into the client's. */
const downloadBytesMax = 16 * 1024 * 1024
const tasksListedMax = 10_000

const readOwner = rowOf(Schema.Struct({ owner_name: Schema.String, owner_type: Schema.Int }))

const filterColumns = ["arch", "state", "owner", "host_id", "channel_id", "parent", "method"]
const timeFilters: ReadonlyArray<readonly [option: string, column: string, comparison: string]> = [
  ["createdBefore", "create_ts", "<"],
  ["createdAfter", "create_ts", ">"],
  ["startedBefore", "start_ts", "<"],
  ["startedAfter", "start_ts", ">"],
  ["completeBefore", "completion_ts", "<"],
  ["completeAfter", "completion_ts", ">"]
]

/** `listTasks`' conditions: each filter a value or a list, `not_` for the contrary; times in seconds. */
const conditions = Effect.fnUntraced(function* (options: Struct) {
  const clauses: Array<string> = []
  const values: Array<Parameter> = []
  for (const column of filterColumns) {
    for (const [prefix, not] of [
      ["", ""],
      ["not_", "NOT "]
    ] as const) {
      const wanted = options[`${prefix}${column}`]
      if (wanted === undefined) continue
      if (wanted === null) clauses.push(`${column} IS ${not}NULL`)
      else {
        clauses.push(`${column} ${not}IN (SELECT value FROM json_each(?))`)
        values.push(JSON.stringify(isList(wanted) ? wanted : [wanted]))
      }
    }
  }
  for (const [option, column, comparison] of timeFilters) {
    const time = options[option]
    if (time == null) continue
    clauses.push(`${column} ${comparison} ?`)
    values.push(yield* asFloat(time))
  }
  return { where: clauses.length === 0 ? "1" : clauses.join(" AND "), values }
})

/** `order` as Koji's query options have it: columns, a minus for the other way. */
const ordering = (order: Value): string => {
  const keys = (typeof order === "string" ? order : "id").split(",").map((key) => key.trim())
  const known = keys.filter((key) => /^-?(id|priority|create_time|completion_time|start_time)$/.test(key))
  return known.map((key) => (key.startsWith("-") ? `${key.slice(1)} DESC` : key)).join(", ") || "id"
}

const listTasks = method(
  "listTasks",
  "RootExports.listTasks(opts=None, queryOpts=None)",
  Effect.fnUntraced(function* (given) {
    const { db } = yield* Call
    const options = yield* given.structOrEmpty("opts")
    const query = yield* given.structOrEmpty("queryOpts")
    const { where, values } = yield* conditions(options)
    if (query["countOnly"] === true)
      return db.count(`SELECT count(*) AS count FROM task_info WHERE ${where}`, ...values)
    const limit = Math.min(query["limit"] == null ? tasksListedMax : yield* asInt(query["limit"]), tasksListedMax)
    const offset = query["offset"] == null ? 0 : yield* asInt(query["offset"])
    const sql = `SELECT * FROM task_info WHERE ${where} ORDER BY ${ordering(query["order"] ?? null)} LIMIT ? OFFSET ?`
    return yield* Effect.forEach(
      db.all(readTask, sql, ...values, limit, offset),
      Effect.fnUntraced(function* (task) {
        const owner = "SELECT name AS owner_name, usertype AS owner_type FROM users WHERE id = ?"
        const shown: Struct = { ...task, ...db.first(readOwner, owner, task.owner) }
        return options["decode"] === true ? { ...shown, request: yield* requestOf(task.id) } : shown
      })
    )
  })
)

/** Every file that a task has uploaded, links to where it was moved included, as paths below the task's directory. */
const outputOf = (directory: string): ReadonlyArray<string> =>
  existsSync(directory)
    ? readdirSync(directory, { recursive: true, encoding: "utf8" })
        .filter((name) => statSync(`${directory}/${name}`, { throwIfNoEntry: false })?.isFile() ?? false)
        .sort()
    : []

/** A file's `stat` as Koji shows it: the size as text, as it may be beyond 32 bits. */
const statStruct = (path: string): Struct => {
  const { size, atimeMs, mtimeMs, ctimeMs } = statSync(path)
  return { st_size: `${size}`, st_atime: atimeMs / 1000, st_mtime: mtimeMs / 1000, st_ctime: ctimeMs / 1000 }
}

const listTaskOutput = method(
  "listTaskOutput",
  "list_task_output(taskID, stat=False, all_volumes=False, strict=False)",
  Effect.fnUntraced(function* (given) {
    const { paths } = yield* Call
    const id = yield* given.int("taskID")
    if (given.truth("strict")) {
      yield* getTask(id).pipe(Effect.mapError(() => genericError("Task doesn't exist")))
    }
    const directory = paths.task(id)
    const names = outputOf(directory)
    const [stat, allVolumes] = [given.truth("stat"), given.truth("all_volumes")]
    if (!stat && !allVolumes) return names
    const entries = names.map((name): [string, Value] => {
      if (!stat) return [name, ["DEFAULT"]]
      const shown = statStruct(`${directory}/${name}`)
      return [name, allVolumes ? { DEFAULT: shown } : shown]
    })
    return Object.fromEntries(entries)
  })
)

const downloadTaskOutput = method(
  "downloadTaskOutput",
  "RootExports.downloadTaskOutput(taskID, fileName, offset=0, size=-1, volume=None)",
  Effect.fnUntraced(function* (given) {
    const { paths } = yield* Call
    const id = yield* given.int("taskID")
    const name = yield* asText(given.value("fileName"))
    if (name.includes("..") || name.includes("\0")) return yield* genericError(`Invalid file name: ${name}`)
    const path = posix.normalize(`${paths.task(id)}/${name}`)
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats === undefined || !stats.isFile()) return yield* genericError(`no file "${name}" output by task ${id}`)
    const asked = yield* given.int("size")
    const offset = (yield* given.intOrNull("offset")) ?? 0
    const start = offset < 0 ? Math.max(0, stats.size + offset) : Math.min(offset, stats.size)
    const size = asked < 0 ? stats.size - start : Math.min(asked, stats.size - start)
    if (size > downloadBytesMax) return yield* genericError(`${size} bytes are too many for one download`)
    const bytes = Buffer.alloc(size)
    const descriptor = openSync(path, "r")
    try {
      return bytes.subarray(0, readSync(descriptor, bytes, 0, size, start)).toString("base64")
    } finally {
      closeSync(descriptor)
    }
  })
)

export const outputMethods = [listTasks, listTaskOutput, downloadTaskOutput]
