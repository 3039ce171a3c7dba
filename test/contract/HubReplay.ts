/**
 * The builder's side of the transcripts, played to the embedded hub.
 *
 * Only the builder's calls are recorded. What others did in between, an administrator who asked for a task or called
 * one off, shows in what the hub answered next; it is done here just before that, and so is what happened in phases
 * that are not kept. Ids are the recorded ones: the hub counts as the recorded one counted.
 */
import { Effect } from "effect"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Answer, MethodCall, Struct, Value } from "../../src/hub/Value.ts"
import { decodeAnswer, decodeCall } from "../../src/hub/XmlRpcDecoder.ts"
import { encodeCall } from "../../src/hub/XmlRpcEncoder.ts"
import type { Database, Parameter } from "../../src/hubsim/Database.ts"
import { parseNvra } from "../../src/koji/Nvr.ts"
import { rpmFile } from "../hubsim/RpmFile.ts"
import type { RecordedCall } from "./Transcripts.ts"

export interface Exchange {
  readonly recorded: RecordedCall
  /** Null for an upload. */
  readonly call: MethodCall | null
  readonly answer: Answer
}

export const exchanges = (calls: ReadonlyArray<RecordedCall>): Effect.Effect<ReadonlyArray<Exchange>> =>
  Effect.forEach(calls, (recorded) =>
    Effect.gen(function* () {
      const isCall = recorded.request?.startsWith("<") ?? false
      const call = isCall ? yield* Effect.fromResult(decodeCall(recorded.request ?? "")) : null
      return { recorded, call, answer: yield* Effect.fromResult(decodeAnswer(recorded.response)) }
    }).pipe(Effect.orDie)
  )

const structsIn = (value: Value): ReadonlyArray<Struct> =>
  Array.isArray(value) ? value.flatMap((item: Value) => structsIn(item)) : isStruct(value) ? [value] : []

/** The structs that calls of these methods were answered with, by id: as they were last, or `first`. */
const shownBy = (phase: ReadonlyArray<Exchange>, methods: ReadonlyArray<string>, which: "first" | "last") => {
  const found = new Map<number, Struct>()
  for (const { call, answer } of phase) {
    if (call === null || answer._tag === "Fault" || !methods.includes(call.method)) continue
    for (const struct of structsIn(answer.value)) {
      const id = struct["id"]
      if (typeof id !== "number") continue
      // One look at a task may lack what another has, such as its request.
      found.set(id, which === "last" ? { ...found.get(id), ...struct } : { ...struct, ...found.get(id) })
    }
  }
  return found
}

const parameter = (value: Value | undefined): Parameter =>
  value === undefined || typeof value === "object" ? null : value

const pick = (struct: Struct, names: ReadonlyArray<string>) =>
  Object.fromEntries(names.map((name) => [name, parameter(struct[name])]))

const micros = (seconds: Value | undefined) => (typeof seconds === "number" ? Math.round(seconds * 1e6) : null)

/** Puts a task as it was recorded into the database. */
const insertTask = (db: Database, task: Struct) =>
  db.insert("task", {
    ...pick(task, ["id", "state", "channel_id", "host_id", "parent", "label", "waiting", "awaited", "owner", "method"]),
    ...pick(task, ["arch", "priority", "weight"]),
    create_time: micros(task["create_ts"]),
    start_time: micros(task["start_ts"]),
    completion_time: micros(task["completion_ts"]),
    request: encodeCall({ method: `${task["method"]}`, params: Array.isArray(task["request"]) ? task["request"] : [] })
  })

/** A task that is spoken of and never shown. */
const standIn = (db: Database, id: number, method: string) => {
  if (known(db, "task", id)) return
  insertTask(db, {
    id,
    method,
    state: 2,
    channel_id: 1,
    owner: 1,
    arch: "noarch",
    priority: 20,
    weight: 1,
    create_ts: 1
  })
}

const known = (db: Database, table: string, id: number) => db.has(`SELECT 1 FROM ${table} WHERE id = ?`, id)

