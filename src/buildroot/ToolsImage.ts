/** Which image serves a tag and architecture, and its id on this engine: steps run by id, never by a moving tag. */
import { Effect } from "effect"
import { Engine, EngineError } from "../engine/Engine.ts"
import { fnmatch } from "../koji/FnMatch.ts"
import { BuilderSettings, type ImageRule } from "./BuilderSettings.ts"
import { engineFailure } from "./ContainerSteps.ts"

const ruleFor = (rules: ReadonlyArray<ImageRule>, tag: string, arch: string): string | undefined =>
  rules.find((rule) => fnmatch(tag, rule.tag) && fnmatch(arch, rule.arch))?.image

/** The id of the tools image for this tag. Refuses the task, softly, when there is none to be had. */
export const toolsImageFor = Effect.fn("toolsImageFor")(function* (tag: string, arch: string, wanted?: string) {
  const settings = yield* BuilderSettings
  const ruled = ruleFor(settings.toolsImages, tag, arch)
  if (wanted !== undefined) return yield* ensured(wanted, `mock.bootstrap_image of ${tag}`)
  if (ruled !== undefined) return yield* ensured(ruled, "tools_images in [adjutant]")
  return yield* ensured(settings.toolsImage, "tools_image in [adjutant]")
})

/** The id of the ready-made base image for this tag, if the operator has named one. */
export const readyBaseFor = Effect.fn("readyBaseFor")(function* (tag: string, arch: string) {
  const settings = yield* BuilderSettings
  const reference = ruleFor(settings.baseImages, tag, arch)
  return reference === undefined ? undefined : yield* ensured(reference, "base_images in [adjutant]")
})

/** What this machine can run. `from` is where the reference stands, for whoever is to mend it. */
const ensured = Effect.fnUntraced(
  function* (reference: string, from: string) {
    const engine = yield* Engine
    const settings = yield* BuilderSettings
    const { architecture } = yield* engine.info
    const image = yield* engine
      .ensureImage(reference, {
        policy: settings.pullPolicy,
        timeoutSeconds: settings.pullTimeoutSeconds,
        inactivitySeconds: settings.pullInactivitySeconds,
        architecture
      })
      .pipe(Effect.mapError((error) => new EngineError({ ...error, message: `${error.message} (${from})` })))
    return image.id
  },
  Effect.mapError((error) => engineFailure(error))
)
