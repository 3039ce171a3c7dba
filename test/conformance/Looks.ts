/**
 * The daemon's own session: how it begins, its looks at the hub, how it takes a task, how it ends. Which look a task is
 * taken in, and how many looks there are, depends on the moment; what a look consists of, and what comes first, does not.
 * To ask for new tasks again before the next look is asking once.
 */
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
  ...["getTaskInfo", "host.openTask", "host.setTaskWeight", "subsession", "host.refuseTask"]
])
/** Of buildroots and of what tasks did in the end, between looks: it is told by `words`. */
const upkeep = /^(listBuildroots|host\.setBuildRootState|getTaskInfo|logoutChild)\(/

const collapsed = (items: ReadonlyArray<string>): ReadonlyArray<string> =>
  items.filter((item, at) => item !== items[at - 1])
const distinct = (items: ReadonlyArray<string>): ReadonlyArray<string> => [...new Set(items)]

/** Whose task the calls of a taking are about, as far as they say. */
const takingsOf = (calls: ReadonlyArray<Asked>): ReadonlyArray<string> =>
  calls.flatMap((call, at) => {
    if (call.method !== "getTaskInfo" || call.keywords["request"] !== true) return []
    const task = call.params[0]
    const taking = [callShape(call)]
    let opened = false
    for (const next of calls.slice(at + 1)) {
      if (next.method === "subsession" ? opened : ofTaking.has(next.method) && next.params[0] === task) {
        taking.push(callShape(next))
        opened ||= next.method === "host.openTask"
      }
      if (next.method === "subsession" && opened) return [taking.join(", ")]
      if (next.method === "host.refuseTask" && next.params[0] === task) return [taking.join(", ")]
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
  const last = calls.findLastIndex(({ method }) => method === "host.getTasks" || method === firstOfLook)
  const left = calls.findLastIndex(({ method }) => method === "logout")
  const end = left === -1 ? calls.length : last + 1
  return {
    opening: calls
      .slice(0, starts[0])
      .map(callShape)
      .filter((call) => !upkeep.test(call)),
    looks: collapsed(starts.map((from, at) => lookAt(from, starts[at + 1] ?? end).join(", "))),
    takings: distinct(takingsOf(calls)),
    leaving:
      left === -1
        ? []
        : calls
            .slice(end)
            .map(callShape)
            .filter((call) => !upkeep.test(call)),
    words: distinct(calls.map(callShape))
  }
}
