/** `tagBuild`: puts a build into a tag, as the owner of the task (tasks.md 3.11). */
import { Effect, Schema } from "effect"
import { happenedIf, hubFailure, hubStep } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { getBuild, tagNotification, tagBuild as tagOnHub } from "../hub/calls/builds.ts"
import { getTag, listTagged } from "../hub/calls/tags.ts"
import { faultName, type TaskFailure } from "../koji/Fault.ts"
import { ownerOf } from "./Owner.ts"
import { type Handler, maybe, parameters, plain } from "./Task.ts"

const Parameters = Schema.Struct({
  tag_id: Schema.Union([Schema.Int, Schema.String]),
  build_id: Schema.Union([Schema.Int, Schema.String]),
  force: Schema.NullOr(Schema.Boolean),
  fromtag: maybe(Schema.Union([Schema.Int, Schema.String])),
  ignore_success: Schema.NullOr(Schema.Boolean)
})

export const tagBuild: Handler = Effect.fn("tagBuild")(function* (task) {
  const door = yield* Door
  const given = yield* parameters(task, Parameters)
  const from = given.fromtag ?? null
  const owner = yield* hubStep("owner", Schema.Int, ownerOf(task.id))

  const notify = (success: boolean, failure: string) =>
    hubStep(
      success ? "notify/success" : "notify/failure",
      Schema.Null,
      tagNotification(success, given.tag_id, from, given.build_id, owner, given.ignore_success, failure).pipe(
        Effect.as(null)
      ),
      // A mail too few harms less than one too many, and much less than a build that is tagged again.
      { ask: Effect.succeedSome(null) }
    )

  const tag = Effect.gen(function* () {
    const build = yield* hubStep(
      "build",
      Schema.Struct({ id: Schema.Int, name: Schema.String }),
      getBuild(given.build_id).pipe(Effect.map(({ id, name }) => ({ id, name })))
    )
    const tagId = yield* hubStep("tag", Schema.Int, getTag(given.tag_id).pipe(Effect.map((found) => found.id)))
    const tagged = listTagged(tagId, { event: null, package: build.name, inherit: false }).pipe(
      Effect.map((rows) => rows.some((row) => row.build_id === build.id))
    )
    yield* door.step(
      { path: "tagBuild", rule: "ask", input: [given.tag_id, given.build_id, given.force ?? false, from] },
      Schema.Null,
      tagOnHub(task.id, given.tag_id, given.build_id, { force: given.force, fromtag: from }).pipe(
        Effect.as(null),
        Effect.mapError(hubFailure)
      ),
      happenedIf(tagged).pipe(Effect.mapError(hubFailure))
    )
  })
  yield* tag.pipe(Effect.tapError((failure) => notify(false, inPython(failure))))
  yield* notify(true, "")
  return plain(null)
})

/** As Python shows an exception's class and text, which mails about a failed tagging quote. */
const inPython = (failure: TaskFailure): string => {
  const name = failure._tag === "KojiFault" ? (faultName(failure.code) ?? "GenericError") : "GenericError"
  return `<class 'koji.${name}'>: ${failure.message}`
}
