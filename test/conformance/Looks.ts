/**
 * The daemon's own session: how it begins, its looks at the hub, how it takes a task, how it ends. Which look a task is
 * taken in, and how many looks there are, depends on the moment; what a look consists of, and what comes first, does not.
 * To ask for new tasks again before the next look is asking once.
 */
import type { Struct } from "../../src/hub/Value.ts"
import { type Asked, callShape } from "./Shape.ts"

export interface DaemonScript {
  /** From the login to the first look. */
  readonly opening: ReadonlyArray<string>
  /** Kinds of looks, in the order in which they changed: each the calls that every look is made of. */
  readonly looks: ReadonlyArray<string>
  /** Kinds of ways in which tasks were taken. */
  readonly takings: ReadonlyArray<string>
  /** From the last look to the end. */
  readonly leaving: ReadonlyArray<string>
  /** Every call that was ever made in it. */
  readonly words: ReadonlyArray<string>
}

const firstOfLook = "host.getHostTasks"
const ofLook: ReadonlySet<string> = new Set([
  ...[firstOfLook, "host.freeTasks", "host.getHost", "host.updateHost", "host.getTasks"]
])
const ofTaking: ReadonlySet<string> = new Set([
  ...["getTaskInfo", "host.openTask", "host.setTaskWeight", "subsession", "host.refuseTask"],
  ...["host.closeTask", "host.failTask"]
])
/** What a task asks that runs in the daemon's own session: about itself, and about others. */
const ofForeground = ({ method, params }: Asked): boolean =>
  method === "host.getID" || (method === "getTaskInfo" && !Array.isArray(params[0]))
const ends: ReadonlySet<string> = new Set(["host.refuseTask", "host.closeTask", "host.failTask"])
/** A look names the load in its place, and says what is run here. */
const isFarewell = (method: string, keywords: Struct): boolean => method === "host.updateHost" && !("data" in keywords)
/** Of buildroots and of what tasks did in the end, between looks: it is told by `words`. */
const upkeep = /^(listBuildroots|host\.setBuildRootState|getTaskInfo|logoutChild)\(/

const collapsed = (items: ReadonlyArray<string>): ReadonlyArray<string> =>
  items.filter((item, at) => item !== items[at - 1])
const distinct = (items: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(items)]

/**
 * Whose task the calls of a taking are about, as far as they say. It ends with a session for the task, or with the end of a
 * task that needs none.
 */
const takingsOf = (calls: ReadonlyArray<Asked>): ReadonlyArray<string> =>
  calls.flatMap((call, at) => {
    if (call.method !== "getTaskInfo" || call.keywords["request"] !== true) return []
    const task = call.params[0]
    const taking = [callShape(call)]
    let opened = false
    for (const next of calls.slice(at + 1)) {
      const isOurs = ofTaking.has(next.method) && next.params[0] === task
      if (next.method === "subsession" ? opened : isOurs || (opened && ofForeground(next))) {
        taking.push(callShape(next))
        opened ||= next.method === "host.openTask"
      }
      if (next.method === "subsession" && opened) return [taking.join(", ")]
      if (ends.has(next.method) && next.params[0] === task) return [taking.join(", ")]
      // A shutdown is not reported: the daemon leaves.
      if (next.method === "logout") return [taking.join(", ")]
    }
    // The record ends in the middle of it.
    return []
  })

export const daemonScript = (calls: ReadonlyArray<Asked>): DaemonScript => {
  const starts = calls.flatMap(({ method }, at) => (method === firstOfLook ? [at] : []))
  const lookAt = (from: number, to?: number) =>
    collapsed(
      calls
        .slice(from, to)
        .filter(({ method }) => ofLook.has(method))
        .map(callShape)
    )
  const last = calls.findLastIndex(
    ({ method, keywords }) => ofLook.has(method) && method !== "host.freeTasks" && !isFarewell(method, keywords)
  )
  const left = calls.findLastIndex(({ method }) => method === "logout")
  // A record that has no logout is one that ends anywhere, or of a daemon that was killed or executed itself again.
  const end = left === -1 ? calls.length : last + 1
  return {
    opening: calls
      .slice(0, starts[0])
      .map(callShape)
      .filter((call) => !upkeep.test(call)),
    looks: collapsed(starts.map((from, at) => lookAt(from, starts[at + 1] ?? end).join(", "))),
    takings: distinct(takingsOf(calls)),
    leaving: calls
      .slice(end)
      .map(callShape)
      .filter((call) => !upkeep.test(call)),
    words: distinct(calls.map(callShape))
  }
}
