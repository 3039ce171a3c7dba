/**
 * The tasks that send mail about a build: made as the hub makes them, and only where the hub's options ask for it, as
 * there is nobody here to write to (tasks.md 5, kojihub `get_notification_recipients`).
 */
import { Effect } from "effect"
import type { Value } from "../hub/Value.ts"
import { type Build, findBuild, getBuild } from "./Builds.ts"
import { type Answering, Call } from "./Call.ts"
import { packageList } from "./PackageLists.ts"
import { findTag } from "./TagConfig.ts"
import { findTarget } from "./Targets.ts"
import { makeTask } from "./TaskCreation.ts"
import { getTask, requestOf } from "./Tasks.ts"
import { userTypes } from "./Users.ts"

/** Who built it, and who owns the package in the tag, without twins. */
const recipients = Effect.fnUntraced(function* (build: Build, tag: number | null) {
  const { db, options } = yield* Call
  const names = new Set([build.owner_name])
  const entry = tag === null ? undefined : packageList(db, tag, { packageId: build.package_id }).get(build.package_id)
  if (entry !== undefined && !entry.blocked) {
    const person = "SELECT 1 FROM users WHERE id = ? AND status = 0 AND usertype = ?"
    if (db.has(person, entry.owner_id, userTypes.NORMAL)) names.add(entry.owner_name)
  }
  return [...names].map((name) => `${name}@${options.emailDomain}`)
})

/** The target that a build task was for. */
const targetOf = Effect.fnUntraced(function* (taskId: number) {
  const { method } = yield* getTask(taskId)
  const target = method === "build" ? (yield* requestOf(taskId))[1] : null
  return target == null ? undefined : yield* findTarget(target, null)
})

/** Tells of a build that is over. */
export const notifyBuild = (taskId: number, buildId: number): Answering<void> =>
  Effect.gen(function* () {
    const { options } = yield* Call
    if (!options.notifications) return
    const build = yield* getBuild(buildId)
    const target = yield* targetOf(taskId)
    const mails = yield* recipients(build, target?.dest_tag ?? null)
    yield* makeTask("buildNotification", [mails, build, target ?? null, options.webUrl])
  })

export interface TagNotification {
  readonly successful: boolean
  readonly tag: Value
  readonly from: Value
  readonly build: Value
  readonly user: Value
  readonly ignoreSuccess: boolean
  readonly failure: string
}

/** Tells of a build that was tagged, or was to be. */
export const notifyTag = Effect.fnUntraced(function* (notice: TagNotification) {
  const { options } = yield* Call
  if (!options.notifications || (notice.successful && notice.ignoreSuccess)) return
  const build = yield* findBuild(notice.build)
  if (build === undefined) return
  const mails = new Set<string>()
  for (const info of [notice.tag, notice.from]) {
    const tag = info === null ? undefined : yield* findTag(info)
    if (tag === undefined) continue
    for (const mail of yield* recipients(build, tag.id)) mails.add(mail)
  }
  if (mails.size === 0) return
  const { successful, tag, from, user, ignoreSuccess, failure } = notice
  yield* makeTask("tagNotification", [[...mails], successful, tag, from, build.id, user, ignoreSuccess, failure])
})
