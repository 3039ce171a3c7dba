/**
 * One task, from its making at the hub to its end, by the real daemon in a world of its own; and all that can be seen
 * of it afterwards. What must hold of every task is asserted here, so that no story has to.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { assert } from "@effect/vitest"
import { Effect } from "effect"
import type { AttemptEvent } from "../../src/core/AttemptEvent.ts"
import { violations } from "../../src/core/Invariants.ts"
import type { MemoryProgram } from "../../src/engine/MemoryEngine.ts"
import { isStruct } from "../../src/hub/Keywords.ts"
import type { Struct, Value } from "../../src/hub/Value.ts"
import { type FaultName, faultCodes } from "../../src/koji/Fault.ts"
import { buildrootStateName } from "../../src/koji/TaskState.ts"
import type { DaemonChoices, ModelDaemon } from "../model/Daemon.ts"
import type { Seen } from "../model/Hub.ts"
import { callText, outlineShort } from "../model/Outline.ts"
import { story, type World, type WorldOptions } from "../model/World.ts"
import { assertReplays } from "./replaying.ts"

export interface Plot {
  readonly daemon?: Partial<DaemonChoices>
  readonly world?: WorldOptions
  /** What there is before the task: the task's parameters may come from here. */
  readonly before?: (world: World) => ReadonlyArray<Value> | Effect.Effect<ReadonlyArray<Value>>
  /** What becomes of what the containers of these steps do. */
  readonly steps?: Readonly<Record<string, (program: MemoryProgram) => MemoryProgram>>
  /** What happens while it runs; the task is waited for afterwards. */
  readonly meanwhile?: (world: World, task: number, daemon: ModelDaemon) => Effect.Effect<void>
  /** For which end of the task to wait; one that is to be given back is not given to us again. */
  readonly ends?: "finished" | "given back" | "stopped"
  /** What else to look at in the end. */
  readonly after?: (world: World) => unknown
  /** Options for `makeTask`. */
  readonly making?: Struct
}

export interface Told {
  readonly task: number
  readonly state: string | undefined
  /** The value, or `[code, text]` of the fault. */
  readonly result: Value
  readonly history: ReadonlyArray<AttemptEvent>
  readonly events: ReadonlyArray<string>
  /** Calls of the attempt's own session, those about files left out. */
  readonly calls: ReadonlyArray<string>
  /** Everything the daemon asked the hub, in order. */
  readonly seen: ReadonlyArray<Seen>
  /** What lies in the task's directory at the hub, by name. */
  readonly files: ReadonlyMap<string, string>
  /** States of the buildroots of the task, and the packages of the first: `name`, or `+name` of what came later. */
  readonly buildroots: ReadonlyArray<string | undefined>
  readonly installed: ReadonlyArray<string>
  /** Containers in the order in which they were made, by their steps. */
  readonly containers: ReadonlyArray<string>
  /** Builds in a tag, itself, at the end. */
  tagged(tag: string): ReadonlySet<string>
  /** How all tasks ended, by their numbers. */
  readonly states: ReadonlyMap<number, string | undefined>
  /** What the plot looked at. */
  readonly after: unknown
  readonly world: World
  readonly daemon: ModelDaemon
}

const finished: ReadonlySet<string | undefined> = new Set(["CLOSED", "FAILED", "CANCELED"])
const free: ReadonlySet<string | undefined> = new Set(["FREE"])
const about = new Set(["rawUpload", "checkUpload"])

/** Tells the story of one task of this method; `params` are its parameters, unless `before` makes them. */
export const tell = (method: string, params: ReadonlyArray<Value>, plot: Plot = {}): Promise<Told> =>
  story(
    (world) =>
      Effect.gen(function* () {
        const { hub } = world
        const daemon = yield* world.daemon(plot.daemon)
        world.interfere((step, program) => plot.steps?.[step]?.(program) ?? program)
        const prepared = plot.before?.(world) ?? params
        const given = Effect.isEffect(prepared) ? yield* prepared : prepared
        const task = hub.makeTask(method, given, plot.making ?? {})
        yield* daemon.start
        if (plot.ends === "given back") {
          // Or the hub would give it to us again.
          yield* world.until(() => hub.calls.some((call) => call.method === "host.openTask"))
          hub.admin("disableHost", [daemon.name])
        }
        yield* plot.meanwhile?.(world, task, daemon) ?? Effect.void
        const ends = plot.ends === undefined || plot.ends === "finished" ? finished : free
        yield* world.until(() => ends.has(hub.state(task)), 3000)
        yield* world.until(() => !daemon.isWorking(task))
        const history = yield* daemon.history(task)
        const found = yield* look(world, daemon, task)
        yield* assertReplays(history, (value) => daemon.value(value))
        yield* daemon.terminate
        return { ...found, history, events: outlineShort(history), after: plot.after?.(world) }
      }),
    plot.world
  ).then((told) => {
    assert.deepStrictEqual(violations(told.history), [])
    assert.strictEqual(told.history.at(-1)?._tag, "Concluded")
    return told
  })

const rows = (value: Value): ReadonlyArray<Struct> => (Array.isArray(value) ? value.filter(isStruct) : [])

