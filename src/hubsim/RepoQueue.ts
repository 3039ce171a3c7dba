/**
 * The queue of repo requests, and what becomes of repos as their tags move on (kojihub `check_repo_queue`).
 *
 * At a real site kojira, a daemon of its own, comes by for this every few seconds. There is none here, so the
 * scheduler's runs are the occasion.
 */
import { Effect } from "effect"
import { withKeywords } from "../hub/Keywords.ts"
import { repoStates, taskStates } from "../koji/TaskState.ts"
import { Call, microsecondsPerSecond } from "./Call.ts"
import { firstChange } from "./Events.ts"
import { type RepoRequest, readRepo, readRepoRequest, setRepoState } from "./Repos.ts"
import { makeTask } from "./TaskCreation.ts"

const over: ReadonlySet<number | null> = new Set<number | null>([
  taskStates.CANCELED,
  taskStates.FAILED,
  taskStates.CLOSED
])

/** Makes newRepo tasks for the requests that have none, as many as may run; then looks after the repos. */
export const checkRepoQueue = Effect.fnUntraced(function* () {
  const { db, now, options } = yield* Call
  const waiting = db.all(
    readRepoRequest,
    "SELECT * FROM repo_request WHERE active AND repo_id IS NULL ORDER BY priority, id"
  )
  const idle: Array<RepoRequest> = []
  let running = 0
  for (const request of waiting) {
    // A task that closed has answered every request that its repo fits; this one it did not fit.
    if (request.task_id !== null && !over.has(request.task_state)) running += 1
    else if (request.task_id !== null && request.tries > options.repoRetries) {
      db.run("UPDATE repo_queue SET active = 0, update_time = ? WHERE id = ?", now, request.id)
    } else idle.push(request)
  }
  for (const request of idle.slice(0, Math.max(0, options.maxRepoTasks - running))) {
    const task = yield* newRepoTask(request)
    const set = "UPDATE repo_queue SET task_id = ?, tries = tries + 1, update_time = ? WHERE id = ?"
    db.run(set, task, now, request.id)
  }
  yield* lookAfterRepos
})

const newRepoTask = Effect.fnUntraced(function* ({ tag_id: id, tag_name: name, opts, at_event: event }: RepoRequest) {
  const { db, options } = yield* Call
  const user = db.id("SELECT id FROM users WHERE name = ?", options.repoQueueUser)
  const params = withKeywords([{ id, name }], { opts, ...(event === null ? {} : { event }) })
  return yield* makeTask("newRepo", params, {
    priority: 15,
    channel: "createrepo",
    ...(user === undefined ? {} : { owner: user })
  })
})

/** Notes when a tag has changed since its repo was made, and expires repos that a newer one has long replaced. */
const lookAfterRepos = Effect.gen(function* () {
  const { db, now, options } = yield* Call
  const ready = db.all(readRepo, "SELECT * FROM repo_info WHERE state = ? ORDER BY id", repoStates.READY)
  for (const repo of ready) {
    const ended = repo.end_event === null ? firstChange(db, repo.tag_id, repo.create_event) : null
    if (ended !== null) db.run("UPDATE repo SET end_event = ? WHERE id = ?", ended, repo.id)
    const replaced = ready.some(
      (other) =>
        other.tag_id === repo.tag_id &&
        other.dist === repo.dist &&
        other.create_event > repo.create_event &&
        JSON.stringify(other.custom_opts) === JSON.stringify(repo.custom_opts) &&
        now > (other.state_ts + options.repoExpireSeconds) * microsecondsPerSecond
    )
    if (replaced) yield* setRepoState(repo.id, "EXPIRED")
  }
})
