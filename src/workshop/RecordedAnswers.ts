/**
 * What a recorded build is answered when it is run again elsewhere: what was recorded, but for where things are. The
 * repository may have been moved, and the tools image may be another one here.
 */
import { Effect, Option, Schema } from "effect"
import type { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { StepPath } from "../core/Ids.ts"
import { Engine } from "../engine/Engine.ts"
import { type RecordedBuild, recordedValue } from "./RecordedBuild.ts"
import { Unanswerable } from "./RerunDoor.ts"

const configure = "buildroot/configure"

/** What of a buildroot's configuration says where things are. */
const Places = Schema.Struct({
  inputs: Schema.Struct({
    tag: Schema.String,
    repo: Schema.Int,
    arch: Schema.String,
    toolsImage: Schema.String,
    yumConf: Schema.String
  })
})

/** The hub's tree in which the recorded repository was: a directory or an address; undefined when the record says none. */
export const recordedTree = Effect.fnUntraced(function* (recorded: RecordedBuild) {
  const found = yield* recordedValue(recorded, StepPath.make(configure), Places)
  return found === undefined ? undefined : treeIn(found)
})

const treeIn = ({ inputs }: typeof Places.Type): string | undefined => {
  const url = /^baseurl=(.*)$/m.exec(inputs.yumConf)?.[1]
  const end = `/repos/${inputs.tag}/${inputs.repo}/${inputs.arch}`
  return url?.endsWith(end) === true ? url.slice(0, -end.length).replace(/^file:\/\//, "") : undefined
}

/** Lists that the hub alone was told, and that nothing depends on: a record that only names them serves. */
const isForHub = (path: string): boolean => path.startsWith("packages/")

export const recordedAnswers = Effect.fnUntraced(function* (
  settings: BuilderSettings["Service"],
  tree: string | null,
  remark: (text: string) => Effect.Effect<void>
) {
  const engine = yield* Engine

  /** The recorded tools image, or the one of this machine if that is gone. */
  const toolsImage = Effect.fnUntraced(function* (was: string) {
    if ((yield* engine.inspectImage(was)) !== undefined) return was
    const here = yield* engine.inspectImage(settings.toolsImage)
    if (here === undefined) return was
    yield* remark(
      `the recorded tools image ${was.slice(0, shortId)} is not here: ${settings.toolsImage} is used instead`
    )
    return here.id
  })

  const moved = Effect.fnUntraced(function* (value: Schema.Json) {
    const found = Option.getOrUndefined(Schema.decodeUnknownOption(Places)(value))
    if (found === undefined || !isObject(value) || !isObject(value["inputs"] ?? null)) return value
    const was = treeIn(found)
    const to = tree?.startsWith("/") === true ? `file://${tree}` : tree
    const { yumConf } = found.inputs
    const inputs = {
      ...Object(value["inputs"]),
      toolsImage: yield* toolsImage(found.inputs.toolsImage),
      yumConf:
        to === null || was === undefined ? yumConf : yumConf.replaceAll(was.startsWith("/") ? `file://${was}` : was, to)
    }
    return { ...value, inputs }
  })

  const answer = (path: string, value: Schema.Json | undefined): Effect.Effect<Schema.Json, Unanswerable> => {
    if (value === undefined) {
      if (isForHub(path)) return Effect.succeed([])
      const message = "the record only names its value, which is kept in blobs/ beside the journals, and not here"
      return Effect.fail(new Unanswerable({ message }))
    }
    if (path !== configure) return Effect.succeed(value)
    return moved(value).pipe(Effect.mapError(({ message }) => new Unanswerable({ message })))
  }
  return { answer }
})

const isObject = (value: Schema.Json): value is { readonly [name: string]: Schema.Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** `sha256:` and twelve digits. */
const shortId = 19
