/**
 * A recorded build, run again: the same program over a door that does anew what the builder does by itself and answers
 * everything else from the record (`RerunDoor.ts`).
 *
 * It is a builder of its own for as long as it takes: a directory, an id, a journal, images and containers that carry the
 * id; all of it goes with the scope. There is no hub in it, by type.
 */
import { copyFile, cp, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Exit, Layer, Option, Ref, Result, Schema } from "effect"
import { BuilderSettings } from "../buildroot/BuilderSettings.ts"
import { asAsked } from "../buildroot/ContainerSteps.ts"
import { ImageStore } from "../buildroot/ImageStore.ts"
import { KojiLogs } from "../buildroot/KojiLogs.ts"
import { TaskUploads } from "../buildroot/TaskUploads.ts"
import { exists, Workspace } from "../buildroot/Workspace.ts"
import { Door, type Here, type World } from "../buildroot/World.ts"
import { order } from "../core/AttemptCommand.ts"
import { Outcome } from "../core/AttemptEvent.ts"
import { InstanceId, StepPath } from "../core/Ids.ts"
import { authorityMounts } from "../daemon/Authorities.ts"
import { outcomeOf } from "../daemon/Outcome.ts"
import { programOf } from "../daemon/RecordedAttempt.ts"
import type { ContainerSpec } from "../engine/ContainerSpec.ts"
import { Engine } from "../engine/Engine.ts"
import { AttemptJournal } from "../journal/AttemptJournal.ts"
import { recording } from "../journal/Door.ts"
import * as FileJournalStore from "../journal/FileJournalStore.ts"
import { JournalStore } from "../journal/JournalStore.ts"
import * as NodeDisk from "../journal/NodeDisk.ts"
import type { TaskType } from "../tasks/Task.ts"
import * as CollectedUploads from "./CollectedUploads.ts"
import { recordedAnswers } from "./RecordedAnswers.ts"
import type { RecordedBuild } from "./RecordedBuild.ts"
import { recordedImages } from "./RecordedImages.ts"
import { sameSource, unlikeSource } from "./RecordedSource.ts"
import { endFor, type RerunEnd, rerunning } from "./RerunDoor.ts"
import { belongsTo, type ContainerProgress, watchedEngine } from "./RerunEngine.ts"
import { rerunPlace } from "./RerunPlace.ts"
import { asRecorded, rerunSettings } from "./RerunSettings.ts"
import { type ComparedFile, compared } from "./Results.ts"
import * as SourceSearch from "./SourceSearch.ts"

/** What happens, for whoever waits. */
export type Progress =
  | { readonly _tag: "Source"; readonly name: string; readonly place: string }
  /** An image that is still there. */
  | { readonly _tag: "Held"; readonly path: string; readonly image: string }
  | ContainerProgress
  | { readonly _tag: "Remark"; readonly text: string }

/** Where it was stopped: the container that comes next, or that was the last, and the build's directory. */
export interface Stop {
  readonly path: string
  readonly spec: ContainerSpec | null
  readonly builddir: string
}

export interface RerunRequest<E = never> {
  readonly type: TaskType
  readonly recorded: RecordedBuild
  /** Below which directory it is done. */
  readonly below: string
  /** How this machine is set up; what the record says stands above it. */
  readonly local: BuilderSettings["Service"]
  /** The file of authorities to trust besides this machine's, where packages are fetched. */
  readonly serverca: string | null
  /** The state directory that the journal lies in, if it lies in one. */
  readonly stateDirectory: string | null
  /** The hub's tree, in place of the recorded one: a directory or an address. */
  readonly tree: string | null
  /** Where the files of the hub's tree may be. */
  readonly placesOf: SourceSearch.Search["placesOf"]
  /** Where the file of a result that was made then is to be had; null when nobody said. */
  readonly against: string | null
  readonly until: { readonly step: string; readonly look: (at: Stop) => Effect.Effect<void, E, Engine> } | null
  /** Where results, logs and journal are left, which is there and empty; null keeps none. */
  readonly keep: string | null
  readonly tell: (progress: Progress) => Effect.Effect<void>
}

