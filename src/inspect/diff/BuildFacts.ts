/**
 * What of an attempt decides what it builds: read from the recorded values of its steps and from what was asked of the
 * engine, and nothing that only tells one run from another.
 *
 * Each value is read by what is needed of it here, so that a journal of another version gives what it has.
 */
import { Effect, Option, Result, Schema } from "effect"
import type { AttemptEvent, StepValue } from "../../core/AttemptEvent.ts"
import type { ValueMissing } from "../../journal/ReplayDoor.ts"
import type { Timeline } from "../Timeline.ts"

const Source = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  release: Schema.String,
  epoch: Schema.NullOr(Schema.Int),
  file: Schema.String
})

const Names = Schema.Record(Schema.String, Schema.String)
const Configured = Schema.Struct({
  facts: Schema.Struct({ tagName: Schema.String, macros: Names, environment: Names }),
  inputs: Schema.Record(Schema.String, Schema.Json)
})

const Package = Schema.Struct({
  name: Schema.String,
  epoch: Schema.NullOr(Schema.Int),
  version: Schema.String,
  release: Schema.String,
  arch: Schema.String
})
export type Package = typeof Package.Type

const Image = Schema.Struct({ key: Schema.String, image: Schema.String, packages: Schema.Array(Package) })
const Installed = Schema.Struct({ image: Image })

export interface ImageFact {
  readonly step: string
  /** The digest of everything that went into it. */
  readonly key: string
  readonly image: string
}

export interface BuildFacts {
  readonly timeline: Timeline
  readonly source: typeof Source.Type | null
  readonly tag: string | null
  readonly configuration: { readonly [name: string]: Schema.Json }
  readonly macros: { readonly [name: string]: string }
  readonly environment: { readonly [name: string]: string }
  readonly images: ReadonlyArray<ImageFact>
  /** What was installed in the last of them; null when that is not to be had. */
  readonly packages: ReadonlyArray<Package> | null
  /** What could not be read, and why. */
  readonly missing: ReadonlyArray<string>
}

/** The steps whose values are read. */
const isOfInterest = (step: string): boolean =>
  step === "source" || step === "buildroot/configure" || step === "init" || step.startsWith("install/")

/** Keeps the values of these steps of a history that comes event by event. */
export const valuesOfInterest = () => {
  const values = new Map<string, StepValue>()
  const add = (event: AttemptEvent): void => {
    if (event._tag === "StepSucceeded" && isOfInterest(event.step)) values.set(event.step, event.value)
  }
  return { add, values }
}

/** `packageLog` is asked for the packages when the record only names their list and the list is not here. */
export const buildFacts = Effect.fn("buildFacts")(function* (
  timeline: Timeline,
  values: ReadonlyMap<string, StepValue>,
  value: (value: StepValue) => Effect.Effect<Schema.Json, ValueMissing>,
  packageLog: Effect.Effect<ReadonlyArray<Package> | undefined>
) {
  const missing: Array<string> = []
  const read = Effect.fnUntraced(function* <A, I>(step: string, schema: Schema.Codec<A, I>) {
    const recorded = values.get(step)
    if (recorded === undefined) return undefined
    const found = yield* Effect.result(value(recorded))
    if (Result.isFailure(found)) {
      missing.push(`${step}: ${found.failure.message}`)
      return undefined
    }
    return Option.getOrUndefined(Schema.decodeUnknownOption(schema)(found.success))
  })

  const source = yield* read("source", Source)
  const configured = yield* read("buildroot/configure", Configured)
  const images: Array<ImageFact> = []
  let packages: ReadonlyArray<Package> | undefined
  for (const step of [...values.keys()].filter((step) => step === "init" || step.startsWith("install/"))) {
    const image = step === "init" ? yield* read(step, Image) : (yield* read(step, Installed))?.image
    packages = image?.packages
    if (image !== undefined) images.push({ step, key: image.key, image: image.image })
  }
  packages ??= yield* packageLog
  return {
    timeline,
    source: source ?? null,
    tag: configured?.facts.tagName ?? null,
    configuration: configured?.inputs ?? {},
    macros: configured?.facts.macros ?? {},
    environment: configured?.facts.environment ?? {},
    images,
    packages: packages ?? null,
    missing
  } satisfies BuildFacts
})

/** The packages that `installed_pkgs.log` lists: `‹name›-[‹epoch›:]‹version›-‹release›.‹arch› ‹build time› ‹size› installed`. */
export const packagesInLog = (text: string): ReadonlyArray<Package> =>
  text.split("\n").flatMap((line) => {
    const [, name, epoch, version, release, arch] =
      /^(\S+)-(?:(\d{1,9}):)?([^\s:-]+)-([^\s-]+)\.([^\s.]+) \d+ \d+ installed$/.exec(line) ?? []
    if (name === undefined || version === undefined || release === undefined || arch === undefined) return []
    return [{ name, epoch: epoch === undefined ? null : Number(epoch), version, release, arch }]
  })
