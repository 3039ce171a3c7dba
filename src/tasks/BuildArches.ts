/** Which arches a build is made for, and which arch each child asks the scheduler for (tasks.md 3.3). */
import { Effect, Predicate, Random, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { hubFailure } from "../buildroot/HubSteps.ts"
import { Door } from "../buildroot/World.ts"
import { getBuildConfig } from "../hub/calls/tags.ts"
import { anyArches, chooseBuildArches, type SourceArches, taskArchChoices } from "../koji/Arch.ts"

/** What the build goes by of a tag's configuration, as of the repository's event. */
export const TagConfig = Schema.Struct({
  id: Schema.Int,
  name: Schema.String,
  arches: Schema.NullOr(Schema.String),
  noarchArches: Schema.NullOr(Schema.String),
  /** Whether uploaded source packages are made again in the tag's root. */
  rebuildSrpm: Schema.Boolean,
  /** The builder's option: arches that are asked for as they are. */
  literalArches: Schema.Array(Schema.String)
})
export type TagConfig = typeof TagConfig.Type

export const buildConfigAt = (path: string, tag: number, event: number) =>
  Effect.flatMap(Door, (door) =>
    door.step(
      { path, rule: "repeat", input: [tag, event] },
      TagConfig,
      Effect.gen(function* () {
        const { literalTaskArches } = yield* BuilderSettings
        const config = yield* getBuildConfig(tag, { event }).pipe(Effect.mapError(hubFailure))
        const extra: Readonly<Record<string, unknown>> = config.extra
        const rebuild = extra["rebuild_srpm"]
        const noarch = extra["noarch_arches"]
        return {
          id: config.id,
          name: config.name,
          arches: config.arches,
          noarchArches: Predicate.isString(noarch) ? noarch : null,
          rebuildSrpm: rebuild === undefined || rebuild === null ? true : Boolean(rebuild),
          literalArches: literalTaskArches
        }
      })
    )
  )

export const archList = (
  config: TagConfig,
  source: SourceArches,
  extraArches: string | null,
  override: string | null
) => Effect.fromResult(chooseBuildArches(config, source, extraArches, override))

/** The arch a child is created with; where kojid picks at random, the pick is a step. */
export const choosing = (path: string, config: TagConfig, arch: string, source: SourceArches | null) =>
  Effect.gen(function* () {
    const choices = yield* Effect.fromResult(taskArchChoices(arch, source ?? anyArches, config, config.literalArches))
    if (typeof choices === "string") return choices
    const door = yield* Door
    return yield* door.step(
      { path, rule: "repeat", input: [...choices] },
      Schema.String,
      Effect.map(Random.nextIntBetween(0, choices.length, { halfOpen: true }), (at) => choices[at] ?? arch)
    )
  })