export interface RerunReport {
  /** Why it came to no end of its own; null when it did. */
  readonly end: RerunEnd | null
  readonly outcome: Outcome | null
  /** Each result that is there now or was there then; empty for a failure. */
  readonly files: ReadonlyArray<ComparedFile>
}

export const rerun = Effect.fn("rerun")(function* <E = never>(request: RerunRequest<E>) {
  const { recorded, tell, until } = request
  const { task, attempt, method, arch, request: parameters } = recorded.accepted
  const engine = yield* Engine
  const { directory, id } = yield* rerunPlace(request.below)
  const ends = yield* Ref.make(Option.none<RerunEnd>())
  const bare = { ...rerunSettings(request.local, recorded, directory, request.tree), instance: InstanceId.make(id) }
  const trust = yield* authorityMounts(request, bare)
  const settings = { ...bare, installMounts: [...bare.installMounts, ...trust] }
  const results = request.keep ?? join(directory, "results")
  yield* Effect.promise(() => mkdir(results, { recursive: true }))
  yield* bringImageFiles(request, directory)
  const remark = (text: string) => tell({ _tag: "Remark", text })
  const hasFiles = (key: string) => Effect.promise(() => exists(join(directory, "images", key, "state.tar")))
  const images = yield* recordedImages(recorded, hasFiles, remark)
  const answers = yield* recordedAnswers(settings, request.tree, remark)

  for (const { path, image } of images.held) yield* tell({ _tag: "Held", path, image })

  const runsContainers = (path: string) =>
    !images.isHeld(path) && [...recorded.containers.keys()].some((place) => belongsTo(path, place))
  const { engine: watched, last } = watchedEngine(engine, {
    ...{ containers: recorded.containers, tell, until: until?.step ?? null },
    stop: (place) => endFor(ends, { _tag: "Until", path: place })
  })

  const made = new Map<string, string>()
  const journal = AttemptJournal.layer(task, attempt).pipe(
    Layer.provide(Layer.effect(JournalStore, FileJournalStore.make({ directory, visible: true }))),
    Layer.provide(NodeDisk.layer)
  )
  const logs = Layer.unwrap(
    Effect.map(Workspace, ({ logs, captures }) =>
      KojiLogs.layer(
        { directory: logs, captures, container: join(directory, "log", "container.log") },
        settings.version
      )
    )
  )
  const sources = SourceSearch.layer({
    placesOf: request.placesOf,
    unlike: unlikeSource(recorded),
    found: (name, place) => tell({ _tag: "Source", name, place }),
    nowhere: (message) => endFor(ends, { _tag: "Missing", path: "source", message })
  })
  const world = CollectedUploads.layer(results, ({ name, sha256 }) => void made.set(name, sha256)).pipe(
    Layer.provideMerge(logs),
    Layer.provideMerge(Layer.mergeAll(Workspace.layer(directory, task, attempt), ImageStore.layer, sources)),
    Layer.provideMerge(
      Layer.mergeAll(journal, Layer.succeed(BuilderSettings, settings), Layer.succeed(Engine, watched))
    )
  )

  return yield* Effect.gen(function* () {
    const own = yield* AttemptJournal
    const { builddir } = yield* Workspace
    const uploads = yield* TaskUploads
    const { instance, bootId, version } = settings
    yield* own
      .submit(order.Accept.make({ task, attempt, method, arch, request: parameters, instance, bootId, version }))
      .pipe(Effect.orDie)
    yield* own.submit(order.Note.make({ text: "run again, from the record" })).pipe(Effect.orDie)
    const live = yield* recording<Here>()
    const door = rerunning<World, Here>(
      recorded,
      live,
      {
        ...images,
        ...answers,
        done: (path, value) => Effect.andThen(sameSource(recorded, path, value), images.done(path, value)),
        stopsAt: (path) => until?.step === path && !runsContainers(path)
      },
      ends
    )
    const exit = yield* programOf(request.type, recorded.accepted).pipe(
      Effect.provideService(Door, Door.of(door)),
      Effect.provideService(asAsked, asRecorded(recorded, request.tree)),
      Effect.exit
    )
    const end = Option.getOrNull(yield* Ref.get(ends))
    if (end?._tag === "Until" && until !== null) {
      yield* until.look({ path: end.path, spec: last(), builddir }).pipe(Effect.provideService(Engine, engine))
    }
    if (end === null && Exit.isFailure(exit) && Exit.hasInterrupts(exit)) return yield* Effect.interrupt
    if (Exit.isFailure(exit)) yield* Effect.ignore(uploads.flushLogs)
    const outcome = end === null ? yield* decided(outcomeOf(exit, null)) : null
    const files =
      outcome?._tag !== "Success"
        ? []
        : yield* compared({ recorded, made, results, original: original(request, directory) })
    if (request.keep !== null && own.path !== null) {
      const [from, to] = [own.path, join(request.keep, "adjutant-events.log")]
      yield* Effect.promise(() => copyFile(from, to))
    }
    return { end, outcome, files } satisfies RerunReport
  }).pipe(Effect.provide(world))
}, Effect.scoped)

