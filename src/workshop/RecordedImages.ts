/**
 * The images of a recorded build, on the engine that it is run again on.
 *
 * An image that the engine still has, by its digest, is taken as it is. One that is gone is made again from the recorded
 * repository, and must then hold the very packages that were recorded: a repository that has moved on makes another root,
 * and what is built there says nothing about the build. What is made again has another name; inputs of later steps are
 * held against the record with the recorded names in the place of the new ones.
 */
import { Effect, Option, Schema } from "effect"
import { samePackages } from "../buildroot/ImageFiles.ts"
import { ImageRecord } from "../buildroot/ImageStore.ts"
import { StepPath } from "../core/Ids.ts"
import { Engine } from "../engine/Engine.ts"
import type { TaskFailure } from "../koji/Fault.ts"
import type { PackageEntry } from "../koji/PackageList.ts"
import { type RecordedBuild, recordedValue } from "./RecordedBuild.ts"
import { Unanswerable } from "./RerunDoor.ts"

/** What a step that makes an image leaves: the image, or the image and how its making failed. */
const Made = Schema.Union([ImageRecord, Schema.Struct({ image: ImageRecord, failed: Schema.NullOr(Schema.Unknown) })])
const decodeMade = Schema.decodeUnknownOption(Made)

/** Steps that make an image. */
const isMaking = (path: string): boolean => path === "init" || path.startsWith("install/")

const imageIn = (made: typeof Made.Type): ImageRecord => ("packages" in made ? made : made.image)
const failedIn = (made: typeof Made.Type): boolean => "failed" in made && made.failed !== null

/** `hasFiles` tells whether what is needed to build on an image, beside the image itself, is at hand. */
export const recordedImages = Effect.fnUntraced(function* (
  recorded: RecordedBuild,
  hasFiles: (key: string) => Effect.Effect<boolean>,
  remark: (text: string) => Effect.Effect<void>
) {
  const engine = yield* Engine
  const steps = yield* Effect.forEach(recorded.paths.filter(isMaking), (path) =>
    Effect.map(recordedValue(recorded, StepPath.make(path), Made), (made) => ({ path, made }))
  )
  const unknown = steps.filter(
    ({ path, made }) => made === undefined && recorded.step(StepPath.make(path))?._tag === "Succeeded"
  )
  for (const { path } of unknown) {
    yield* remark(
      `what was in the image of ${path} is kept in blobs/ beside the journals and not here: it is made again, unseen`
    )
  }
  const held = new Map<string, string>()
  // From the last: an image that another is made of is of use only with its files.
  let builtOn = false
  for (const { path, made } of steps.toReversed()) {
    const image = made === undefined || failedIn(made) ? undefined : imageIn(made)
    let serves = false
    if (image !== undefined && (yield* engine.inspectImage(image.image)) !== undefined) {
      serves = !builtOn || (yield* hasFiles(image.key))
      if (serves) held.set(path, image.image)
    }
    builtOn = !serves
  }
  const recordedNames = new Map<string, string>()
  const asRecorded = (input: Schema.Json): Schema.Json => {
    if (typeof input === "string") return recordedNames.get(input) ?? input
    return Array.isArray(input) ? input.map(asRecorded) : input
  }

  const done = Effect.fnUntraced(function* (path: string, value: Schema.Json) {
    if (!isMaking(path)) return
    const before = steps.find((step) => step.path === path)?.made
    const now = Option.getOrUndefined(decodeMade(value))
    if (before === undefined || now === undefined || failedIn(before) || failedIn(now)) return
    const [was, is] = [imageIn(before), imageIn(now)]
    if (!samePackages(was.packages, is.packages) || !samePayloads(was.packages, is.packages)) {
      const message = `the image ${was.image} is gone, and the repository makes another of it: ${differing(was.packages, is.packages)}`
      return yield* new Unanswerable({ message })
    }
    recordedNames.set(is.image, was.image).set(is.key, was.key)
  })
  const failed = Effect.fnUntraced(function* (path: string, failure: TaskFailure) {
    const was = steps.find((step) => step.path === path)?.made
    if (was === undefined || failedIn(was) || failure._tag !== "KojiFault") return
    const message = `the image ${imageIn(was).image} is gone and could not be made again: ${failure.message}`
    return yield* new Unanswerable({ message: `${message}; --topurl says where the hub's file tree is` })
  })
  return {
    /** In the order in which they were made. */
    held: [...held].reverse().map(([path, image]) => ({ path, image })),
    isHeld: (path: string) => held.has(path),
    // Which image is a part of the input of the steps that use it.
    isComparable: (path: string) => unknown.length === 0 || !usesImage.test(path),
    mayBeNew: (path: string) => !isMaking(path),
    asRecorded,
    failed,
    done
  }
})

const usesImage = /^(packages|build|install)\//

const namesShown = 6

/** `- make-4.3-1.x86_64, + make-4.4-1.x86_64`. */
const nvraOf = ({ name, version, release, arch }: PackageEntry) => `${name}-${version}-${release}.${arch}`

const payloadOf = (entry: PackageEntry) => entry.payloadhash

/** Whether packages of one name in both are the same builds. */
const samePayloads = (a: ReadonlyArray<PackageEntry>, b: ReadonlyArray<PackageEntry>): boolean => {
  const known = new Map(a.map((entry) => [nvraOf(entry), payloadOf(entry)]))
  return b.every((entry) => known.get(nvraOf(entry)) === payloadOf(entry))
}

const differing = (was: ReadonlyArray<PackageEntry>, is: ReadonlyArray<PackageEntry>): string => {
  // Of one name and version there may be several builds.
  const isNamed = !samePackages(was, is)
  const names = (list: ReadonlyArray<PackageEntry>) =>
    new Set(list.map((entry) => (isNamed ? nvraOf(entry) : `${nvraOf(entry)} (${payloadOf(entry)})`)))
  const [before, now] = [names(was), names(is)]
  const changes = [
    ...[...before].filter((name) => !now.has(name)).map((name) => `- ${name}`),
    ...[...now].filter((name) => !before.has(name)).map((name) => `+ ${name}`)
  ]
  const more = changes.length > namesShown ? `, and ${changes.length - namesShown} more` : ""
  return `${changes.slice(0, namesShown).join(", ")}${more}`
}
