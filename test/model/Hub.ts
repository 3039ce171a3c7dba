/**
 * The hub of one history: the embedded hub on a tree of its own, spoken to without HTTP by the real client.
 *
 * Every request of a daemon is remembered, with what became of it, and may meet with an accident on its way.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { type Context, Effect, Exit, Schema, Scope, Semaphore } from "effect"
import { type HubRequest, HubTransport, TransportError } from "../../src/hub/HubTransport.ts"
import { isStruct, splitKeywords, withKeywords } from "../../src/hub/Keywords.ts"
import type { Answer, Struct, Value } from "../../src/hub/Value.ts"
import { Database, rowOf } from "../../src/hubsim/Database.ts"
import type { Hub as HubSim } from "../../src/hubsim/Dispatcher.ts"
import type { HttpReply, HttpRequest, hangUp } from "../../src/hubsim/HttpServer.ts"
import { hubServer } from "../../src/hubsim/HubServer.ts"
import { databaseFile } from "../../src/hubsim/HubSim.ts"
import { defaultOptions } from "../../src/hubsim/Options.ts"
import { tables, tablesVersion } from "../../src/hubsim/Tables.ts"
import { views } from "../../src/hubsim/Views.ts"
import { faultCodes } from "../../src/koji/Fault.ts"
import { pathInfo, taskPath } from "../../src/koji/Paths.ts"
import { taskStateName } from "../../src/koji/TaskState.ts"
import { answer, answered, type Keys, type Wire } from "./Answering.ts"
import { copyTree, hubOptions, type Template } from "./HubTemplate.ts"

/** A request as it set out. */
export interface HubCall {
  /** Which daemon it comes from. */
  readonly from: string
  readonly session: number | null
  /** `rawUpload` for an upload. */
  readonly method: string
  readonly params: ReadonlyArray<Value>
  readonly keywords: Struct
  /** Of an upload: directory and name. */
  readonly file: string | null
  /** Counted from 1 for each daemon. */
  readonly number: number
}

/** What becomes of a request. */
export type HubFate =
  | { readonly _tag: "Done" }
  /** Done, and the answer is lost. */
  | { readonly _tag: "AnswerLost" }
  /** Not done, and the client hears that nobody answers. */
  | { readonly _tag: "Lost" }
  /** Done after a while, and the answer takes as long again. */
  | { readonly _tag: "Late"; readonly millis: number }
  /** It arrives twice, as proxies make it happen; the first answer is the one that is heard. */
  | { readonly _tag: "Twice" }
  /** Not done: the hub answers with this fault. */
  | { readonly _tag: "Fault"; readonly code: number; readonly message: string }
  /** The hub has gone mad: it does nothing, and says this. */
  | { readonly _tag: "Says"; readonly answer: Answer }
  /** Nothing is ever heard of it, done or not. */
  | { readonly _tag: "Silence"; readonly done: boolean }

export const done: HubFate = { _tag: "Done" }

/** A request, and whether the hub has ever seen it. */
export interface Seen extends HubCall {
  readonly at: number
  readonly fate: HubFate["_tag"]
  /** What the hub said to it, if it came there. */
  readonly said: Answer | null
}

/** Databases in memory that no history uses: to empty one is cheaper than to make one. */
const idle: Array<Database> = []

const readId = rowOf(Schema.Struct({ id: Schema.Int }))
const readState = rowOf(Schema.Struct({ state: Schema.Int }))

const lost = (message: string) => new TransportError({ outlook: "pass", message })

export class ModelHub {
  readonly calls: Array<Seen> = []
  readonly top: string
  readonly template: Template
  /** What becomes of each request; all are done unless somebody says otherwise. */
  fateOf: (call: HubCall) => HubFate = () => done
  /** What a request waits for on its way. */
  waits: (call: HubCall) => Effect.Effect<void> = () => Effect.void
  /** Told of every request that the hub has dealt with, before its answer sets out. */
  afterwards: (call: Seen) => void = () => undefined
  /** What carries a daemon's requests, if it is not the model itself. */
  carrier: HubTransport["Service"] | undefined
  /** Until when nobody answers, or the hub says that it is offline. */
  awayUntil = 0
  offlineUntil = 0
  wire: Wire
  /** What the hub's policies say, by name. */
  readonly policies: Record<string, string>
  readonly #sim: HubSim
  readonly #context: Context.Context<never>
  readonly #now: () => number
  readonly #numbers = new Map<string, number>()