/** What the core lets stand, on record: a success that names a file which was never made is none. */
const decided = Effect.fnUntraced(function* (outcome: Outcome) {
  const journal = yield* AttemptJournal
  const submitted = yield* Effect.result(journal.submit(order.DecideResult.make({ outcome })))
  if (Result.isSuccess(submitted)) return outcome
  return Outcome.cases.Fault.make({ code: 1, message: submitted.failure.message })
})

/** What the builder keeps beside images, from which others are made. */
const bringImageFiles = Effect.fnUntraced(function* (
  { recorded, stateDirectory }: RerunRequest<unknown>,
  directory: string
) {
  if (stateDirectory === null) return
  for (const path of recorded.paths) {
    const key = yield* recordedKey(recorded, path)
    const from = join(stateDirectory, "images", key ?? "")
    if (key === undefined || !(yield* Effect.promise(() => exists(join(from, "state.tar"))))) continue
    yield* Effect.promise(() => cp(from, join(directory, "images", key), { recursive: true }))
  }
})

const keyForm = /^[0-9a-f]{32,64}$/
const decodeKey = Schema.decodeUnknownOption(
  Schema.Union([Schema.Struct({ key: Schema.String }), Schema.Struct({ image: Schema.Struct({ key: Schema.String }) })])
)

/** Of the image that a step made, if it made one. */
const recordedKey = Effect.fnUntraced(function* (recorded: RecordedBuild, path: string) {
  const record = recorded.step(StepPath.make(path))
  if (record?._tag !== "Succeeded") return undefined
  const value = yield* Effect.option(recorded.value(record.value))
  const found = Option.getOrUndefined(Option.flatMap(value, decodeKey))
  const key = found === undefined ? undefined : "key" in found ? found.key : found.image.key
  return key !== undefined && keyForm.test(key) ? key : undefined
})

/** Brings the file that was made then, from the directory or address that somebody has named. */
const original = ({ against }: RerunRequest<unknown>, directory: string) =>
  Effect.fnUntraced(function* (name: string) {
    if (against === null) return Result.fail("--against DIR|URL, where the recorded files are, tells what differs")
    const arch = /\.([^.]+)\.rpm$/.exec(name)?.[1] ?? ""
    const place = join(directory, "against")
    yield* Effect.promise(() => mkdir(place, { recursive: true }))
    const wanted = [name, `${arch}/${name}`].map((relative) => ({ top: against, relative }))
    const found = yield* SourceSearch.firstOf(wanted, join(place, name))
    return Result.map(found, () => join(place, name))
  })
