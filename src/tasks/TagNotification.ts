/** `tagNotification`: mails that a build was tagged, or could not be (tasks.md 5.2). */
import { Effect, Schema } from "effect"
import { hubStep } from "../buildroot/HubSteps.ts"
import { findBuild } from "../hub/calls/builds.ts"
import { findTagNow } from "../hub/calls/tags.ts"
import { getUser } from "../hub/calls/users.ts"
import { genericError } from "../koji/Fault.ts"
import { tagNoticeText } from "../koji/TagNotice.ts"
import { sendOnce } from "./Notices.ts"
import { type Handler, maybe, parameters, plain, TagReference, tagKey } from "./Task.ts"

const Reference = Schema.Union([Schema.Int, Schema.String])

const Parameters = Schema.Struct({
  recipients: Schema.Array(Schema.String),
  is_successful: Schema.Boolean,
  tag_info: Schema.NullOr(TagReference),
  from_info: Schema.NullOr(TagReference),
  build_info: Reference,
  user_info: Reference,
  ignore_success: maybe(Schema.Boolean),
  failure_msg: maybe(Schema.String)
})

const BuildFacts = Schema.Struct({ package_name: Schema.String, nvr: Schema.String, draft: Schema.Boolean })

export const tagNotification: Handler = Effect.fn("tagNotification")(function* (task) {
  const given = yield* parameters(task, Parameters)
  const { recipients, is_successful: successful } = given
  if (recipients.length === 0 || (successful && given.ignore_success === true)) return plain(null)
  const build = yield* hubStep("build", Schema.NullOr(BuildFacts), Effect.map(findBuild(given.build_info), factsOf))
  if (build === null) return yield* genericError(`No such build: ${given.build_info}`)
  const user = yield* hubStep("user", Schema.NullOr(Schema.String), Effect.map(getUser(given.user_info), nameOf))
  if (user === null) return yield* genericError(`No such user: ${given.user_info}`)
  const tagName = Effect.fnUntraced(function* (path: string, tag: typeof TagReference.Type | null) {
    if (tag === null) return null
    const name = yield* hubStep(path, Schema.NullOr(Schema.String), Effect.map(findTagNow(tagKey(tag)), nameOf))
    return name ?? (yield* genericError(`No such tag: ${tagKey(tag)}`))
  })
  const fromTag = yield* tagName("from", given.from_info)
  const intoTag = yield* tagName("into", given.tag_info)
  const { package_name: packageName, nvr, draft } = build
  const facts = {
    recipients,
    successful,
    packageName,
    nvr,
    draft,
    user,
    fromTag,
    intoTag,
    failure: given.failure_msg ?? ""
  }
  yield* sendOnce(recipients, [packageName, nvr, fromTag, intoTag], (from) =>
    Effect.succeed(tagNoticeText({ from, ...facts }))
  )
  return plain(`sent notification of tag operation ${task.id} to: ${recipients.join(", ")}`)
})

const nameOf = (found: { readonly name: string } | null): string | null => found?.name ?? null

const factsOf = (found: Effect.Success<ReturnType<typeof findBuild>>): typeof BuildFacts.Type | null =>
  found === null
    ? null
    : { package_name: found.package_name ?? found.name, nvr: found.nvr, draft: found.draft ?? false }