/** What the hub holds before a phase that begins at a time: things of phases that are not kept, and its counters. */
export const fillPast = (db: Database, phase: ReadonlyArray<Exchange>, began: number) => {
  const tasks = shownBy(phase, ["getTaskInfo"], "last")
  for (const [id, task] of [...tasks].sort(([a], [b]) => a - b)) {
    if (
      known(db, "task", id) ||
      Number(task["create_ts"]) > began ||
      Number(task["completion_ts"] ?? began + 1) > began
    ) {
      continue
    }
    const parent = task["parent"]
    if (typeof parent === "number") standIn(db, parent, "build")
    insertTask(db, task)
  }
  for (const [id, repo] of shownBy(phase, ["repoInfo"], "last")) {
    if (known(db, "repo", id) || Number(repo["creation_ts"]) > began) continue
    const event = db.insert("events", { time: micros(repo["create_ts"]) })
    if (typeof repo["task_id"] === "number") standIn(db, repo["task_id"], "newRepo")
    db.insert("repo", {
      ...pick(repo, ["id", "tag_id", "state", "dist", "task_id"]),
      ...{ creation_time: micros(repo["creation_ts"]), state_time: micros(repo["state_ts"]), create_event: event },
      ...{ begin_event: event, opts: JSON.stringify(repo["opts"]), custom_opts: "{}" }
    })
  }
  const [host] = answersTo(phase, "host.getHost")
  const { ready, task_load: load } = Object(host)
  db.run("UPDATE host SET ready = ?, task_load = ? WHERE name = 'builder2'", ready, load)
  for (const [id, root] of shownBy(phase, ["listBuildroots"], "last")) {
    if (known(db, "buildroot", id) || Number(root["create_ts"]) > began) continue
    const [made, gone] = ["create_ts", "retire_ts"].map((name) => db.insert("events", { time: micros(root[name]) }))
    const row = pick(root, ["id", "container_arch", "host_id", "repo_id", "state", "task_id"])
    db.insert("buildroot", { ...row, create_event: made ?? 0, retire_event: gone ?? 0 })
  }
}

/** Makes the hub's next row of a table have this id. */
export const countFrom = (db: Database, table: "task" | "build", id: number) => {
  if (Number.isFinite(id)) db.run("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", id - 1, table)
}

/** What the hub answered calls of a method with, one after the other. */
export const answersTo = (phase: ReadonlyArray<Exchange>, method: string): ReadonlyArray<Value> =>
  phase.flatMap(({ call, answer }) => (call?.method === method && answer._tag === "Success" ? [answer.value] : []))

/** The tasks below an id that nobody seen has made, and that the hub does not make by itself. */
export const askForTasks = (db: Database, phase: ReadonlyArray<Exchange>, upTo: number) => {
  for (const [id, task] of [...shownBy(phase, ["getTaskInfo", "host.getTasks"], "first")].sort(([a], [b]) => a - b)) {
    const byHub = /Notification$|^newRepo$/.test(`${task["method"]}`)
    if (id > upTo || known(db, "task", id) || byHub || (task["parent"] ?? null) !== null) continue
    insertTask(db, { owner: 1, weight: 1, ...task, state: 0, host_id: null })
  }
}

/** Whether the bytes of an upload are kept; of long ones only the beginning is. */
export const isKept = (recorded: RecordedCall): boolean =>
  Buffer.byteLength(recorded.requestText ?? "") === Object(recorded)["requestBytes"]

/** The bytes of an upload: as recorded, or a package of the name, or so many zeros. */
export const uploadBytes = (recorded: RecordedCall): Uint8Array => {
  const name = new URLSearchParams(recorded.query).get("filename") ?? ""
  if (name.endsWith(".rpm")) {
    const { name: of, version, release, arch } = Object(parseNvra(name)).success
    return rpmFile({ name: of, version, release, arch })
  }
  return isKept(recorded) ? Buffer.from(recorded.requestText ?? "") : Buffer.alloc(Object(recorded)["requestBytes"])
}