  private constructor(
    sim: HubSim,
    template: Template,
    options: {
      readonly wire: Wire
      readonly context: Context.Context<never>
      readonly now: () => number
      readonly policies: Record<string, string>
    }
  ) {
    this.#sim = sim
    this.template = template
    this.top = sim.paths.top
    this.wire = options.wire
    this.policies = options.policies
    this.#context = options.context
    this.#now = options.now
  }

  /** A copy of the template in this directory; closed with the scope. */
  static readonly open = Effect.fnUntraced(function* (
    directory: string,
    template: Template,
    options: { readonly wire: Wire; readonly now: () => number; readonly notifications?: boolean }
  ) {
    copyTree(template.directory, directory)
    const context = yield* Effect.context<never>()
    const policies = { ...defaultOptions.policies }
    const db = yield* Effect.acquireRelease(
      Effect.sync(() => idle.pop() ?? new Database(":memory:", `${tables}${views}`, tablesVersion)),
      (database) => Effect.sync(() => void idle.push(database))
    )
    db.become(`${template.directory}/${databaseFile}`)
    const sim: HubSim = {
      db,
      paths: pathInfo(directory),
      turn: yield* Semaphore.make(1),
      options: { ...defaultOptions, ...hubOptions, notifications: options.notifications ?? false, policies }
    }
    return new ModelHub(sim, template, { ...options, context, policies })
  })