const look = (world: World, daemon: ModelDaemon, task: number) =>
  Effect.gen(function* () {
    const { hub, engine } = world
    const ours = (names: ReadonlyArray<string>) => names.filter((name) => name.split("-")[2] === `${task}`)
    const created = ours(yield* engine.created)
    assert.deepStrictEqual(ours((yield* engine.containers).map(({ name }) => name)), [], "no container is left")
    assert.deepStrictEqual(ours(yield* engine.removed), created)
    const work = `${daemon.settings.stateDirectory}/work`
    const left = existsSync(work) ? readdirSync(work).filter((name) => name.startsWith(`${task}-`)) : []
    assert.deepStrictEqual(left, [], "no directory of an attempt is left")
    const state = hub.state(task)
    const raw = state === "CLOSED" || state === "FAILED" ? hub.result(task) : null
    const { faultCode, faultString } = Object(raw)
    const own = hub.sessionOf(daemon.name, task)
    const roots = rows(hub.admin("listBuildroots", [], { taskID: task }))
    const listing = roots.slice(0, 1).flatMap(({ id = null }) => rows(hub.admin("getBuildrootListing", [id])))
    const tags = rows(hub.admin("listTags")).map(({ name }) => String(name))
    const tagged = new Map(
      tags.map((tag) => [tag, new Set(rows(hub.admin("listTagged", [tag])).map(({ nvr }) => String(nvr)))])
    )
    const output = hub.outputOf(task)
    const names = existsSync(output) ? readdirSync(output).sort() : []
    return {
      ...{ task, state, world, daemon },
      result: faultCode === undefined ? raw : [Number(faultCode), String(faultString)],
      calls: hub.calls.filter((call) => call.session === own && !about.has(call.method)).map(callText),
      buildroots: roots.map((root) => buildrootStateName(Number(root["state"]))),
      installed: listing.map((row) => `${row["is_update"] === true ? "+" : ""}${row["name"]}`),
      tagged: (tag: string) => tagged.get(tag) ?? new Set<string>(),
      states: new Map(rows(hub.admin("listTasks")).map(({ id }) => [Number(id), hub.state(Number(id))])),
      seen: [...hub.calls],
      files: new Map(names.map((name) => [name, readFileSync(`${output}/${name}`, "utf8")])),
      containers: (yield* engine.created).map((name) => name.split("-").slice(4).join("-").replaceAll(".", "/"))
    }
  })

/** The rest of a list, from the first line that begins so. */
export const from = (lines: ReadonlyArray<string>, beginning: string): ReadonlyArray<string> =>
  lines.slice(lines.findIndex((line) => line.startsWith(beginning)))

/** What the daemon told the hub of the task's end, and of itself: in order, whichever session it came in. */
export const reports = ({ seen, task }: Told): ReadonlyArray<string> =>
  seen.filter(({ method, params }) => reporting.has(method) && String(params[0]) === String(task)).map(callText)

const reporting = new Set(["host.closeTask", "host.failTask", "host.freeTasks", "host.refuseTask"])

/** The task failed with this fault, and that is all the hub was told. */
export const assertFailed = (told: Told, fault: FaultName, text: string) => {
  assert.deepStrictEqual([told.state, told.result], ["FAILED", [faultCodes[fault], text]])
  assert.deepStrictEqual(reports(told), [`host.failTask ${told.task} <document>`])
  assert.deepStrictEqual(told.events.slice(-2), ["decided Fault", "concluded failed"])
}

/** The task was given back, and is free. */
export const assertFreed = (told: Told) => {
  assert.strictEqual(told.state, "FREE")
  assert.deepStrictEqual(reports(told), [`host.freeTasks [${told.task}]`])
  assert.deepStrictEqual(told.events.slice(-2), ["decided Freed", "concluded freed"])
}

/** The task was canceled, and nothing was reported of it. */
export const assertCanceled = (told: Told) => {
  assert.strictEqual(told.state, "CANCELED")
  assert.deepStrictEqual(reports(told), [])
  assert.deepStrictEqual(told.events.slice(-2), ["decided Canceled", "concluded canceled"])
}

/** Somebody cancels it, or tells the daemon to stop, once this is so. */
export const canceledWhen = (what: (world: World, task: number) => boolean): Plot => ({
  meanwhile: (world, task) =>
    Effect.andThen(
      world.until(() => what(world, task)),
      Effect.sync(() => void world.hub.admin("cancelTask", [task]))
    )
})
export const stoppedWhen = (what: (world: World, task: number) => boolean): Plot => ({
  ends: "stopped",
  meanwhile: (world, task, daemon) =>
    Effect.andThen(
      world.until(() => what(world, task)),
      daemon.terminate
    )
})

/** A step that ends with this exit and does nothing else. */
export const exits =
  (exit: MemoryProgram["exit"]) =>
  (program: MemoryProgram): MemoryProgram => ({ ...program, work: Effect.void, exit })
/** A step that never ends. */
export const hangs = (program: MemoryProgram): MemoryProgram => ({ ...program, afterMillis: "never" })
