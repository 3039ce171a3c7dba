/** Whether a source package that was found is the one of the record. */
import { Effect, Option, Schema } from "effect"
import { digestOfFile } from "../buildroot/SourceFile.ts"
import { StepPath } from "../core/Ids.ts"
import { canonical } from "../journal/Canonical.ts"
import { SourceFacts } from "../tasks/BuildArch.ts"
import { type RecordedBuild, recordedValue } from "./RecordedBuild.ts"
import { Unanswerable } from "./RerunDoor.ts"

const step = "source"
const decode = Schema.decodeUnknownOption(SourceFacts)

/** Fails when it is another one: by its digest, or, for want of one, by what it says of itself. */
export const sameSource = Effect.fnUntraced(function* (recorded: RecordedBuild, path: string, value: Schema.Json) {
  if (path !== step) return
  const was = yield* recordedValue(recorded, StepPath.make(step), SourceFacts)
  const found = Option.getOrUndefined(decode(value))
  if (was === undefined || found === undefined) return
  const { sha256, ...facts } = found
  if (canonical({ ...facts, ...(was.sha256 === undefined ? {} : { sha256: sha256 ?? "" }) }) === canonical({ ...was }))
    return
  const say = ({ name, version, release, sha256 }: SourceFacts) =>
    `${name}-${version}-${release}${sha256 === undefined ? "" : ` (sha256 ${sha256.slice(0, digestShown)})`}`
  const message = `this is another source package: recorded ${say(was)}, found ${say(found)}; --source says where it is`
  return yield* new Unanswerable({ message })
})

/** Why a file is not the recorded source package; undefined when it is, or when the record cannot tell. */
export const unlikeSource = (recorded: RecordedBuild) =>
  Effect.fnUntraced(function* (name: string, file: string) {
    const was = yield* recordedValue(recorded, StepPath.make(step), SourceFacts)
    if (was?.sha256 === undefined || was.file !== name || (yield* digestOfFile(file)) === was.sha256) return undefined
    return `is another one of that name (recorded sha256 ${was.sha256.slice(0, digestShown)})`
  })

const digestShown = 12
