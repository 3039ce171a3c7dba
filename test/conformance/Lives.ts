/** What our daemon asked of a hub, session by session: as a record of its calls is split. */
import { assert } from "@effect/vitest"
import type { Seen } from "../model/Hub.ts"
import type { World } from "../model/World.ts"
import type { Asked } from "./Shape.ts"

export interface Ours {
  /** What was asked for the newest task of a method: in one session, or in one after the other. */
  task(method: string): ReadonlyArray<Asked>
  /** The same for the oldest. */
  first(method: string): ReadonlyArray<Asked>
  /** All that came in no task's session, logins included, for each life of the daemon. */
  readonly daemon: ReadonlyArray<ReadonlyArray<Asked>>
}

/** The sessions that a daemon had for tasks: each as it opened it, between the login and the next. */
export const split = (calls: ReadonlyArray<Seen>, methods: ReadonlyMap<number, string>): Ours => {
  const from = calls.filter(({ from }) => from === "builder1")
  const mains = from.filter(({ method }) => method === "exclusiveSession").map(({ session }) => session)
  const lives = mains.map((main, life) => {
    const login = from.findIndex(({ method, session }) => method === "exclusiveSession" && session === main) - 1
    const next = from.findIndex(({ method, session }) => method === "exclusiveSession" && session === mains[life + 1])
    return from
      .slice(Math.max(0, login), next === -1 ? undefined : next - 1)
      .filter(({ session }) => session === main || session === null)
  })
  const sessions = new Map<number, Set<number | null>>()
  for (const call of from) {
    const id = mains.includes(call.session) ? undefined : taskOf(call)
    if (id !== undefined) sessions.set(id, (sessions.get(id) ?? new Set()).add(call.session))
  }
  const inSessionsOf = (method: string, which: 0 | -1) => {
    const ids = [...methods].filter(([, name]) => name === method).map(([id]) => id)
    const own = sessions.get(ids.at(which) ?? -1)
    assert.isDefined(own, `a session of a ${method} task`)
    return from.filter(({ session }) => own?.has(session) === true)
  }
  return {
    daemon: lives,
    task: (method) => inSessionsOf(method, -1),
    first: (method) => inSessionsOf(method, 0)
  }
}

/** Whose session it must be that such a call comes in; undefined where it does not say. */
const taskOf = ({ method, params, keywords, file }: Seen): number | undefined => {
  if (file !== null) return Number(file.split("/").at(-2))
  if (ofItsTask.has(method)) return Number(params[0])
  if (method === "host.freeTasks") return Number(Object(params[0])[0])
  return method === "host.newBuildRoot" ? Number(keywords["task_id"]) : undefined
}
const ofItsTask: ReadonlySet<string> = new Set([
  ...["host.closeTask", "host.failTask", "host.taskSetWait", "host.taskWait"]
])

export const methodsOf = ({ hub }: World): ReadonlyMap<number, string> =>
  new Map(hub.tasks.map((id) => [id, String(hub.task(id)["method"])]))