  /** The way of one daemon to this hub. */
  transport(from: string): HubTransport["Service"] {
    return HubTransport.of({
      exchange: (request) =>
        Effect.suspend(() => {
          if (this.carrier !== undefined) return this.carrier.exchange(request)
          const number = (this.#numbers.get(from) ?? 0) + 1
          this.#numbers.set(from, number)
          const call = described(from, number, request)
          const fate: HubFate = this.#now() < this.awayUntil ? { _tag: "Lost" } : this.fateOf(call)
          return Effect.andThen(this.waits(call), this.#meet(call, fate, request))
        })
    })
  }

  /** The hub's replies over HTTP, for whoever serves it. */
  get served(): (request: HttpRequest) => Effect.Effect<HttpReply | typeof hangUp> {
    return hubServer(this.#sim, () => ({ _tag: "None" }))
  }

  #meet(call: HubCall, fate: HubFate, request: HubRequest): Effect.Effect<Answer, TransportError> {
    const act = Effect.sync(() => this.#answer(call, fate, request))
    switch (fate._tag) {
      case "Done":
        return act
      case "AnswerLost":
        return Effect.andThen(act, Effect.fail(lost("the connection was lost")))
      case "Lost":
        return Effect.suspend(() => {
          this.calls.push({ ...call, at: this.#now(), fate: fate._tag, said: null })
          return Effect.fail(lost("cannot reach the hub: ECONNREFUSED"))
        })
      case "Late":
        return Effect.sleep(`${fate.millis} millis`).pipe(
          Effect.andThen(act),
          Effect.tap(() => Effect.sleep(`${fate.millis} millis`))
        )
      case "Twice":
        return Effect.tap(act, () => act)
      case "Fault":
      case "Says":
        return Effect.sync(() => {
          const said = fate._tag === "Fault" ? fate : fate.answer
          this.calls.push({ ...call, at: this.#now(), fate: fate._tag, said })
          return said
        })
      case "Silence":
        return fate.done ? Effect.andThen(act, Effect.never) : Effect.never
    }
  }

  /** The hub's work is done in one go, whatever becomes of the process that asked. */
  #answer(call: HubCall, fate: HubFate, request: HubRequest): Answer {
    const said: Answer =
      this.#now() < this.offlineUntil
        ? { _tag: "Fault", code: faultCodes.ServerOffline, message: "database outage" }
        : Effect.runSyncWith(this.#context)(answer(this.#sim, this.wire, request))
    const seen: Seen = { ...call, at: this.#now(), fate: fate._tag, said }
    this.calls.push(seen)
    this.afterwards(seen)
    return said
  }

  #as(keys: Keys, method: string, params: ReadonlyArray<Value>, keywords?: Struct): Value {
    return Effect.runSyncWith(this.#context)(answered(this.#sim, keys, method, withKeywords(params, keywords)))
  }

  /** What an administrator does. */
  admin(method: string, params: ReadonlyArray<Value> = [], keywords?: Struct): Value {
    return this.#as(this.template.admin, method, params, keywords)
  }

  /** What the second builder does, as the story tells it. */
  puppet(method: string, params: ReadonlyArray<Value> = [], keywords?: Struct): Value {
    return this.#as(this.template.puppet, method, params, keywords)
  }

  makeTask(method: string, params: ReadonlyArray<Value>, options: Struct = {}): number {
    return Number(this.admin("makeTask", [method, params], options))
  }

  task(id: number): Struct {
    const info = this.admin("getTaskInfo", [id])
    if (!isStruct(info)) throw new Error(`there is no task ${id}`)
    return info
  }

  /** Looked up in the hub's own table: stories ask for it again and again. */
  state(id: number) {
    const row = this.#sim.db.first(readState, "SELECT state FROM task WHERE id = ?", id)
    return row === undefined ? undefined : taskStateName(row.state)
  }

  /** Every task that there is. */
  get tasks(): ReadonlyArray<number> {
    return this.#sim.db.all(readId, "SELECT id FROM task ORDER BY id").map(({ id }) => id)
  }

  /** What the task was closed with, or the fault it failed with. */
  result(id: number): Value {
    return this.admin("getTaskResult", [id], { raise_fault: false })
  }

  children(id: number): ReadonlyArray<Struct> {
    const rows = this.admin("getTaskChildren", [id])
    return Array.isArray(rows) ? rows.filter(isStruct) : []
  }

  /** The session that a daemon opened for an attempt of this task, the last one: it comes after the task was opened. */
  sessionOf(daemon: string, task: number): number | undefined {
    const calls = this.calls.filter(({ from, said }) => from === daemon && said?._tag === "Success")
    const opened = calls.findLastIndex(({ method, params }) => method === "host.openTask" && params[0] === task)
    const session = calls.slice(opened).find(({ method }) => method === "subsession")?.said
    return session?._tag === "Success" ? Number(Object(session.value)["session-id"]) : undefined
  }

  /** Puts a file where a packager would have uploaded it, below `work`. */
  place(path: string, bytes: Uint8Array | string): string {
    const file = `${this.top}/work/${path}`
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, bytes)
    return path
  }

  /** Where a task's uploads lie. */
  outputOf(task: number): string {
    return `${this.top}/work/${taskPath(task)}`
  }

  /** A hub that is closed before the scope that it was opened in. */
  static scoped = <A, E>(work: Effect.Effect<A, E, Scope.Scope>) =>
    Effect.acquireUseRelease(
      Scope.make(),
      (scope) => Scope.provide(work, scope),
      (scope) => Scope.close(scope, Exit.void)
    )
}

const described = (from: string, number: number, { target, headers, content }: HubRequest): HubCall => {
  const id = headers["Koji-Session-Id"]
  const session = id === undefined ? null : Number(id)
  if (content._tag === "Upload") {
    const query = new URLSearchParams(target.slice(1))
    const file = `${query.get("filepath")}/${query.get("filename")}`
    return { from, number, session, method: "rawUpload", params: [], keywords: {}, file }
  }
  const { positional, keywords } = splitKeywords(content.call.params)
  return { from, number, session, method: content.call.method, params: positional, keywords, file: null }
}
