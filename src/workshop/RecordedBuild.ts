/** A recorded attempt, as far as running it again goes by it: what went in, what was run, and what came of it. */
import { Effect, HashMap, Option, Schema } from "effect"
import type { AttemptEvent, StepValue } from "../core/AttemptEvent.ts"
import { StepPath } from "../core/Ids.ts"
import { type RecordedAttempt, runnersOwn } from "../daemon/RecordedAttempt.ts"
import { ContainerExit, ContainerSpec } from "../engine/ContainerSpec.ts"
import { label } from "../engine/Labels.ts"
import { historyCheck } from "../inspect/Check.ts"
import type { Recorded, ValueMissing } from "../journal/ReplayDoor.ts"

/** One container of the record. */
export interface RecordedContainer {
  readonly spec: ContainerSpec
  /** Null when nobody saw its end. */
  readonly exit: ContainerExit | null
}

/** A file that the attempt gave to the hub as a result. */
export interface RecordedFile {
  readonly name: string
  readonly bytes: number
  readonly sha256: string
}

export interface RecordedBuild extends RecordedAttempt, Recorded {
  /** When it began, in milliseconds since the epoch. */
  readonly at: number
  /** By the path of the step, and of the part of it where it has several: `build/1`, `init/populate`. */
  readonly containers: ReadonlyMap<string, RecordedContainer>
  readonly results: ReadonlyArray<RecordedFile>
  /** Digests of what counts in packages among them, by name, where the record has them. */
  readonly contents: ReadonlyMap<string, string>
}

/** Tasks that run something in a container. */
const methods: ReadonlyArray<string> = ["buildArch", "rebuildSRPM", "createrepo"]

/** The step that gives results to the hub; what else is given are logs. */
const resultsStep = "upload"

const decodeSpec = Schema.decodeUnknownOption(Schema.toCodecJson(ContainerSpec))
const decodeExit = Schema.decodeUnknownOption(Schema.toCodecJson(ContainerExit))

/** Takes a history event by event. What it adds up to is undefined when there is no beginning. */
export const recordedBuild = () => {
  const check = historyCheck()
  const containers = new Map<string, RecordedContainer>()
  const results: Array<RecordedFile> = []
  const places = new Map<string, string>()
  let uploading = false
  let beganAt: number | undefined

  const add = (event: AttemptEvent, at: number): void => {
    check.add(event)
    beganAt ??= at
    if (event._tag === "StepIntended" && event.step === resultsStep) uploading = true
    if ((event._tag === "StepSucceeded" || event._tag === "StepFailed") && event.step === resultsStep) uploading = false
    if (event._tag === "FileUploaded" && uploading) results.push(event)
    if (event._tag === "ContainerIntended") {
      const spec = Option.getOrUndefined(decodeSpec(event.spec))
      const place = spec?.labels[label.step]
      if (spec === undefined || place === undefined) return
      places.set(event.container, place)
      // A container that was run again began as the first one did, whatever its command was then.
      containers.set(place, { spec: containers.get(place)?.spec ?? spec, exit: null })
    }
    if (event._tag === "ContainerExited") {
      const place = places.get(event.container) ?? ""
      const known = containers.get(place)
      if (known !== undefined) containers.set(place, { ...known, exit: Option.getOrNull(decodeExit(event.exit)) })
    }
  }
  const found = (value: (value: StepValue) => Effect.Effect<Schema.Json, ValueMissing>): RecordedBuild | undefined => {
    const { accepted, undecided: state, paths, outcome } = check.found()
    if (accepted === null || state._tag === "Unknown") return undefined
    return {
      ...{ accepted, state, paths: paths.filter((path) => !runnersOwn.has(path)), outcome, value, containers, results },
      at: beganAt ?? 0,
      contents: contentsIn(state),
      step: (path) => Option.getOrUndefined(HashMap.get(state.steps, path))
    }
  }
  return { add, found }
}

/** Small enough to be in the journal itself, as long as a build makes some hundreds of packages at most. */
const contentsIn = (state: RecordedAttempt["state"]): ReadonlyMap<string, string> => {
  const record = Option.getOrUndefined(HashMap.get(state.steps, StepPath.make(resultsStep)))
  if (record?._tag !== "Succeeded" || record.value._tag !== "Inline") return new Map()
  const found = Option.getOrUndefined(decodeContents(record.value.value))
  return new Map(Object.entries(found?.contents ?? {}))
}
const decodeContents = Schema.decodeUnknownOption(
  Schema.Struct({ contents: Schema.Record(Schema.String, Schema.String) })
)

/** Why this record cannot be run again to see whether the same comes of it; undefined when it can. */
export const unfit = ({ accepted, outcome }: RecordedBuild, until: string | null): string | undefined => {
  const what = `task ${accepted.task} is a ${accepted.method}`
  if (!methods.includes(accepted.method)) {
    return `${what}, which runs nothing in a container; run again are ${methods.join(", ")}`
  }
  if (until !== null) return undefined
  const only = "it can be run up to a step only (--until)"
  if (outcome === null) return `the record ends before a result: there is nothing to compare with, and ${only}`
  if (outcome._tag === "Success" || outcome._tag === "Fault") return undefined
  return `${what} that came to no result of its own (${outcome._tag.toLowerCase()}: ${outcome.reason}): ${only}`
}

/** The names that `--until` takes: steps, and containers of steps that have several. */
export const stepNames = ({ paths, containers }: RecordedBuild): ReadonlyArray<string> => [
  ...new Set(paths.flatMap((path) => [path, ...[...containers.keys()].filter((place) => place.startsWith(`${path}/`))]))
]

/** The value of a recorded step, read by what is needed of it; undefined when there is none such here. */
export const recordedValue = Effect.fnUntraced(function* <A, I>(
  recorded: Recorded,
  path: Parameters<Recorded["step"]>[0],
  schema: Schema.Codec<A, I>
) {
  const record = recorded.step(path)
  if (record?._tag !== "Succeeded") return undefined
  const value = yield* Effect.option(recorded.value(record.value))
  return Option.getOrUndefined(Option.flatMap(value, Schema.decodeUnknownOption(schema)))
})
