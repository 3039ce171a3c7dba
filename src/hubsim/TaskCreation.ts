/**
 * Making a task: whose it is, how urgent, for which channel and arch (daemon.md 3.6, kojihub `make_task`).
 *
 * A child takes after its parent: owner, arch, channel, one step more urgent. Which channel a task goes to is a
 * policy; the hub's default one is built in: the channel asked for, else the parent's, else `default`.
 */
import { Effect, Result } from "effect"
import type { Struct, Value } from "../hub/Value.ts"
import { encodeCall } from "../hub/XmlRpcEncoder.ts"
import { hostCheckPasses, parseArches } from "../koji/Arch.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonStr } from "../koji/PythonRepr.ts"
import { parametersOf } from "../koji/TaskParameters.ts"
import { defaultPriority, taskStates } from "../koji/TaskState.ts"
import { asInt, asText } from "./Arguments.ts"
import { type Answering, Call } from "./Call.ts"
import { findChannel } from "./Channels.ts"
import { getHost, listHosts } from "./Hosts.ts"
import { refuse } from "./Refusals.ts"
import { buildConfig } from "./TagConfig.ts"
import { findTask } from "./Tasks.ts"
import { getUser } from "./Users.ts"

/** `make_task`'s options, by Koji's names; whoever takes them from a client says which ones it lets through. */
export interface TaskOptions {
  readonly parent?: Value
  readonly label?: Value
  readonly owner?: Value
  readonly channel?: Value
  readonly arch?: Value
  readonly priority?: Value
  readonly assign?: Value
}

/** Makes a task and returns its id. Fails with GenericError (1000) or ParameterError (1019). */
export const makeTask: (method: string, params: ReadonlyArray<Value>, options?: TaskOptions) => Answering<number> =
  Effect.fnUntraced(function* (method, params, options = {}) {
    const { db, now, session } = yield* Call
    const label = options.label === undefined ? null : yield* asText(options.label)
    const parent = options.parent === undefined ? undefined : yield* openParent(yield* asInt(options.parent))
    const arch = options.arch === undefined ? (parent?.arch ?? "noarch") : yield* archOf(options.arch)
    const owner = options.owner === undefined ? (parent?.owner ?? session?.userId) : (yield* getUser(options.owner)).id
    if (owner === undefined) return yield* genericError("task must have an owner")
    const host = options.assign === undefined ? null : (yield* getHost(options.assign)).id
    const id = db.insert("task", {
      state: host === null ? taskStates.FREE : taskStates.ASSIGNED,
      create_time: now,
      host_id: host,
      parent: parent?.id ?? null,
      label: parent === undefined ? null : label,
      channel_id: yield* channelOf(options.channel, parent?.channel_id),
      owner,
      method,
      request: encodeCall({ method, params }),
      arch,
      priority:
        options.priority === undefined ? (parent?.priority ?? defaultPriority + 1) - 1 : yield* asInt(options.priority)
    })
    yield* refuseForForeignHosts(id, params)
    return id
  })

const openParent = Effect.fnUntraced(function* (id: number) {
  const { db } = yield* Call
  const parent = findTask(db, id)
  if (parent === undefined) return yield* genericError(`Invalid parent task: ${id}`)
  if (parent.state !== taskStates.OPEN) return yield* genericError(`Parent task (id ${id}) is not open`)
  return parent
})

const archOf = Effect.fnUntraced(function* (arch: Value) {
  const parsed = parseArches(arch === null ? "" : yield* asText(arch))
  return Result.isFailure(parsed) ? yield* parsed.failure : parsed.success.join(" ")
})

const channelOf = Effect.fnUntraced(function* (requested: Value | undefined, parents: number | undefined) {
  const channel = requested ?? parents ?? "default"
  const found = yield* findChannel(channel)
  if (found === undefined) return yield* genericError(`No such channel: ${pythonStr(channel)}`)
  // The parent's own channel is taken as it is: its task is running.
  if (requested !== undefined && !found.enabled)
    return yield* genericError(`Channel ${pythonStr(channel)} is disabled.`)
  return found.id
})

/** Where each noarch method that needs a host of the tag's arches names that tag. */
const tagParameter: ReadonlyMap<string, string> = new Map([
  ["buildArch", "root"],
  ["buildMaven", "build_tag"],
  ["rebuildSRPM", "build_tag"],
  ["buildSRPMFromSCM", "build_tag"]
])

/**
 * Refuses a noarch build task on behalf of every host of its channel that has none of the tag's arches, so that it
 * need not be offered to them first (daemon.md 3.6). A task whose parameters make no sense is left to fail by itself.
 */
const refuseForForeignHosts = Effect.fnUntraced(
  function* (id: number, params: ReadonlyArray<Value>) {
    const { db } = yield* Call
    const task = findTask(db, id)
    const name = tagParameter.get(task?.method ?? "")
    if (task === undefined || name === undefined || task.arch !== "noarch") return
    const parameters = parametersOf(task.method, params)
    if (Result.isFailure(parameters)) return
    const tag: unknown = parameters.success[name]
    const info = typeof tag === "object" && tag !== null && "id" in tag ? tag.id : tag
    if (typeof info !== "string" && typeof info !== "number") return
    const { arches } = yield* buildConfig(info, null)
    for (const host of yield* listHosts({ channel: task.channel_id, enabled: true })) {
      if (hostCheckPasses(host.arches, arches)) continue
      yield* refuse({ task: id, host: host.id, soft: false, byHost: false, message: "automatic arch refusal" })
    }
  },
  // Whatever is wrong with the tag, making the task is not the moment to find out.
  Effect.catch(() => Effect.void)
)

/** The options in a struct from a client, without `owner`, which nobody may choose. */
export const taskOptions = (given: Struct): TaskOptions => {
  const names = ["parent", "label", "channel", "arch", "priority", "assign"]
  return Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)))
}
