/** `buildNotification`: mails that a build is over, with what each of its tasks left behind (tasks.md 5.1). */
import { Effect, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { hubStep } from "../buildroot/HubSteps.ts"
import { getChangelogEntries } from "../hub/calls/builds.ts"
import { getTaskInfo } from "../hub/calls/tasks.ts"
import { getUser } from "../hub/calls/users.ts"
import { buildNoticeText } from "../koji/BuildNotice.ts"
import { buildLabel } from "../koji/TaskLabel.ts"
import { buildStateName } from "../koji/TaskState.ts"
import { noticedTasks } from "./NoticedTasks.ts"
import { sendOnce } from "./Notices.ts"
import { type Handler, maybe, parameters, plain } from "./Task.ts"

const Version = Schema.Union([Schema.String, Schema.Finite])

const Parameters = Schema.Struct({
  recipients: Schema.Array(Schema.String),
  /** As the hub had it when the build ended. */
  build: Schema.Struct({
    id: Schema.Int,
    name: Schema.String,
    package_name: maybe(Schema.String),
    version: Version,
    release: Version,
    state: Schema.Int,
    task_id: Schema.NullOr(Schema.Int),
    owner_name: Schema.String,
    draft: maybe(Schema.Boolean),
    creation_ts: maybe(Schema.Finite),
    completion_ts: maybe(Schema.Finite)
  }),
  target: Schema.NullOr(Schema.Struct({ dest_tag_name: Schema.String })),
  weburl: Schema.String
})

const ChangelogEntries = Schema.Array(
  Schema.Struct({ date: Schema.String, author: Schema.String, text: Schema.String })
)
/** As many as a reader wants to see again. */
const changelogLimit = 3

export const buildNotification: Handler = Effect.fn("buildNotification")(function* (task) {
  const { recipients, build, target, weburl: webUrl } = yield* parameters(task, Parameters)
  if (recipients.length === 0) return plain(null)
  const status = buildStateName(build.state)?.toLowerCase() ?? `${build.state}`
  const tasks = build.task_id === null ? [] : yield* noticedTasks(build.task_id)
  const canceler = status === "canceled" ? yield* cancelerOf(task.id) : null
  const changelog = yield* hubStep(
    "changelog",
    ChangelogEntries,
    getChangelogEntries(build.id, { queryOpts: { limit: changelogLimit } }).pipe(
      Effect.map((entries) => entries.map(({ date, author, text }) => ({ date, author, text })))
    )
  )
  const facts = {
    recipients,
    build: {
      ...{ id: build.id, taskId: build.task_id, owner: build.owner_name, status, draft: build.draft ?? false },
      packageName: build.package_name ?? build.name,
      version: `${build.version}`,
      release: `${build.release}`,
      nvr: buildLabel(build) ?? "",
      createdAt: build.creation_ts ?? null,
      completedAt: build.completion_ts ?? null
    },
    destinationTag: target?.dest_tag_name ?? null,
    ...{ canceler, tasks, changelog, webUrl }
  }
  yield* sendOnce(recipients, build.id, (from) =>
    Effect.map(BuilderSettings, ({ topUrls: [topUrl = ""] }) =>
      buildNoticeText({ ...facts, from, topUrl, timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone })
    )
  )
  return plain(`sent notification of build ${build.id} to: ${recipients.join(", ")}`)
})

/** The hub makes this task in the name of whoever canceled the build. */
const cancelerOf = Effect.fnUntraced(function* (task: number) {
  const owner = yield* hubStep(
    "this-task",
    Schema.NullOr(Schema.Int),
    Effect.map(getTaskInfo(task), (info) => info?.owner ?? null)
  )
  if (owner === null) return null
  return yield* hubStep(
    "canceler",
    Schema.NullOr(Schema.String),
    Effect.map(getUser(owner), (user) => user?.name ?? null)
  )
})
