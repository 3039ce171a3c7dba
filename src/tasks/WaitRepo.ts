/** `waitrepo`: waits until the hub has a repository that is new enough (tasks.md 4.2). */
import { Effect, Predicate, Schema } from "effect"
import { hubStep } from "../buildroot/HubSteps.ts"
import { getLastEvent } from "../hub/calls/repos.ts"
import { getTag, tagFirstChangeEvent, tagLastChangeEvent } from "../hub/calls/tags.ts"
import { Repo } from "../hub/shapes/Repo.ts"
import { genericError } from "../koji/Fault.ts"
import { pythonRepr } from "../koji/PythonRepr.ts"
import { parseNvrs, watchRepo } from "./RepoWatch.ts"
import { type Handler, maybe, parameters, plain, TagReference } from "./Task.ts"

const Parameters = Schema.Struct({
  tag: TagReference,
  newer_than: maybe(Schema.Union([Schema.Finite, Schema.String, Schema.Boolean])),
  nvrs: maybe(Schema.Array(Schema.String)),
  min_event: maybe(Schema.Union([Schema.Int, Schema.String]))
})

/** What a hub before 1.35 has instead: a repository of now has everything. */
const lastEvent = Effect.map(getLastEvent(), (event) => event?.id ?? null)

export const waitRepo: Handler = Effect.fn("waitRepo")(function* (task) {
  const given = yield* parameters(task, Parameters)
  const newerThan = given.newer_than ?? null
  let minEvent: number | string | null = given.min_event ?? null
  if (newerThan !== null && minEvent !== null) {
    return yield* genericError("newer_than parameter conflicts with min_event")
  }
  const tag = yield* hubStep(
    "tag",
    Schema.Struct({ id: Schema.Int, name: Schema.String }),
    getTag(given.tag).pipe(Effect.map(({ id, name }) => ({ id, name })))
  )
  if (typeof newerThan === "string" && newerThan.toLowerCase() === "now") minEvent = "last"
  else if (Predicate.isNumber(newerThan)) {
    minEvent = yield* hubStep(
      "first-change",
      Schema.Union([Schema.Int, Schema.Literal("last")]),
      Effect.gen(function* () {
        const before = yield* getLastEvent({ before: newerThan, strict: false })
        return (before === null ? null : yield* tagFirstChangeEvent(tag.id, { after: before.id })) ?? "last"
      })
    )
  } else if (newerThan !== null) return yield* genericError(`Invalid value for newer_than: ${pythonRepr(newerThan)}`)
  if (typeof minEvent === "string") {
    minEvent = yield* hubStep("last-change", Schema.NullOr(Schema.Int), tagLastChangeEvent(tag.id, lastEvent))
  }
  const nvrs = given.nvrs ?? []
  yield* parseNvrs(nvrs)
  const repo = yield* watchRepo({ tagId: tag.id, tagName: tag.name, minEvent, nvrs })
  return plain(yield* Schema.encodeEffect(Schema.toCodecJson(Repo))(repo).pipe(Effect.orDie))
})
